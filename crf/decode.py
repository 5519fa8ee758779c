"""The best label sequences of a chain: Viterbi's search, keeping the k best partial paths of each label."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def kbest(
    potentials: Float[Tensor, "B T L"],
    transitions: Float[Tensor, "L L"],
    lengths: Int[Tensor, "B"],
    k: int,
) -> tuple[Int[Tensor, "B K T"], Float[Tensor, "B K"], Int[Tensor, "B"]]:
    """The k sequences of highest score, best first; k = 1 is Viterbi's algorithm.

    A label keeps one partial path at the first word, at most L at the second, L^2 at the third, never more than k:
    each is a different path, so none is ever listed twice and none is made up.

    Returns:
        paths, label ids, 0 beyond a sentence's length and beyond its count; scores, -inf beyond its count; counts,
        how many sequences there are, below k where fewer than k have a finite score.
    """
    if k < 1:
        raise ValueError(f"kbest: k is {k}, expected at least 1")
    best = potentials[:, 0, :, None]  # [B, L, slots]: scores of each label's best partial paths
    places, slots = [], [1]
    for i in range(1, potentials.shape[1]):
        best, place = _extend(best, potentials[:, i], transitions, k, i < lengths)
        places.append(place)
        slots.append(best.shape[2])
    scores, ends = _top(best.flatten(1), k)
    if scores.shape[1] < k:
        scores = torch.nn.functional.pad(scores, (0, k - scores.shape[1]), value=-torch.inf)
        ends = torch.nn.functional.pad(ends, (0, k - ends.shape[1]))
    paths = _trace(ends, places, slots)
    counts = scores.isfinite().sum(1)
    inside = torch.arange(paths.shape[2], device=paths.device) < lengths[:, None]
    listed = torch.arange(k, device=paths.device) < counts[:, None]
    return paths * (inside[:, None] & listed[..., None]), scores, counts


def _extend(
    best: Float[Tensor, "B L S"],
    potentials: Float[Tensor, "B L"],
    transitions: Float[Tensor, "L L"],
    k: int,
    live: Bool[Tensor, "B"],
) -> tuple[Float[Tensor, "B L S2"], Int[Tensor, "B L2"]]:
    """One word more. A place is `label * slots + slot` among the partial paths before; ended sentences stand still."""
    B, L, S = best.shape
    candidates = (best[:, :, None] + transitions[..., None]).transpose(1, 2).reshape(B, L, L * S)  # [B, to, from * S]
    scores, place = _top(candidates, k)
    scores = scores + potentials[..., None]
    slot = torch.arange(scores.shape[2], device=best.device)
    still = (torch.arange(L, device=best.device)[:, None] * S + slot.clamp_max(S - 1)).expand_as(place)
    kept = best.gather(2, slot.clamp_max(S - 1).expand(B, L, -1)).masked_fill(slot >= S, -torch.inf)
    alive = live[:, None, None]
    return torch.where(alive, scores, kept), torch.where(alive, place, still).flatten(1)


def _top(scores: Float[Tensor, "*N M"], k: int) -> tuple[Float[Tensor, "*N K"], Int[Tensor, "*N K"]]:
    if k == 1:
        return scores.max(-1, keepdim=True)
    return scores.topk(min(k, scores.shape[-1]), -1)


def _trace(ends: Int[Tensor, "B K"], places: list[Tensor], slots: list[int]) -> Int[Tensor, "B K T"]:
    """Follow the places back from each path's end to its first word."""
    place, labels = ends, [ends // slots[-1]]
    for before, width in zip(reversed(places), reversed(slots[:-1]), strict=True):
        place = before.gather(1, place)
        labels.append(place // width)
    return torch.stack(labels[::-1], 2)
