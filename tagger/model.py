"""A neural tagger: an encoder, a BiLSTM and a linear chain on top (Huang et al., 2015)."""

import torch
from torch import nn

from corpora.labels import LabelSet
from crf import LinearChain
from tagger.config import TaggerConfig
from tagger.encoder import BiLSTM, WordCharacterEncoder
from tagger.tokens import TokenBatch
from tagger.vocabulary import Vocabulary


class Tagger(nn.Module):
    """Sentences in, a distribution over their label sequences out."""

    def __init__(self, config: TaggerConfig, vocabulary: Vocabulary, labels: LabelSet) -> None:
        super().__init__()
        self.config, self.vocabulary, self.labels = config, vocabulary, labels
        self.encoder = WordCharacterEncoder(
            vocabulary,
            word_dim=config.word_dim,
            char_dim=config.char_dim,
            char_filters=config.char_filters,
            word_dropout=config.word_dropout,
        )
        self.dropout = nn.Dropout(config.dropout)
        self.context = BiLSTM(self.encoder.dim, config.hidden, config.layers, config.dropout)
        self.projection = nn.Linear(self.context.dim, len(labels))
        self.transitions = nn.Parameter(torch.zeros(len(labels), len(labels)))
        self.start = nn.Parameter(torch.zeros(len(labels)))
        self.end = nn.Parameter(torch.zeros(len(labels)))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.transitions.device

    @property
    def parameter_count(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, tokens: TokenBatch) -> LinearChain:
        """The label sequences' distribution for each sentence of a batch."""
        lengths = tokens.lengths.to(self.device)
        vectors = self.context(self.dropout(self.encoder(tokens)), lengths)
        return LinearChain(
            emissions=self.projection(vectors),
            transitions=self.transitions,
            start=self.start,
            end=self.end,
            lengths=lengths,
        )
