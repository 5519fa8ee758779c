"""Conversion of padded arrays to Arrow lists and back, by array operations."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int64, Integer, Shaped

from structkd.artifacts.schema import ArtifactError


def length_mask(lengths: Integer[np.ndarray, "B"], size: int) -> Bool[np.ndarray, "B {size}"]:
    """Return a mask over `size` places: True inside the row's length."""
    mask: Bool[np.ndarray, "B {size}"] = np.arange(size) < lengths[:, None]
    return mask


def path_mask(
    counts: Integer[np.ndarray, "B"], lengths: Integer[np.ndarray, "B"], size: tuple[int, int]
) -> Bool[np.ndarray, "B {size[0]} {size[1]}"]:
    """Return a mask over `size` (K, T): True inside the row's path count and length."""
    paths, places = length_mask(counts, size[0]), length_mask(lengths, size[1])
    mask: Bool[np.ndarray, "B K T"] = paths[:, :, None] & places[:, None, :]
    return mask


def list_array(values: pa.Array, lengths: Integer[np.ndarray, "B"]) -> pa.ListArray:
    """Return lists of `lengths` over consecutive `values`."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def list_lengths(lists: pa.ListArray) -> Int64[np.ndarray, "B"]:
    """Return each list's length; 0 for null."""
    lengths: Int64[np.ndarray, B] = np.array(pc.list_value_length(lists).fill_null(0), np.int64)
    return lengths


def pad(
    values: Shaped[np.ndarray, "N ..."], mask: Bool[np.ndarray, "B ..."], dtype: type[np.generic], column: str
) -> Shaped[np.ndarray, "B ..."]:
    """Put consecutive `values` at the true places of `mask`, in order; 0 elsewhere.

    Raises ArtifactError if `column` does not contain one value for each place.
    """
    padded = np.zeros(mask.shape + values.shape[1:], dtype)
    places = int(np.count_nonzero(mask))
    if places != len(values):
        raise ArtifactError(
            f"column {column} holds {len(values)} values for the {places} places that tokens and path counts "
            "give; these rows were not written by artifacts.codec.encode"
        )
    padded[mask] = values
    return padded
