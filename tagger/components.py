"""Principal components of vectors."""

import numpy as np
import torch
from jaxtyping import Float64


def principal_components(covariance: Float64[np.ndarray, "S S"], dim: int) -> Float64[np.ndarray, "D S"]:
    """Return the `dim` orthonormal directions of largest variance, largest first.

    In each direction the number of the largest magnitude is positive, so that equal input gives equal signs.
    """
    _, vectors = torch.linalg.eigh(torch.from_numpy(covariance))  # in the order of rising variance
    rows = vectors.numpy().T[::-1][:dim]
    largest = np.take_along_axis(rows, np.abs(rows).argmax(1, keepdims=True), 1)
    signed: Float64[np.ndarray, "D S"] = rows * np.sign(largest)
    return signed
