"""The linear chain of a finished tagger in numpy: best paths, marginals, and probabilities of spans.

`structkd.crf.LinearChain` is its twin in torch, which trains. Here nothing is differentiable, and a batch of one short
sentence must be fast: all loops go over words, and few array operations are made at each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
_LEAST = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class Path:
    """A label sequence, as label ids, and its log-probability."""

    labels: tuple[int, ...]
    log_prob: float


class Chain:
    """The scores of a tagger's chain; L labels.

    Args:
        transitions: [L, L], from (row) to (column).
        start, end: [L], scores of a sentence's first and last label.
        temperature: all scores are divided by it, so probabilities below 1 are softened (Guo et al., 2017). Best paths
            and their order stay.

    Raises:
        ValueError: sizes that do not fit each other, scores that are not finite, or a temperature of 0 or below.
    """

    def __init__(self, transitions: Floats, start: Floats, end: Floats, temperature: float = 1.0) -> None:
        size = len(start)
        if transitions.shape != (size, size) or end.shape != (size,):
            raise ValueError(f"found {transitions.shape}, {start.shape}, {end.shape}; expected [L, L], [L], [L]")
        if not all(np.isfinite(scores).all() for scores in (transitions, start, end)):
            raise ValueError("found a chain with a score that is not finite")
        if not 0 < temperature < np.inf:
            raise ValueError(f"found a temperature of {temperature}, expected a number above 0")
        self.transitions, self.start, self.end = transitions, start, end
        self.temperature = temperature

    def on(self, emissions: Floats, lengths: NDArray[np.integer]) -> "ChainBatch":
        """Return the distributions over label sequences of sentences.

        Args:
            emissions: [B, T, L], a score for each label at each word of one or more sentences; padding is never read.
            lengths: [B], words in each sentence, from 1 to T.

        Raises:
            ValueError: sizes that do not fit, or emissions that are not finite.
        """
        return ChainBatch(self, emissions, lengths)


class ChainBatch:
    """Distributions over label sequences, one per sentence; see `Chain.on`."""

    def __init__(self, chain: Chain, emissions: Floats, lengths: NDArray[np.integer]) -> None:
        B, T, L = emissions.shape
        if len(chain.start) != L or lengths.shape != (B,) or not B or not 1 <= lengths.min() <= lengths.max() <= T:
            raise ValueError(
                f"found emissions of {emissions.shape} and lengths of {lengths.shape} for {len(chain.start)} labels; "
                "expected [B, T, L] of at least one sentence, and lengths from 1 to T"
            )
        self.chain = chain
        T = int(lengths.max(initial=0))
        # The longest sentences first: then those that have a word i are the first `_alive[i]`.
        self._order = np.argsort(-lengths, kind="stable")
        self._row = np.argsort(self._order, kind="stable")
        self._lengths = lengths[self._order]
        self._alive = np.searchsorted(-self._lengths, -np.arange(T))
        scores = np.array(emissions[self._order, :T], order="C")
        rows, last = np.arange(B), self._lengths - 1
        scores[rows, 0] += chain.start
        scores[rows, last] += chain.end
        inside = np.arange(T) < self._lengths[:, None]
        scores[~inside] = 0
        if not np.isfinite(scores).all():
            raise ValueError("found emissions that are not finite; expected a number for each label at each word")
        self._scores = np.ascontiguousarray(scores.transpose(1, 0, 2))  # [T, B, L]

    # -- best paths ---------------------------------------------------------------------------------------------

    @cached_property
    def _best(self) -> Floats:
        """Scores of the best way to end word i with label j, less the best of the word: [T, B, L]."""
        best = self._scores.copy()
        transitions = self.chain.transitions.T[None]  # [1, to, from]
        for (before, word), n in zip(pairwise(best), self._alive[1:].tolist(), strict=True):
            word = word[:n]
            word += np.maximum.reduce(before[:n, None, :] + transitions, 2)
            word -= np.maximum.reduce(word, 1, keepdims=True)
        return best

    def viterbi(self) -> list[NDArray[np.int64]]:
        """Return each sentence's best label sequence, the lower label if two are equal (Viterbi, 1967)."""
        T, B, _ = self._best.shape
        label = self._best[self._lengths - 1, np.arange(B)].argmax(1)
        if B == 1:
            return [self._traced(int(label[0]))]
        best, into = self._best, np.ascontiguousarray(self.chain.transitions.T)
        paths = np.zeros((T, B), np.int64)
        for i in range(T - 1, -1, -1):
            n = self._alive[i]
            going = self._alive[i + 1] if i + 1 < T else 0
            if going:
                label[:going] = (best[i, :going] + into[label[:going]]).argmax(1)
            paths[i, :n] = label[:n]
        return [paths[: self._lengths[row], row] for row in self._row]

    def _traced(self, label: int) -> NDArray[np.int64]:
        """The same for the only sentence, by the best label before each label at each word: few operations."""
        before = (self._best[:-1, 0, None, :] + self.chain.transitions.T).argmax(2).tolist()
        path = [label]
        for pointers in reversed(before):
            path.append(pointers[path[-1]])
        return np.array(path[::-1])

    def kbest(self, sentence: int, k: int) -> list[Path]:
        """Return the `k` most probable label sequences of a sentence, best first; fewer if there are fewer.

        The search of `structkd.crf.decode.kbest` (Soong and Huang, 1991): k partial paths at every word, from the last
        word to the first, by the exact cost of their best completion.
        """
        row = self._row[sentence]
        T = int(self._lengths[row])
        best, transitions = self._best[:T, row].astype(np.float64), self.chain.transitions.T.astype(np.float64)
        L = best.shape[1]
        regrets, labels = _least(best[-1].max() - best[-1], k)
        paths = labels[:, None]
        for scores in best[-2::-1]:
            behind = scores + transitions[paths[:, 0]]
            regret = regrets[:, None] + behind.max(1, keepdims=True) - behind
            regrets, place = _least(regret.ravel(), k)
            paths = np.concatenate([(place % L)[:, None], paths[place // L]], 1)
        log_probs = [self._log_prob(row, path) for path in paths]
        return [Path(tuple(path.tolist()), log_prob) for path, log_prob in zip(paths, log_probs, strict=True)]

    def _log_prob(self, row: int, path: NDArray[np.int64]) -> float:
        """log p(y | x) of a whole label sequence."""
        T = len(path)
        score = self._scores[np.arange(T), row, path].sum(dtype=np.float64)
        score += self.chain.transitions[path[:-1], path[1:]].sum(dtype=np.float64)
        return min(0.0, float(score / self.chain.temperature - self._log_partition[row]))

    # -- sums over label sequences ------------------------------------------------------------------------------

    @property
    def log_partition(self) -> NDArray[np.float64]:
        """log Z of each sentence at the temperature: [B]."""
        return self._log_partition[self._row]

    @cached_property
    def marginals(self) -> NDArray[np.float64]:
        """q(y_i | x), the probability of each label at each word: [B, words of the longest, L]; 0 at padding."""
        with np.errstate(invalid="ignore", over="ignore"):  # at padding
            found = np.exp(self._forward + self._backward - self._log_partition[:, None])
        inside = np.arange(len(found))[:, None] < self._lengths
        found[~inside] = 0
        return found.transpose(1, 0, 2)[self._row]

    def span_log_probs(
        self,
        sentences: Sequence[int],
        firsts: Sequence[int],
        labels: Sequence[NDArray[np.int64]],
        after: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Return the log-probability of each of S spans: that the words from `firsts` on have its labels, and that the
        next word's label is one of `after`; there is no condition on the next word if the sentence ends.

        This is the constrained forward pass of Culotta and McCallum (2004): all label sequences that contain the
        span, over all label sequences.

        Args:
            sentences, firsts: [S], the sentence and the first word of each span.
            labels: the label ids of each span, one or more.
            after: [S, L], true for the labels that may follow.
        """
        if not len(labels):
            return np.zeros(0)
        rows, begins = self._row[np.asarray(sentences)], np.asarray(firsts)
        sizes = np.fromiter(map(len, labels), np.int64, len(labels))
        heads = np.cumsum(sizes) - sizes
        flat = np.concatenate(labels)
        words = np.repeat(begins - heads, sizes) + np.arange(len(flat))
        inside = self._tempered[words, np.repeat(rows, sizes), flat]
        inside[1:] += self._steps[flat[:-1], flat[1:]]
        inside[heads] = self._forward[begins, rows, flat[heads]]
        stops, last = begins + sizes, flat[heads + sizes - 1]
        ends = self._backward[stops - 1, rows, last]
        goes_on = np.flatnonzero(stops < self._lengths[rows])
        stops, rows_on = stops[goes_on], rows[goes_on]
        behind = self._steps[last[goes_on]] + self._tempered[stops, rows_on] + self._backward[stops, rows_on]
        ends[goes_on] = _log_sum(np.where(after[goes_on], behind, -np.inf))
        found: NDArray[np.float64] = np.add.reduceat(inside, heads) + ends - self._log_partition[rows]
        return np.minimum(found, 0)

    @cached_property
    def _tempered(self) -> NDArray[np.float64]:
        return self._scores.astype(np.float64) / self.chain.temperature

    @cached_property
    def _steps(self) -> NDArray[np.float64]:
        return self.chain.transitions.astype(np.float64) / self.chain.temperature

    @cached_property
    def _sums(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Logarithms of forward and backward sums: [T, B, L] each; arbitrary at padding."""
        found = self._scaled()
        return self._logarithmic() if found is None else found

    @property
    def _forward(self) -> NDArray[np.float64]:
        return self._sums[0]

    @property
    def _backward(self) -> NDArray[np.float64]:
        return self._sums[1]

    @cached_property
    def _log_partition(self) -> NDArray[np.float64]:
        rows = np.arange(len(self._lengths))
        return _log_sum(self._forward[self._lengths - 1, rows])

    def _scaled(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """The sums by products of probabilities, scaled at each word (Rabiner, 1989); None if one is too small."""
        T, B, L = self._scores.shape
        place = np.arange(T)[:, None]
        turn = np.where(place < self._lengths, self._lengths - 1 - place, place), np.arange(B)
        peaks, top = self._tempered.max(2, initial=-np.inf, keepdims=True), self._steps.max()
        factors = np.exp(self._tempered - peaks)
        # Both directions go together, the second over reversed sentences: half as many operations.
        states = np.stack([factors, factors[turn]], 1)  # [T, 2, B, L]
        steps = np.exp(np.stack([self._steps, self._steps.T]) - top)
        messages, scales = np.ones((T, 2, B, L)), np.ones((T, 2, B, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            for i, n in enumerate(self._alive.tolist()):
                word = states[i, :, :n]
                if i:
                    word *= np.matmul(states[i - 1, :, :n], steps, out=messages[i, :, :n])
                np.add.reduce(word, 2, keepdims=True, out=scales[i, :, :n])
                word /= scales[i, :, :n]
        if not scales.min(initial=1) > _LEAST:
            return None
        places = np.log(scales) + np.stack([peaks, peaks[turn]], 1)
        places[1:] += top
        total = places.cumsum(0)
        with np.errstate(divide="ignore"):
            forward, backward = np.log(states[:, 0]) + total[:, 0], np.log(messages[:, 1])
        backward[1:] += total[:-1, 1] + top
        return forward, backward[turn]

    def _logarithmic(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The same sums of logarithms: slower, and good for scores of any size."""
        forward, backward = self._tempered.copy(), np.zeros_like(self._tempered)
        T = len(forward)
        for i in range(1, T):
            n = self._alive[i]
            forward[i, :n] += _log_sum(forward[i - 1, :n, :, None] + self._steps, 1)
        for i in range(T - 1, 0, -1):
            n = self._alive[i]
            behind = self._tempered[i, :n] + backward[i, :n]
            backward[i - 1, :n] = _log_sum(self._steps + behind[:, None])
        return forward, backward


def _log_sum(scores: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    """log sum exp; -inf of nothing."""
    if not scores.shape[axis]:
        return np.full(np.delete(scores.shape, axis), -np.inf)
    peak = np.maximum(scores.max(axis, keepdims=True), np.finfo(np.float64).min)
    with np.errstate(divide="ignore"):
        found: NDArray[np.float64] = np.log(np.exp(scores - peak).sum(axis)) + peak.squeeze(axis)
    return found


def _least(regrets: Floats, k: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return the k smallest and their places, the lower place first if equal."""
    places = np.argsort(regrets, kind="stable")[:k]
    return regrets[places], places
