"""A tagger on disk that nobody has trained: for commands whose answers do not matter."""

from pathlib import Path

import torch

from structkd.corpora.labels import LabelSet
from structkd.tagger.checkpoint import save_tagger
from structkd.tagger.config import TaggerConfig
from structkd.tagger.model import Tagger
from structkd.tagger.vocabulary import Vocabulary
from tests.small import small_encoders

SPANS = {"metric": "spans", "scheme": "BIOES"}


def save_untrained(
    folder: Path, labels: tuple[str, ...] = ("O", "S-LOC"), about: dict[str, str | None] = SPANS
) -> None:
    """Save a tagger, of spans unless `about` says otherwise."""
    torch.manual_seed(0)
    config = TaggerConfig(encoders=small_encoders(), hidden=4)
    tagger = Tagger(config, Vocabulary.build({"Oslo": 1}), LabelSet(labels))
    save_tagger(tagger, folder, about)
