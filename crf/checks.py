"""The checks of a chain's parts: matching sizes, lengths of sentences, scores below inf."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Int
from torch import Tensor


class ScoreError(ValueError):
    """Scores that define no distribution; the message names the first that is NaN or inf."""


def check_sizes(parts: Mapping[str, Tensor]) -> None:
    """Raise ValueError for parts of a chain, by name, whose sizes do not match the emissions."""
    B, _, L = parts["emissions"].shape
    expected = {"transitions": (L, L), "start": (L,), "end": (L,), "lengths": (B,)}
    for name, size in expected.items():
        found = tuple(parts[name].shape)
        if found != size:
            raise ValueError(f"LinearChain: {name} has the shape {found}, expected {size} from the emissions")


def check_lengths(lengths: Int[Tensor, "B"], words: int) -> None:
    """Raise ValueError for a sentence without words, or with more words than emissions."""
    for sentence, length in enumerate(lengths.tolist()):
        if not 1 <= length <= words:
            raise ValueError(
                f"LinearChain: lengths[{sentence}] is {length}, expected 1 to {words}, the words of the emissions"
            )


def score_error(parts: Mapping[str, Tensor], mask: Bool[Tensor, "B T"]) -> ScoreError:
    """Return the error that names the first score that is NaN or inf, or reports that a sum of finite scores is."""
    emissions = parts["emissions"].masked_fill(~mask[..., None], 0.0)
    for name, scores in {**parts, "emissions": emissions}.items():
        bad = (scores.isnan() | (scores == torch.inf)).nonzero()
        if len(bad):
            place = bad[0].tolist()
            axes = {"emissions": ("batch element", "word", "label"), "transitions": ("from label", "to label")}
            where = ", ".join(f"{axis} {at}" for axis, at in zip(axes.get(name, ("label",)), place, strict=True))
            found = scores[tuple(place)].item()
            return ScoreError(f"LinearChain: {name}{place} is {found} ({where}), expected a finite score or -inf")
    return ScoreError("LinearChain: an emission and the score of its start or end sum to inf; expected smaller scores")
