"""The generated corpus as a source."""

from functools import lru_cache
from typing import Any, Literal

from pydantic import Field

from structkd.corpora.demo import demo_corpus, generator_digest
from structkd.corpora.labelled import converted
from structkd.corpora.lengths import LengthReport
from structkd.corpora.schemes import Metric
from structkd.corpora.sentences import Corpus, CorpusError, Split
from structkd.corpora.settings import Seed, Settings
from structkd.corpora.sources.base import CorpusRequest


class DemoSource(Settings):
    """The generated corpus, made on the spot."""

    name: Literal["demo"]
    seed: Seed = Field(1, description="seed of the generator")
    train: dict[str, int] = Field(description="sentences by language")
    dev: int = Field(200, ge=1, description="sentences in each language")
    test: int = Field(500, ge=1, description="sentences in each language")
    unlabelled: int = Field(0, ge=0, description="sentences in each language for the teachers to annotate")

    @property
    def metric(self) -> Metric:
        """Spans."""
        return "spans"

    @property
    def settings(self) -> dict[str, Any]:
        """All settings."""
        return self.model_dump()

    @property
    def makes_text(self) -> bool:
        """True if unlabelled sentences are wanted."""
        return self.unlabelled > 0

    def identity(self, wanted: CorpusRequest) -> dict[str, Any]:
        """Return the identity: the generator's digest, the seed and the number of sentences."""
        return wanted.identity(["demo", generator_digest(), self.seed, self._sentences(wanted)])

    def load(self, wanted: CorpusRequest) -> tuple[Corpus, LengthReport]:
        """Generate a corpus, once per process."""
        made = _made(wanted.language, wanted.split, self._sentences(wanted), self.seed)
        return wanted.take(converted(made, "IOB2", wanted.scheme))

    def _sentences(self, wanted: CorpusRequest) -> int:
        if wanted.split != "train":
            return int(getattr(self, wanted.split))
        if wanted.language not in self.train:
            raise CorpusError(
                f"{wanted.experiment}: corpus.train has no size for {wanted.language}, only for {', '.join(self.train)}"
            )
        return self.train[wanted.language]


@lru_cache(maxsize=32)
def _made(language: str, split: Split, sentences: int, seed: int) -> Corpus:
    return demo_corpus(language, split, sentences=sentences, seed=seed)
