"""Taggers, sentences and passages for the tests of sources."""

import numpy as np
import torch

from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence
from structkd.tagger.config import TaggerConfig
from structkd.tagger.model import Tagger
from structkd.tagger.vocabulary import Vocabulary
from structkd.teachers.sources.base import Passage
from tests.small import small_encoders

SPANS = LabelSet(("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))
CORPUS = Corpus(
    "en",
    "train",
    tuple(
        Sentence(tuple(text.split()))
        for text in ("we met Ada in Rome", "Oslo", "no rain", "Ada Lovelace went home on foot", "yes")
    ),
)


def passage(corpus=CORPUS, places=None):
    return Passage(corpus, np.arange(len(corpus)) if places is None else np.array(places))


def make_tagger(labels=SPANS, seed=0):
    """A tagger with random weights and chain scores."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary.build({word: 1 for sentence in CORPUS for word in sentence.tokens})
    tagger = Tagger(TaggerConfig(encoders=small_encoders(), hidden=6), vocabulary, labels)
    for scores in (*tagger.projection.parameters(), tagger.transitions, tagger.start, tagger.end):
        torch.nn.init.normal_(scores)
    return tagger.eval()


def words_of(chain, values):
    """The values at the words of all sentences, one after the other."""
    return values[chain.mask].numpy()
