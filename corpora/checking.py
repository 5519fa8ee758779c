"""The check of a file's labels against a scheme, for files of any format."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from structkd.corpora.schemes import Scheme, SchemeError, faults, is_label, repaired
from structkd.corpora.sentences import Changes, Reading, Sentence

Repair = Literal["none", "conlleval"]

_LISTED = 5  # further places that an error names

_REPAIR = (
    'correct the file, or set repair = "conlleval" (evaluate: --repair conlleval) to read it as conlleval does, where '
    "a label that continues nothing begins a span"
)
_NO_SPANS = (
    "correct it, or name the column whose labels write spans as label_column; tags that are no spans, such as parts of "
    'speech, need metric = "accuracy"'
)
_NO_KEY = 'a word without the key is labelled "_": set missing_label = "O" (evaluate: --missing-label O)'


@dataclass(frozen=True, slots=True)
class Located:
    """A sentence of a file, and its place there."""

    sentence: Sentence
    where: str
    """The file, or the row of it."""
    lines: Sequence[int] | None = None
    """The numbers of the words' lines, in formats with one line per word."""

    def place(self, word: int) -> str:
        """Return the place of a word in the words of errors."""
        return self.where if self.lines is None else f"{self.where}:{self.lines[word]}"


@dataclass(frozen=True, slots=True)
class _Fault:
    error: SchemeError
    place: str
    label: str | None
    """None at the end of a sentence."""


def checked(found: Sequence[Located], scheme: Scheme | None, repair: Repair = "none", comments: int = 0) -> Reading:
    """Return the sentences with labels that are valid in `scheme`; unchanged if it is None.

    Args:
        found: the sentences of a file.
        scheme: scheme of their labels.
        repair: with `none`, an invalid sequence is an error; with `conlleval`, it is read as conlleval reads it, and
        counted.
        comments: number of lines that the reader left out.

    Raises:
        SchemeError: labels that are not valid. The message names the first places, and what to do.
    """
    sentences = tuple(one.sentence for one in found)
    wrong = [] if scheme is None else [fault for one in found for fault in _faults(one, scheme)]
    if scheme is None or not wrong:
        return Reading(sentences, Changes(comments))
    strange = [fault for fault in wrong if fault.label is not None and not is_label(fault.label, scheme)]
    if strange:
        raise _summed_up(strange, _NO_KEY if all(fault.label == "_" for fault in strange) else _NO_SPANS)
    if repair == "none":
        raise _summed_up(wrong, _REPAIR)
    mended = tuple(_mended(sentence, scheme) for sentence in sentences)
    return Reading(mended, Changes(comments, sum(map(_differences, mended, sentences))))


def _faults(one: Located, scheme: Scheme) -> Iterator[_Fault]:
    labels = one.sentence.labels or ()
    for error in faults(labels, scheme):
        place = min(error.place, len(labels) - 1)  # a span left open at the end is the last word's fault
        yield _Fault(error, one.place(place), labels[error.place] if error.place < len(labels) else None)


def _summed_up(wrong: Sequence[_Fault], remedy: str) -> SchemeError:
    first, *others = wrong
    more = ""
    if others:
        listed = ", ".join(fault.place.rpartition(":")[2] for fault in others[:_LISTED])
        dots = ", ..." if len(others) > _LISTED else ""
        more = f"; {len(wrong)} labels of the file are at fault, the others at {listed}{dots}"
    return SchemeError(f"{first.place}: {first.error}{more}; {remedy}", first.error.place)


def _mended(sentence: Sentence, scheme: Scheme) -> Sentence:
    return Sentence(sentence.tokens, sentence.labels and repaired(sentence.labels, scheme))


def _differences(one: Sentence, other: Sentence) -> int:
    return sum(a != b for a, b in zip(one.labels or (), other.labels or (), strict=True))
