"""Corpora of the catalog as sources: for training and scoring, or for scoring only."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from structkd.corpora import catalog
from structkd.corpora.lengths import LengthReport
from structkd.corpora.schemes import Metric
from structkd.corpora.sentences import Corpus
from structkd.corpora.settings import FileName, Settings
from structkd.corpora.sources.base import CorpusRequest


class CatalogSource(Settings):
    """Corpora of the catalog, found under $STRUCTKD_CORPORA."""

    name: Literal["conll", "absa", "wikiann", "ud", "conllu"]

    @property
    def metric(self) -> Metric:
        """The catalog's metric."""
        metric = catalog.entry(self.name).metric
        assert metric is not None
        return metric

    @property
    def settings(self) -> dict[str, Any]:
        """The name of the corpus."""
        return self.model_dump()

    @property
    def makes_text(self) -> bool:
        """False: the catalog's text is a source of its own."""
        return False

    def identity(self, wanted: CorpusRequest) -> dict[str, Any]:
        """Return the identity: the file's digest and the corpus's name in the catalog."""
        path = catalog.source_path(self.name, wanted.language, wanted.split)
        return wanted.identity([wanted.file_digest(path), self.settings])

    def load(self, wanted: CorpusRequest) -> tuple[Corpus, LengthReport]:
        """Read one of the corpus's files."""
        return wanted.take(catalog.load(self.name, wanted.language, wanted.split, scheme=wanted.scheme))


class ZeroShot(Settings):
    """Languages to score that no system is trained on."""

    name: Literal["zeroshot-wikiann", "zeroshot-ud"]
    languages: tuple[FileName, ...] = Field(min_length=1)
    sentences: int | None = Field(None, ge=1, description="sentences in each language")

    def identity(self, wanted: CorpusRequest) -> dict[str, Any]:
        """Return the identity: the digest of the test file."""
        path = catalog.source_path(self.name, wanted.language, "test")
        return self._drawn(wanted).identity([wanted.file_digest(path)])

    def load(self, wanted: CorpusRequest) -> tuple[Corpus, LengthReport]:
        """Read the test file."""
        test = catalog.load(self.name, wanted.language, "test", scheme=wanted.scheme)
        return self._drawn(wanted).take(replace(test, split=wanted.split))

    def _drawn(self, wanted: CorpusRequest) -> CorpusRequest:
        return replace(wanted, sentences=self.sentences)
