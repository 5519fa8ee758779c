"""An encoder with a vector for each word of the vocabulary, trained from scratch."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from structkd.runtime.alphabet import UNKNOWN
from structkd.tagger.config import WordsConfig
from structkd.tagger.encoders.base import Encoder, placed
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vocabulary import Vocabulary


class WordEmbeddings(Encoder):
    """An embedding of each known word, and one for all others.

    In training, a share `config.dropout` of a batch's distinct words is shown as unknown, so that the model learns to
    use characters and context for unknown words.
    """

    def __init__(self, config: WordsConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary, self.dropout, self.dim = vocabulary, config.dropout, config.dim
        self.embedding = nn.Embedding(len(vocabulary.words) + 1, config.dim)
        nn.init.normal_(self.embedding.weight, std=0.1)

    def forward(self, tokens: TokenBatch) -> Float[Tensor, "B T D"]:
        """See `Encoder`."""
        device = self.embedding.weight.device
        ids = self.vocabulary.encode_words(tokens.words).to(device)
        if self.training and self.dropout:
            ids = ids.masked_fill(torch.rand(ids.shape, device=device) < self.dropout, UNKNOWN)
        return placed(self.embedding(ids), tokens)
