"""Sources of text without labels: the catalog, a file, or the part of the training corpus that a limit leaves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from structkd.corpora import catalog
from structkd.corpora.lengths import LengthReport
from structkd.corpora.sentences import Corpus, Sentence
from structkd.corpora.settings import Settings, template
from structkd.corpora.sources.base import CorpusRequest, Stream, TextSource, collected, streamed
from structkd.corpora.text import read_text

CATALOG_TEXT = "unlabelled"  # the catalog's name for text without labels


class UnlabelledText(Settings):
    """Text that the teachers annotate beside their training corpora."""

    path: Annotated[str, template("language")] = Field(
        "catalog",
        description="`catalog`; `train`: the training sentences that limits.train leaves over, without their labels; "
        "or a path with {language}, one sentence per line",
    )
    languages: tuple[str, ...] | None = Field(None, description="languages that have it; None: all of the experiment")
    sentences: int | None = Field(None, ge=1, description="sentences in each language")

    @property
    def source(self) -> TextSource:
        """The source that `path` names."""
        if self.path == "train":
            return LeftOverText()
        return CatalogText() if self.path == "catalog" else FileText(self.path)

    def serves(self, language: str) -> bool:
        """True if a language of the experiment has such text."""
        return self.languages is None or language in self.languages

    def identity(self, wanted: CorpusRequest) -> dict[str, Any]:
        """Return the identity of the text, limited to `sentences`."""
        return self.source.identity(replace(wanted, sentences=self.sentences))

    def load(self, wanted: CorpusRequest) -> tuple[Corpus, LengthReport]:
        """Load the text, limited to `sentences`."""
        return self.source.load(replace(wanted, sentences=self.sentences))

    def stream(self, wanted: CorpusRequest) -> Stream:
        """Yield the text, limited to `sentences`."""
        return self.source.stream(replace(wanted, sentences=self.sentences))


@dataclass(frozen=True)
class FileText:
    """A text file for each language, at a path with {language} in it."""

    path: str

    def identity(self, wanted: CorpusRequest) -> dict[str, Any]:
        """The file's content stands for its sentences."""
        return _file_identity(wanted, self._file(wanted))

    def load(self, wanted: CorpusRequest) -> tuple[Corpus, LengthReport]:
        """Read the language's file."""
        return collected(wanted.language, wanted.split, self.stream(wanted))

    def stream(self, wanted: CorpusRequest) -> Stream:
        """Read the language's file, line by line."""
        return _stream_file(wanted, self._file(wanted))

    def _file(self, wanted: CorpusRequest) -> Path:
        return Path(self.path.format(language=wanted.language))


@dataclass(frozen=True)
class CatalogText:
    """The catalog's text, a file for each language."""

    def identity(self, wanted: CorpusRequest) -> dict[str, Any]:
        """The file's content stands for its sentences."""
        return _file_identity(wanted, self._file(wanted))

    def load(self, wanted: CorpusRequest) -> tuple[Corpus, LengthReport]:
        """Read the language's file."""
        return collected(wanted.language, wanted.split, self.stream(wanted))

    def stream(self, wanted: CorpusRequest) -> Stream:
        """Read the language's file, line by line."""
        return _stream_file(wanted, self._file(wanted))

    def _file(self, wanted: CorpusRequest) -> Path:
        return catalog.source_path(CATALOG_TEXT, wanted.language, "unlabelled")


def _file_identity(wanted: CorpusRequest, path: Path) -> dict[str, Any]:
    # The settings of the labelled corpus say nothing of the text. They stand here because they always have.
    return wanted.identity([wanted.file_digest(path), wanted.labelled.settings])


def _stream_file(wanted: CorpusRequest, path: Path) -> Stream:
    empty = f"{path} has no sentence of at most limits.max_tokens = {wanted.limits.max_tokens} words"
    return wanted.stream(partial(read_text, path), _without(empty, wanted))


@dataclass(frozen=True)
class LeftOverText:
    """The training sentences that `limits.train` leaves over, without their labels."""

    def identity(self, wanted: CorpusRequest) -> dict[str, Any]:
        """Return the identity: the training corpus and the number of sentences."""
        return wanted.labelled.identity(wanted.training) | {"split": wanted.split, "left_over": wanted.sentences}

    def load(self, wanted: CorpusRequest) -> tuple[Corpus, LengthReport]:
        """Read the training corpus without what `limits.train` takes. The report is about the whole corpus."""
        whole, report = wanted.labelled.load(replace(wanted.training, sentences=None))
        known = {sentence.tokens for sentence in wanted.training.draw(whole)}
        rest = tuple(Sentence(sentence.tokens) for sentence in whole if sentence.tokens not in known)
        empty = f"limits.train = {wanted.limits.train} leaves no sentence of {wanted.language} over"
        return wanted.draw(Corpus(wanted.language, wanted.split, rest), _without(empty, wanted)), report

    def stream(self, wanted: CorpusRequest) -> Stream:
        """Yield the rest of the training corpus, which is read whole."""
        return streamed(*self.load(wanted))


def _without(empty: str, wanted: CorpusRequest) -> str:
    return f"{empty}; take {wanted.language} out of unlabelled.languages"


@dataclass(frozen=True)
class JoinedText:
    """Texts one after the other."""

    texts: Sequence[TextSource]

    def identity(self, wanted: CorpusRequest) -> dict[str, Any]:
        """Return the identities of all texts; a single text keeps its own."""
        found = [text.identity(wanted) for text in self.texts]
        return found[0] if len(found) == 1 else {"language": wanted.language, "split": wanted.split, "texts": found}

    def load(self, wanted: CorpusRequest) -> tuple[Corpus, LengthReport]:
        """Return all sentences, and the sum of the reports."""
        return collected(wanted.language, wanted.split, self.stream(wanted))

    def stream(self, wanted: CorpusRequest) -> Stream:
        """Yield the sentences of all texts; the report is the sum of theirs."""
        reports = []
        for text in self.texts:
            reports.append((yield from text.stream(wanted)))  # noqa: PERF401  # a comprehension cannot yield
        return reduce(add, reports)
