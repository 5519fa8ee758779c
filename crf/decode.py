"""The best label sequences of a chain: best scores forwards, then a backward search guided by them.

`best[i, j]` is the score of the best way to end word i with label j (Viterbi, 1967). Walking back from the last word,
these scores give the exact cost of completing a partial path y_{i+1..n}: its regret, the distance of its best
completion from the best path. So k partial paths are enough at every word: each of the k best paths has a partial path
whose regret is among the k smallest (the tree-trellis search of Soong and Huang, 1991). Partial paths differ from each
other, so no path is listed twice and none is invented.
"""

from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from structkd.crf.logscan import FLOOR

SORTED, ROWS = 256, 24
"""The most numbers of a row that numpy sorts in a network of vector instructions, and the fewest rows for which the way
there pays."""


def viterbi(
    potentials: Float[Tensor, "B T L"], transitions: Float[Tensor, "L L"], lengths: Int[Tensor, "B"]
) -> Int[Tensor, "B T"]:
    """Return the sequence of highest score of each sentence, the lower label if two are equal; 0 at padding."""
    best, into = _best(potentials, transitions)[0], transitions.mT.contiguous()
    last = lengths - 1
    label = best[last, torch.arange(len(last), device=last.device)].argmax(1)
    labels = [label]
    for i in range(len(best) - 2, -1, -1):
        label = torch.where(i < last, (best[i] + into.index_select(0, label)).argmax(1), label)
        labels.append(label)
    path = torch.stack(labels[::-1], 1)
    return path * (torch.arange(path.shape[1], device=path.device) <= last[:, None])


def kbest(
    potentials: Float[Tensor, "B T L"], transitions: Float[Tensor, "L L"], lengths: Int[Tensor, "B"], k: int
) -> tuple[Int[Tensor, "B {k} T"], Float[Tensor, "B {k}"], Int[Tensor, "B"]]:
    """Return the k sequences of highest score, best first.

    The order of equally good sequences depends on the sentence alone: the lower label comes first, at the word nearest
    the end where the search finds a difference.

    Args:
        potentials, transitions: -inf where forbidden.

    Returns:
        paths, label ids, 0 beyond a sentence's length and its count; regrets, the best score less each score, inf
        beyond the count; counts, the number of sequences, below k if fewer than k are possible.
    """
    last = lengths - 1
    back = last - torch.arange(potentials.shape[1], device=last.device)[:, None]  # [T, B], the word of each step
    best, reached = (_aligned(scores, back) for scores in _best(potentials, transitions))
    regrets, chosen = _search(best, reached.clamp_min_(FLOOR), transitions.mT.contiguous(), k)
    regrets = regrets[last, torch.arange(len(last), device=last.device)]
    counts = regrets.isfinite().sum(1)
    listed = torch.arange(k, device=last.device) < counts[:, None]
    inside = torch.arange(len(back), device=last.device) <= last[:, None]
    paths = _traced(chosen, back, potentials.shape[2]) * (inside[:, None] & listed[..., None])
    return paths, regrets.masked_fill(~listed, torch.inf), counts


def _aligned(words: Float[Tensor, "T B L"], back: Int[Tensor, "T B"]) -> Float[Tensor, "T B L"]:
    """Return the words of each sentence from its last one on; what follows its first word is never read."""
    T, B, L = words.shape
    rows = back.clamp_min(0) * B + torch.arange(B, device=back.device)
    return words.view(T * B, L).index_select(0, rows.flatten()).view(T, B, L)


def _search(
    best: Float[Tensor, "T B L"], reached: Float[Tensor, "T B L"], into: Float[Tensor, "L L"], k: int
) -> tuple[Float[Tensor, "T B {k}"], Int[Tensor, "T B {k}"]]:
    """Return, at each step back from the last word, the regrets of the k best partial paths, and their codes.

    Bits 0 to 31 of a code are the path of the step before and, in as many bits as L has, the label.
    """
    _, B, L = best.shape
    slots = torch.arange(k, device=best.device)
    codes = (slots[:, None] << L.bit_length() | torch.arange(L, device=best.device)).flatten()
    keys = codes.repeat(B, 1) if best.dtype == torch.float32 else None
    costs = (best[0].amax(-1, keepdim=True).clamp_min(FLOOR) - best[0])[:, None].expand(B, k, L)
    regrets = torch.where(slots > 0, torch.inf, best.new_zeros(B, k))  # one path, without words
    found = [_least(costs, regrets, codes, keys)]
    for word, highest in zip(best[1:, :, None].unbind(), reached[:-1].unbind(), strict=True):
        regrets, chosen = found[-1]
        labels = chosen & _label_bits(L)
        costs = into.index_select(0, labels.flatten()).view(B, k, L)
        torch.add(word, costs, out=costs)
        torch.sub(highest.gather(1, labels)[..., None], costs, out=costs)
        found.append(_least(costs, regrets, codes, keys))
    all_regrets, all_chosen = zip(*found, strict=True)
    return torch.stack(all_regrets), torch.stack(all_chosen)


