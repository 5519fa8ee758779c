"""The basis of a set's hidden states: a principal component analysis (PCA) of a teacher's states of words."""

from base64 import b64decode, b64encode
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32
from pydantic import BaseModel, ConfigDict, PositiveInt, model_validator


class HiddenBasis(BaseModel):
    """Mean [S] and D orthonormal rows [D, S], in the order of falling variance.

    A stored state is `basis @ (state - mean)`. Numbers are little-endian float32 in base64: as JSON numbers they would
    take four times the space.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dim: PositiveInt
    """D, the numbers of a stored state."""
    size: PositiveInt
    """S, the numbers of a teacher's state."""
    mean: str
    basis: str

    @classmethod
    def of(cls, mean: Float[np.ndarray, "S"], basis: Float[np.ndarray, "D S"]) -> "HiddenBasis":
        """Return the basis with these numbers, as float32."""
        dim, size = basis.shape
        return cls(dim=dim, size=size, mean=_coded(mean), basis=_coded(basis))

    @model_validator(mode="after")
    def _is_whole(self) -> "HiddenBasis":
        for name, found, expected in (
            ("mean", self.mean, self.size),
            ("basis", self.basis, self.dim * self.size),
        ):
            if (numbers := len(b64decode(found, validate=True)) / 4) != expected:
                raise ValueError(f"hidden.{name} has {numbers:g} numbers, expected {expected}")
        return self

    @cached_property
    def arrays(self) -> tuple[Float32[np.ndarray, "S"], Float32[np.ndarray, "D S"]]:
        """The mean and the basis."""
        mean, basis = (np.frombuffer(b64decode(text), "<f4").astype(np.float32) for text in (self.mean, self.basis))
        return mean, basis.reshape(self.dim, self.size)


def _coded(numbers: Float[np.ndarray, "..."]) -> str:
    return b64encode(np.ascontiguousarray(numbers, "<f4").tobytes()).decode()
