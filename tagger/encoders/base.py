"""What every encoder is."""

from collections.abc import Iterable, Sequence

from jaxtyping import Float
from torch import Tensor, nn

from structkd.tagger.features import FeatureSet
from structkd.tagger.tokens import TokenBatch


class Encoder(nn.Module):
    """Tokens in, one vector a word out. What an encoder trains is its parameters; `dim` is the size of its vectors."""

    dim: int

    def forward(self, tokens: TokenBatch) -> Float[Tensor, "B T D"]:
        """Vectors of a batch's words; anything at padding."""
        raise NotImplementedError

    def attach(self, sets: Sequence[FeatureSet]) -> None:
        """Read features from `sets`, where the encoder can."""

    def learning_rates(self) -> Iterable[tuple[str, float]]:
        """Parameters, by name, that do not learn at the training's rate."""
        return ()


def placed(vectors: Float[Tensor, "W D"], tokens: TokenBatch) -> Float[Tensor, "B T D"]:
    """Vectors of a batch's distinct words, put where the words stand."""
    return nn.functional.embedding(tokens.index.to(vectors.device), vectors)
