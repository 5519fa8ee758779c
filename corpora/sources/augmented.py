"""Text made from the training corpora as a source."""

from typing import Any

from pydantic import Field

from structkd.corpora import augment
from structkd.corpora.lengths import LengthReport
from structkd.corpora.sentences import Corpus
from structkd.corpora.settings import Seed, Settings
from structkd.corpora.sources.base import CorpusRequest


class AugmentedText(Settings):
    """Text for the teachers to annotate, made from the training corpora; see `corpora.augment`."""

    copies: int = Field(3, ge=1, description="changed copies of each training sentence")
    replace: float = Field(
        0.2, ge=0, le=1, description="probability that a word is replaced by another word of the corpus"
    )
    mask: float = Field(0.0, ge=0, le=1, description="probability that a word is masked")
    join: float = Field(0.5, ge=0, le=1, description="probability that a sentence is cut and joined with another one")
    seed: Seed = Field(0, description="seed of all draws")

    def identity(self, wanted: CorpusRequest) -> dict[str, Any]:
        """Return the identity: the training corpus and these settings."""
        made = {"split": wanted.split, "augmented": self.model_dump(), "version": augment.VERSION}
        return wanted.labelled.identity(wanted.training) | made

    def load(self, wanted: CorpusRequest) -> tuple[Corpus, LengthReport]:
        """Return changed copies of the training corpus; the report is about that corpus."""
        train, report = wanted.labelled.load(wanted.training)
        return augment.augment(train, **self.model_dump()), report
