"""Encoders side by side, from a configuration."""

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from structkd.tagger.config import (
    CharacterCNNConfig,
    CharacterLSTMConfig,
    EncoderConfig,
    HashedNgramsConfig,
    StaticVectorsConfig,
    TransformerConfig,
    WordsConfig,
)
from structkd.tagger.encoders.base import Encoder
from structkd.tagger.encoders.characters import CharacterCNN, CharacterLSTM
from structkd.tagger.encoders.ngrams import HashedNgrams
from structkd.tagger.encoders.static import StaticVectors
from structkd.tagger.encoders.words import WordEmbeddings
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vectors.files import open_vectors
from structkd.tagger.vocabulary import Vocabulary


class Stack(Encoder):
    """A concatenation of all encoders' vectors of a word."""

    def __init__(self, configs: Sequence[EncoderConfig], vocabulary: Vocabulary) -> None:
        super().__init__()
        built = [_build(config, vocabulary) for config in configs]
        self.encoders = nn.ModuleList(built)
        self.dim = sum(encoder.dim for encoder in built)

    def forward(self, tokens: TokenBatch) -> Float[Tensor, "B T D"]:
        """See `Encoder`."""
        return torch.cat([encoder(tokens) for encoder in self.encoders], -1)


def check_encoders(configs: Sequence[EncoderConfig]) -> None:
    """Raise EncoderError or VectorFileError for unusable pretrained encoders; weights are not read."""
    for config in configs:
        if isinstance(config, StaticVectorsConfig):
            open_vectors(Path(config.path))
        elif isinstance(config, TransformerConfig):
            from structkd.tagger.encoders.transformer import check_transformer

            check_transformer(config)


def _build(config: EncoderConfig, vocabulary: Vocabulary) -> Encoder:
    match config:
        case WordsConfig():
            return WordEmbeddings(config, vocabulary)
        case CharacterCNNConfig():
            return CharacterCNN(config, vocabulary)
        case CharacterLSTMConfig():
            return CharacterLSTM(config, vocabulary)
        case HashedNgramsConfig():
            return HashedNgrams(config)
        case StaticVectorsConfig() | TransformerConfig():
            with torch.device("cpu"):  # what files hold is there, even where the rest is sizes on the meta device
                return _from_files(config)


def _from_files(config: StaticVectorsConfig | TransformerConfig) -> Encoder:
    if isinstance(config, StaticVectorsConfig):
        return StaticVectors(config)
    from structkd.tagger.encoders import transformer  # which reads what belongs to an extra

    return transformer.Frozen(config) if config.frozen else transformer.FineTuned(config)
