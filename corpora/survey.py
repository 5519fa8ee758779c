"""What there is to know of an experiment's corpora before anything is trained: sizes, and what looks wrong."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from structkd.corpora.sentences import Corpus, Split, label_names
from structkd.corpora.suspicions import suspicions, types

Corpora = Mapping[Split, Corpus]
"""A language's corpora."""
_SHOWN = 5  # examples in a warning


@dataclass(frozen=True)
class Size:
    """The size of a corpus."""

    language: str
    split: Split
    sentences: int
    words: int
    longest: int
    """Words of the longest sentence."""
    types: Counter[str]
    """Types of spans, or tags, by number; none of text without labels."""


@dataclass(frozen=True)
class Warned:
    """A warning about a corpus."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def size_of(corpus: Corpus) -> Size:
    """Measure a corpus. A span counts once: by its B- or S-."""
    labels = Counter(label for sentence in corpus for label in sentence.labels or ())
    counted: Counter[str] = Counter()
    for label, count in labels.items():
        prefix, dash, kind = label.partition("-")
        if dash and prefix in ("B", "S"):
            counted[kind] += count
        elif not dash and label != "O":
            counted[label] += count
    longest = max((len(sentence) for sentence in corpus), default=0)
    return Size(corpus.language, corpus.split, len(corpus), corpus.tokens, longest, counted)


def warnings(languages: Mapping[str, Corpora]) -> Iterator[Warned]:
    """Yield what looks wrong in the corpora of an experiment's languages."""
    for language, corpora in languages.items():
        for corpus in corpora.values():
            for reason in suspicions(corpus):
                yield Warned(f"{language} {corpus.split}", reason)
        yield from _overlaps(language, corpora)
        yield from _missing(language, corpora)
    yield from _lonely(languages)


def _overlaps(language: str, corpora: Corpora) -> Iterator[Warned]:
    """Sentences that stand in two splits; a score on them says little."""
    for one, other in combinations(corpora.values(), 2):
        if other.split == "augmented":  # it is made from the training corpus
            continue
        exact = {(sentence.tokens, sentence.labels) for sentence in one}
        words = {sentence.tokens for sentence in one}
        shared = [sentence for sentence in other if sentence.tokens in words]
        if not shared:
            continue
        same = sum((sentence.tokens, sentence.labels) in exact for sentence in shared)
        labelled = "unlabelled" not in (one.split, other.split)
        alike = f"{same} of them with the same labels, " if labelled else ""
        example = " ".join(max(shared, key=len).tokens[:8])
        yield Warned(
            f"{language} {other.split}",
            f"{len(shared)} of {len(other)} sentences stand in {one.split}, too ({alike}such as: {example})",
        )


def _missing(language: str, corpora: Corpora) -> Iterator[Warned]:
    """Types that one split has and the training corpus lacks, or the other way round."""
    train = types(label_names([corpora["train"]]))
    for split in ("dev", "test"):
        if split not in corpora:
            continue
        found = types(label_names([corpora[split]]))
        if unknown := sorted(found - train):
            yield Warned(f"{language} {split}", f"train has no {_some(unknown)}, so all of that counts as wrong")
        if absent := sorted(train - found):
            yield Warned(f"{language} {split}", f"has no {_some(absent)}, which train has")


def _lonely(languages: Mapping[str, Corpora]) -> Iterator[Warned]:
    """Types that only one language of several has: often a misspelt label or another column."""
    found = {language: types(label_names([corpora["train"]])) for language, corpora in languages.items()}
    for language, known in found.items():
        others = set[str]().union(*(theirs for other, theirs in found.items() if other != language))
        if len(found) > 1 and (alone := sorted(known - others)):
            yield Warned(f"{language} train", f"no other language has {_some(alone)}")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
