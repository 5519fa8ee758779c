"""Encoders of words by their characters, trained from scratch."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from structkd.runtime.alphabet import PAD_CHARACTER
from structkd.tagger.config import CharacterCNNConfig, CharacterLSTMConfig
from structkd.tagger.encoders.base import Encoder, placed
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vocabulary import Vocabulary


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


class CharacterLSTM(Encoder):
    """The last states of two LSTMs: one reads a word's characters forwards, one backwards.

    Lample et al., 2016. They read the beginning and the end of a very long word, see `Vocabulary.encode_characters`.
    """

    def __init__(self, config: CharacterLSTMConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.dim = 2 * config.hidden
        self.characters = nn.Embedding(len(vocabulary.characters) + 2, config.dim, padding_idx=PAD_CHARACTER)
        self.ahead = nn.LSTM(config.dim, config.hidden, batch_first=True)
        self.back = nn.LSTM(config.dim, config.hidden, batch_first=True)

    def forward(self, tokens: TokenBatch) -> Float[Tensor, "B T D"]:
        """See `Encoder`."""
        characters = self.vocabulary.encode_characters(tokens.words).to(self.characters.weight.device)
        # Padding is on the right of either order, so the state at a word's last character has not seen it.
        last = ((characters != PAD_CHARACTER).sum(1, keepdim=True) - 1).clamp_min(0)
        place = torch.arange(characters.shape[1], device=characters.device)
        backwards = characters.gather(1, torch.where(place <= last, last - place, place))
        words = torch.arange(len(characters), device=characters.device)
        vectors = torch.cat(
            [
                lstm(self.characters(order))[0][words, last[:, 0]]
                for lstm, order in ((self.ahead, characters), (self.back, backwards))
            ],
            -1,
        )
        return placed(vectors, tokens)