def _traced(chosen: Int[Tensor, "T B K"], back: Int[Tensor, "T B"], labels: int) -> Int[Tensor, "B K T"]:
    """Return the labels of the paths that a search ended with; arbitrary beyond a sentence's length."""
    (_, B, K), slots = chosen.shape, torch.arange(chosen.shape[2], device=chosen.device)
    parents = (chosen & 0xFFFFFFFF) >> labels.bit_length()
    parents = torch.where((back >= 0)[..., None], parents, slots)  # before a sentence, slots stay
    slot, traced = slots.expand(B, K), []
    for parent in reversed(parents.unbind()):
        traced.append(slot)
        slot = parent.gather(1, slot)
    steps = (chosen & _label_bits(labels)).gather(2, torch.stack(traced[::-1]))
    return steps[back.clamp_min(0), torch.arange(B, device=back.device)].permute(1, 2, 0)


def _label_bits(labels: int) -> int:
    return (1 << labels.bit_length()) - 1


def _best(
    potentials: Float[Tensor, "B T L"], transitions: Float[Tensor, "L L"]
) -> tuple[Float[Tensor, "T B L"], Float[Tensor, "T B L"]]:
    """Return best scores, less the maximum of each word so that long sentences lose no precision.

    The second result is the best score with which a label is reached from the word before, 0 at the first word.
    Sentences are the innermost dimension of the loop, so maxima over labels work on whole vectors.
    """
    best = potentials.permute(1, 2, 0).clone(memory_format=torch.contiguous_format)  # [T, L, B]
    reached = torch.zeros_like(best)
    words, steps = best.unbind(), transitions[..., None]
    candidates = best.new_empty(*transitions.shape, best.shape[2])
    for (before, word), highest in zip(pairwise(words), reached.unbind()[1:], strict=True):
        torch.add(before[:, None], steps, out=candidates)
        torch.amax(candidates, 0, out=highest)
        word += highest
        word -= word.amax(0).clamp_min_(FLOOR)  # a word without a possible label keeps its -inf
    return best.mT.contiguous(), reached.mT.contiguous()


def _least(
    costs: Float[Tensor, "B K L"],
    regrets: Float[Tensor, "B K"],
    codes: Int[Tensor, "K*L"],
    keys: Int[Tensor, "B K*L"] | None,
) -> tuple[Float[Tensor, "B K"], Int[Tensor, "B K"]]:
    """Return the K smallest sums of a cost and its path's regret, and their codes, the lower code first if equal.

    topk leaves the order of equal values open. A float32 that is not negative sorts like its bits, so `keys`, where
    given, have the code in the lower half, and their upper half gets the sum. Then the codes returned are whole keys.
    """
    B, K, L = costs.shape
    if keys is None:
        sums, places = (costs + regrets[..., None]).flatten(1).sort(dim=1, stable=True)
        return sums[:, :K], codes[places[:, :K]]
    torch.add(costs, regrets[..., None], out=keys.view(torch.float32).view(B, K, L, 2)[..., 1])
    some = keys
    # The K labels with the smallest keys have the K smallest. As float64, keys sort alike.
    if 4 * K <= L or K * K <= SORTED < K * L:
        some = keys.view(B, K, L)
        columns = some.view(torch.float64).amin(1).topk(K, largest=False, sorted=False).indices
        some = some.gather(2, columns[:, None].expand(B, K, K)).flatten(1)
    least = _smallest(some, K)
    return least.view(torch.float32)[:, 1::2], least


def _smallest(keys: Int[Tensor, "B N"], k: int) -> Int[Tensor, "B {k}"]:
    """Return the k smallest of each row, in order. On a CPU, numpy sorts short rows in half of topk's time."""
    if keys.device.type == "cpu" and len(keys) >= ROWS and keys.shape[1] <= SORTED:
        return torch.from_numpy(np.sort(keys.numpy(), axis=1))[:, :k]
    return keys.topk(k, largest=False).values
