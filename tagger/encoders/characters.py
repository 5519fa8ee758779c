"""Words by their characters, trained from scratch."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tagger.config import CharacterCNNConfig
from tagger.encoders.base import Encoder, placed
from tagger.tokens import TokenBatch
from tagger.vocabulary import PAD_CHARACTER, Vocabulary


class CharacterCNN(Encoder):
    """A convolution of width 3 over a word's characters, max-pooled over the word (Ma and Hovy, 2016)."""

    def __init__(self, config: CharacterCNNConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary, self.dim = vocabulary, config.filters
        self.embedding = nn.Embedding(len(vocabulary.characters) + 2, config.dim, padding_idx=PAD_CHARACTER)
        self.convolution = nn.Conv1d(config.dim, config.filters, 3, padding=1)

    def forward(self, tokens: TokenBatch) -> Float[Tensor, "B T D"]:
        """See `Encoder`."""
        characters = self.vocabulary.encode_characters(tokens.words).to(self.embedding.weight.device)
        features = self.convolution(self.embedding(characters).mT)
        # Without the mask a word's features would depend on the longest word of its batch.
        features = features.masked_fill((characters == PAD_CHARACTER)[:, None], -torch.inf)
        return placed(features.amax(-1), tokens)
