"""From words to vectors: embeddings trained from scratch, and the BiLSTM that puts them in context."""

from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tagger.tokens import TokenBatch
from tagger.vocabulary import PAD_CHARACTER, UNKNOWN, Vocabulary


class Encoder(Protocol):
    """Tokens in, one vector a word out."""

    dim: int

    def __call__(self, tokens: TokenBatch) -> Float[Tensor, "B T D"]:
        """Vectors of a batch's words; anything at padding."""
        ...


class WordCharacterEncoder(nn.Module):
    """A word's embedding beside a convolution over its characters (Ma and Hovy, 2016).

    Args:
        vocabulary: the words and characters that have embeddings.
        word_dim, char_dim: sizes of the embeddings; either may be 0, which leaves that half out.
        char_filters: outputs of the convolution, of width 3, max-pooled over the word.
        word_dropout: share of the distinct words of a training batch that are shown as unknown, so that the model
            learns to read unknown words by their characters and context.
    """

    def __init__(
        self, vocabulary: Vocabulary, *, word_dim: int, char_dim: int, char_filters: int, word_dropout: float
    ) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.word_dropout = word_dropout
        self.dim = word_dim + (char_filters if char_dim else 0)
        self.words = nn.Embedding(len(vocabulary.words) + 1, word_dim)
        nn.init.normal_(self.words.weight, std=0.1)
        self.characters = nn.Embedding(len(vocabulary.characters) + 2, char_dim, padding_idx=PAD_CHARACTER)
        self.convolution = nn.Conv1d(char_dim, char_filters, 3, padding=1) if char_dim else None

    def forward(self, tokens: TokenBatch) -> Float[Tensor, "B T D"]:
        """See `Encoder`."""
        device = self.words.weight.device
        ids = self.vocabulary.encode_words(tokens.words).to(device)
        if self.training and self.word_dropout:
            ids = ids.masked_fill(torch.rand(ids.shape, device=device) < self.word_dropout, UNKNOWN)
        vectors = self.words(ids)
        if self.convolution is not None:
            characters = self.vocabulary.encode_characters(tokens.words).to(device)
            features = self.convolution(self.characters(characters).mT)
            # Without the mask a word's features would depend on the longest word of its batch.
            features = features.masked_fill((characters == PAD_CHARACTER)[:, None], -torch.inf)
            vectors = torch.cat([vectors, features.amax(-1)], -1)
        return nn.functional.embedding(tokens.index.to(device), vectors)


class BiLSTM(nn.Module):
    """Bidirectional LSTM layers over padded batches; padding never reaches a word.

    The backward direction reads each sentence reversed in place, which lets both directions run on padded input:
    measured 1.7 to 2.5 times as fast on a CPU as packed sequences.
    """

    def __init__(self, dim: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        sizes = [dim] + [2 * hidden] * (layers - 1)
        self.ahead = nn.ModuleList(nn.LSTM(size, hidden, batch_first=True) for size in sizes)
        self.back = nn.ModuleList(nn.LSTM(size, hidden, batch_first=True) for size in sizes)
        self.dropout = nn.Dropout(dropout)
        self.dim = 2 * hidden

    def forward(self, vectors: Float[Tensor, "B T D"], lengths: Tensor) -> Float[Tensor, "B T H"]:
        """Vectors in context."""
        place = torch.arange(vectors.shape[1], device=vectors.device)
        turn = torch.where(place < lengths[:, None], lengths[:, None] - 1 - place, place)[..., None]
        for ahead, back in zip(self.ahead, self.back, strict=True):
            backward = back(vectors.gather(1, turn.expand_as(vectors)))[0]
            backward = backward.gather(1, turn.expand_as(backward))
            vectors = self.dropout(torch.cat([ahead(vectors)[0], backward], -1))
        return vectors
