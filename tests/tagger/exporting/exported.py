"""Taggers that nobody has trained, exported and opened again."""

import torch

from structkd.corpora.labels import LabelSet
from structkd.runtime.folder import load
from structkd.runtime.tagging import TextTagger
from structkd.tagger.config import TaggerConfig
from structkd.tagger.exporting.folder import exported_files, write_folder
from structkd.tagger.model import Tagger
from structkd.tagger.texts import TorchScorer
from structkd.tagger.vocabulary import Vocabulary

WORDS = ["Ada", "flew", "to", "Oslo", ".", "über", "日本", "a-b", "Straße", "x" * 40, "don't", "ÉCOLE"]
LABELS = LabelSet(("O", "B-LOC", "I-LOC", "E-LOC", "S-LOC"))


def untrained(encoders, hidden=6, layers=1, scheme="BIOES", temperature=1.0):
    """A tagger with large random weights; it knows some of `WORDS`."""
    torch.manual_seed(3)
    vocabulary = Vocabulary.build({word: n for n, word in enumerate(WORDS[:9], 1)})
    tagger = Tagger(TaggerConfig(encoders=encoders, hidden=hidden, layers=layers), vocabulary, LABELS)
    for name, parameter in tagger.named_parameters():
        if "body" not in name:
            torch.nn.init.normal_(parameter, std=0.5)
    for module in tagger.modules():
        if isinstance(module, torch.nn.Embedding) and module.padding_idx is not None:
            torch.nn.init.zeros_(module.weight[module.padding_idx])
    return TorchScorer(tagger, scheme, temperature)


def reopened(scorer, folder, **settings) -> TextTagger:
    """The tagger of an exported folder."""
    write_folder(folder, exported_files(scorer, {}, **settings))
    return load(folder)


def agree(found, expected):
    """Marginals differ by less than 1e-5; labels are the same, unless others are as probable to five digits."""
    for one, other in zip(found, expected, strict=True):
        assert one.words == other.words
        assert abs(one.marginals - other.marginals).max(initial=0) < 1e-5
        if one.labels == other.labels:
            assert [(e.type, e.start, e.end) for e in one.entities] == [
                (e.type, e.start, e.end) for e in other.entities
            ]
            chances = zip(one.entities, other.entities, strict=True)
            assert all(abs(a.probability - b.probability) < 1e-4 for a, b in chances)
        else:
            best, *rest = other.labelings
            assert one.labels in [way.labels for way in rest if way.probability >= best.probability * (1 - 1e-5)]
