"""The protocol of corpus sources, and their requests."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Protocol

from structkd.corpora.catalog import ROOT_VARIABLE
from structkd.corpora.config import Limits
from structkd.corpora.lengths import LengthLimit, LengthReport, limit_lengths
from structkd.corpora.schemes import Metric, Scheme
from structkd.corpora.sentences import Corpus, CorpusError, Sentence, Split, drawn
from structkd.ground.files import digest_unchanged

Stream = Generator[Sentence, None, LengthReport]
"""Sentences one after the other, each made when it is asked for; it returns the report of the length limit."""


def streamed(corpus: Corpus, report: LengthReport) -> Stream:
    """Return a stream of sentences that are in memory."""
    yield from corpus
    return report


def collected(language: str, split: Split, stream: Stream) -> tuple[Corpus, LengthReport]:
    """Read a stream to its end; return all sentences, and its report."""
    reports: list[LengthReport] = []

    def sentences() -> Iterator[Sentence]:
        reports.append((yield from stream))

    corpus = Corpus(language, split, tuple(sentences()))
    return corpus, reports[0]


class CorpusSource(Protocol):
    """A source of an experiment's sentences. It names a corpus, and reads or makes it."""

    def identity(self, wanted: "CorpusRequest") -> dict[str, Any]:
        """Return what determines the content of `load`, without reading sentences: equal identities, equal corpora.

        Finished runs are named by identities: if one changes, these runs are no longer found.

        Raises:
            CorpusError: a missing file.
        """

    def load(self, wanted: "CorpusRequest") -> tuple[Corpus, LengthReport]:
        """Return the requested corpus and the report of the length limit.

        Raises:
            CorpusError: a missing or malformed file, or nothing left after the limits.
        """


class TextSource(CorpusSource, Protocol):
    """A source of text that need not be in memory as a whole."""

    def stream(self, wanted: "CorpusRequest") -> Stream:
        """Yield the sentences of `load`. Raises as that does, at the place of the fault."""


class LabelledSource(CorpusSource, Protocol):
    """A source of train, dev and test."""

    @property
    def metric(self) -> Metric:
        """The metric: span F1 or accuracy, depending on the labels."""

    @property
    def settings(self) -> dict[str, Any]:
        """The settings without paths; identities contain the content of the files instead."""

    @property
    def makes_text(self) -> bool:
        """True if it has an `unlabelled` split of its own."""


@dataclass(frozen=True)
class CorpusRequest:
    """A corpus that an experiment wants from one of its sources.

    Attributes:
        experiment: its name, for messages. scheme: scheme of the labels that the taggers see; None for tags.
        sentences: number of sentences to draw by `limits.seed`; None takes all.
        labelled: the source of the training corpus, for text that is made from it.
    """

    experiment: str
    language: str
    split: Split
    scheme: Scheme | None
    limits: Limits
    sentences: int | None
    labelled: LabelledSource

    @property
    def training(self) -> "CorpusRequest":
        """The same request for the training corpus of the language."""
        return replace(self, split="train", sentences=self.limits.train)

    def identity(self, origin: Any) -> dict[str, Any]:
        """Return the identity of the result of `take`; `origin` is JSON that determines the corpus."""
        return {
            "language": self.language,
            "split": self.split.replace("_", "-"),  # "zero-shot", as in the keys of rows that are there
            "source": origin,
            "scheme": self.scheme,
            "max_tokens": self.limits.max_tokens,
            "too_long": self.limits.too_long,
            "sentences": self.sentences,
            "seed": self.limits.seed,
        }

    def take(self, corpus: Corpus, empty: str | None = None) -> tuple[Corpus, LengthReport]:
        """Limit the sentence length, then `draw`; return the corpus and the report of the limit."""
        limited, report = limit_lengths(corpus, self.limits.max_tokens, self.limits.too_long, scheme=self.scheme)
        return self.draw(limited, empty), report

    def draw(self, corpus: Corpus, empty: str | None = None) -> Corpus:
        """Draw at most `sentences` of a corpus. Raises CorpusError if it has none; `empty` says what to do then."""
        self._check_any(len(corpus), empty)
        return corpus.sample(self.sentences, self.limits.seed)

    def stream(self, read: Callable[[], Iterator[Sentence]], empty: str) -> Stream:
        """Do as `take` with sentences that each `read()` yields anew, and hold one of them in memory.

        To draw some, it reads twice, and holds 8 bytes for each sentence within the limit.
        """
        limit = self._limit()
        total = 0
        if self.sentences is None:
            for total, sentence in enumerate(limit.limited(read()), 1):  # noqa: B007  # counted beyond the loop
                yield sentence
        else:
            total = sum(1 for _ in limit.limited(read()))
            places = drawn(total, self.sentences, self.limits.seed)
            yield from _at(places, self._limit().limited(read()))
        self._check_any(total, empty)
        return limit.report

    def _limit(self) -> LengthLimit:
        return LengthLimit(self.limits.max_tokens, self.limits.too_long, scheme=self.scheme)

    def _check_any(self, sentences: int, empty: str | None) -> None:
        if not sentences:
            raise CorpusError(f"{self.experiment}: {empty or f'{self.language} {self.split} has no sentences'}")

    def file_digest(self, path: Path) -> str:
        """Return the SHA-256 of a file of the corpus. Raises CorpusError if it is missing."""
        if not path.is_file():
            raise CorpusError(
                f"{path}: no such file; experiment {self.experiment} needs it for {self.language} {self.split} "
                f"(corpora of the catalog lie under ${ROOT_VARIABLE})"
            )
        return digest_unchanged(path)


def _at(places: Sequence[int], sentences: Iterator[Sentence]) -> Iterator[Sentence]:
    """Yield the sentences at ascending places."""
    for before, place in pairwise([-1, *places]):
        yield next(islice(sentences, place - before - 1, None))
