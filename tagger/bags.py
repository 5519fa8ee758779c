"""Means of bags of vectors."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


def bag_mean(
    table: Float[Tensor, "R D"], rows: Int[np.ndarray, "N"], owners: Int[np.ndarray, "N"], count: int
) -> Float[Tensor, "W D"]:
    """Return the mean of the rows of each of `count` words; zeros for a word without rows."""
    order = np.argsort(owners, kind="stable")
    sizes = np.bincount(owners, minlength=count)
    ids, offsets = (torch.from_numpy(array).to(table.device) for array in (rows[order], np.cumsum(sizes) - sizes))
    return nn.functional.embedding_bag(ids, table, offsets, mode="mean")
