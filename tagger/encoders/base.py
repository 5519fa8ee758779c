"""The base of all encoders."""

from collections.abc import Iterable, Sequence

from jaxtyping import Float
from torch import Tensor, nn

from structkd.tagger.features import FeatureSet
from structkd.tagger.tokens import TokenBatch


class Encoder(nn.Module):
    """An encoder: tokens in, one vector per word out. It trains its parameters; `dim` is the size of its vectors."""

    dim: int

    def forward(self, tokens: TokenBatch) -> Float[Tensor, "B T D"]:
        """Return vectors of a batch's words; values at padding are arbitrary."""
        raise NotImplementedError

    def attach(self, sets: Sequence[FeatureSet]) -> None:
        """Read features from `sets` if the encoder can."""

    def learning_rates(self) -> Iterable[tuple[str, float]]:
        """Return parameters, by name, with a learning rate of their own."""
        return ()


def placed(vectors: Float[Tensor, "W D"], tokens: TokenBatch) -> Float[Tensor, "B T D"]:
    """Put vectors of a batch's distinct words at the places of the words."""
    return nn.functional.embedding(tokens.index.to(vectors.device), vectors)
