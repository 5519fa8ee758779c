"""Text made from the training corpora as a source."""

from typing import Any

from pydantic import Field

from structkd.corpora import augment
from structkd.corpora.lengths import LengthReport
from structkd.corpora.sentences import Corpus
from structkd.corpora.settings import Seed, Settings
from structkd.corpora.sources.base import CorpusRequest


class AugmentedText(Settings):
    """Text made from the training corpora for the teachers to annotate; see `corpora.augment`."""

    copies: int = Field(3, ge=1, description="of each training sentence, changed each time")
    replace: float = Field(0.2, ge=0, le=1, description="probability that a word becomes another one of the corpus")
    mask: float = Field(0.0, ge=0, le=1, description="probability that a word is masked")
    join: float = Field(0.5, ge=0, le=1, description="probability that a sentence is cut and joined with another one")
    seed: Seed = Field(0, description="of all that is drawn")

    def identity(self, wanted: CorpusRequest) -> dict[str, Any]:
        """Of the training corpus, and what is done to it."""
        made = {"split": wanted.split, "augmented": self.model_dump(), "version": augment.VERSION}
        return wanted.labelled.identity(wanted.training) | made

    def load(self, wanted: CorpusRequest) -> tuple[Corpus, LengthReport]:
        """Changed copies of the training corpus; the report is of that."""
        train, report = wanted.labelled.load(wanted.training)
        return augment.augment(train, **self.model_dump()), report
