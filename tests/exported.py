"""Small exported taggers that know a few sentences by heart."""

from pathlib import Path

import torch
from torch.nn.utils.rnn import pad_sequence

from structkd.corpora.labels import LabelSet
from structkd.runtime.folder import CARD
from structkd.runtime.spans import Scheme
from structkd.tagger.config import TaggerConfig
from structkd.tagger.exporting.folder import exported_files, write_folder
from structkd.tagger.model import Tagger
from structkd.tagger.texts import TorchScorer
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vocabulary import Vocabulary
from tests.small import small_encoders

TEXTS = ("Ada flew to New York .", "Ada Lovelace met Oslo .", "to Oslo flew Ada", "nobody met .")
ENTITIES = ("S-PER O O B-LOC E-LOC O", "B-PER E-PER O S-LOC O", "O S-LOC O S-PER", "O O O")
TAGS = ("PROPN VERB ADP PROPN PROPN PUNCT", "PROPN PROPN VERB PROPN PUNCT", "ADP PROPN VERB PROPN", "PRON VERB PUNCT")


def save_entity_tagger(folder: Path) -> None:
    """Export a tagger of entities: Ada is a person, Oslo and New York are places."""
    _save(folder, ENTITIES, "BIOES")


def save_word_tagger(folder: Path) -> None:
    """Export a tagger of parts of speech."""
    _save(folder, TAGS, None)


def _save(folder: Path, gold: tuple[str, ...], scheme: Scheme | None) -> None:
    torch.manual_seed(0)
    sentences, labels = [text.split() for text in TEXTS], [line.split() for line in gold]
    known = LabelSet.union(*labels)
    vocabulary = Vocabulary.build({word: 1 for words in sentences for word in words})
    tagger = Tagger(TaggerConfig(encoders=small_encoders(), hidden=8), vocabulary, known)
    paths = pad_sequence([torch.tensor(known.encode(line)) for line in labels], batch_first=True).long()
    optimizer = torch.optim.Adam(tagger.parameters(), 0.05)
    for _ in range(40):
        optimizer.zero_grad()
        tagger(TokenBatch.from_sentences(sentences)).log_prob(paths).mean().neg().backward()
        optimizer.step()
    write_folder(
        folder,
        exported_files(TorchScorer(tagger, scheme), {}) | {CARD: b"---\nlicense: apache-2.0\n---\n\n# A tagger\n"},
    )
