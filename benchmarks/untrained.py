"""A tagger of the demo student's size that nobody has trained, and its exports: for measurements of speed alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from structkd.corpora.demo import demo_corpus
from structkd.corpora.labels import LabelSet
from structkd.tagger.checkpoint import save_tagger
from structkd.tagger.config import CharacterCNNConfig, TaggerConfig, WordsConfig
from structkd.tagger.exporting.folder import exported_files, write_folder
from structkd.tagger.model import Tagger
from structkd.tagger.texts import TorchScorer
from structkd.tagger.vocabulary import Vocabulary

LANGUAGES = ("en", "de", "nl", "es")


@dataclass(frozen=True)
class Untrained:
    """Folders of a tagger and its exports, and a file of text, a sentence a line."""

    tagger: Path
    exported: Path
    int8: Path
    text: Path


@contextmanager
def untrained() -> Iterator[Untrained]:
    """Yield them in a temporary folder."""
    torch.manual_seed(0)
    corpora = [demo_corpus(language, "test", sentences=250, seed=0) for language in LANGUAGES]
    sentences = [sentence.tokens for corpus in corpora for sentence in corpus]
    config = TaggerConfig(encoders=(WordsConfig(dim=16), CharacterCNNConfig(dim=12, filters=16)), hidden=16)
    labels = LabelSet(("O", *(f"{prefix}-{kind}" for kind in ("LOC", "ORG", "PER") for prefix in "BEIS")))
    counts = {word: 1 for words in sentences for word in words}
    tagger = Tagger(config, Vocabulary.build(counts), labels)
    with TemporaryDirectory() as folder:
        found = Untrained(*(Path(folder) / name for name in ("tagger", "exported", "int8", "text")))
        save_tagger(tagger, found.tagger, {"metric": "spans", "scheme": "BIOES"})
        for out, int8 in ((found.exported, False), (found.int8, True)):
            write_folder(out, exported_files(TorchScorer(tagger, "BIOES"), {}, int8=int8))
        found.text.write_text("\n".join(map(" ".join, sentences)), "utf-8")
        yield found
