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
_EVERY = 8  # words, after which numbers are scaled
_LEAST = 1e-100  # what may be left of a mass of 1 in between


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

    @cached_property
    def steps(self) -> NDArray[np.float64]:
        """The transitions at the temperature: [L, L]."""
        return self.transitions.astype(np.float64) / self.temperature

    @cached_property
    def steps_both_ways(self) -> tuple[NDArray[np.float64], float]:
        """Factors of a step forward and one backward, [2 L, 2 L], and the logarithm by which they are too small."""
        L, top = len(self.start), float(self.steps.max())
        both = np.zeros((2 * L, 2 * L))
        both[:L, :L] = np.exp(self.steps.T - top)
        both[L:, L:] = both[:L, :L].T
        return both, top

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
    """Distributions over label sequences, one per sentence; see `Chain.on`.

    Arrays have the axes [T, L, B]: what is done for each word then runs over sentences, which lie side by side.
    """

    def __init__(self, chain: Chain, emissions: Floats, lengths: NDArray[np.integer]) -> None:
        B, T, L = emissions.shape
        if len(chain.start) != L or lengths.shape != (B,) or not B or not 1 <= lengths.min() <= lengths.max() <= T:
            raise ValueError(
                f"found emissions of {emissions.shape} and lengths of {lengths.shape} for {len(chain.start)} labels; "
                "expected [B, T, L] of at least one sentence, and lengths from 1 to T"
            )
        self.chain = chain
        self._rows, self._lengths, self._last = np.arange(B), lengths, lengths - 1
        T = int(lengths.max())
        self._even = bool((lengths == T).all())
        scores = emissions[:, :T].transpose(1, 2, 0).copy()
        scores[0] += chain.start[:, None]
        scores[self._last, :, self._rows] += chain.end
        if not self._even:
            np.copyto(scores, 0, where=~self._inside[:, None])
        if not np.isfinite(scores).all():
            raise ValueError("found emissions that are not finite; expected a number for each label at each word")
        self._scores = scores

    @cached_property
    def _inside(self) -> NDArray[np.bool_]:
        """True at words, false at padding: [T, B]."""
        inside: NDArray[np.bool_] = np.arange(self._lengths.max())[:, None] < self._lengths
        return inside

    def _turned(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values [T, ., B] with the words of each sentence in reverse; padding stays."""
        if self._even:
            return values[::-1]
        place = np.arange(len(values))[:, None]
        return np.take_along_axis(values, np.where(self._inside, self._last - place, place)[:, None], 0)

    # -- best paths ---------------------------------------------------------------------------------------------

    @cached_property
    def _best(self) -> Floats:
        """Scores of the best way to end word i with label j, but for a number that all labels share: [T, L, B]."""
        best = self._scores.copy()
        transitions = self.chain.transitions[:, :, None]  # [from, to, 1]
        ways, reached = np.empty((*transitions.shape[:2], best.shape[2]), best.dtype), np.empty_like(best[0])
        for i, (before, word) in enumerate(pairwise(best), 1):
            np.add(before[:, None], transitions, ways)
            np.maximum.reduce(ways, 0, None, reached)
            np.add(word, reached, word)
            if not i % _EVERY:
                word -= word.max(0)
        return best

    def viterbi(self) -> list[NDArray[np.int64]]:
        """Return each sentence's best label sequence, the lower label if two are equal (Viterbi, 1967)."""
        best, transitions = self._best, self.chain.transitions
        final = best[self._last, :, self._rows].argmax(1)
        if len(final) == 1:
            return [self._traced(int(final[0]))]
        paths = np.empty((len(best), len(final)), np.int64)
        paths[-1] = final
        for i in range(len(best) - 2, -1, -1):
            before = (best[i] + transitions[:, paths[i + 1]]).argmax(0)
            paths[i] = np.where(i < self._last, before, final)
        return [path[:length] for path, length in zip(paths.T, self._lengths, strict=True)]

    def _traced(self, label: int) -> NDArray[np.int64]:
        """The same for the only sentence, by the best label before each label at each word: few operations."""
        before = (self._best[:-1, :, 0][:, None] + self.chain.transitions.T).argmax(2).tolist()
        path = [label]
        for pointers in reversed(before):
            path.append(pointers[path[-1]])
        return np.array(path[::-1])

    def kbest(self, sentence: int, k: int) -> list[Path]:
        """Return the `k` most probable label sequences of a sentence, best first; fewer if there are fewer.

        The search of `structkd.crf.decode.kbest` (Soong and Huang, 1991): k partial paths at every word, from the last
        word to the first, by the exact cost of their best completion.
        """
        T = int(self._lengths[sentence])
        best = self._best[:T, :, sentence].astype(np.float64)
        transitions = self.chain.transitions.T.astype(np.float64)
        L = best.shape[1]
        regrets, labels = _least(best[-1].max() - best[-1], k)
        paths = labels[:, None]
        for scores in best[-2::-1]:
            behind = scores + transitions[paths[:, 0]]
            regret = regrets[:, None] + behind.max(1, keepdims=True) - behind
            regrets, place = _least(regret.ravel(), k)
            paths = np.concatenate([(place % L)[:, None], paths[place // L]], 1)
        log_probs = [self._log_prob(sentence, path) for path in paths]
        return [Path(tuple(path.tolist()), log_prob) for path, log_prob in zip(paths, log_probs, strict=True)]

    def _log_prob(self, sentence: int, path: NDArray[np.int64]) -> float:
        """log p(y | x) of a whole label sequence."""
        score = self._scores[np.arange(len(path)), path, sentence].sum(dtype=np.float64)
        score += self.chain.transitions[path[:-1], path[1:]].sum(dtype=np.float64)
        return min(0.0, float(score / self.chain.temperature - self.log_partition[sentence]))

    # -- sums over label sequences ------------------------------------------------------------------------------

    @cached_property
    def log_partition(self) -> NDArray[np.float64]:
        """log Z of each sentence at the temperature: [B]."""
        return _log_sum(self._forward[self._last, :, self._rows])

    @cached_property
    def marginals(self) -> NDArray[np.float64]:
        """q(y_i | x), the probability of each label at each word: [B, words of the longest, L]; 0 at padding."""
        with np.errstate(invalid="ignore", over="ignore"):  # at padding
            found = np.exp(self._forward + self._backward - self.log_partition)
        if not self._even:
            np.copyto(found, 0, where=~self._inside[:, None])
        return found.transpose(2, 0, 1)

    def chances(self, paths: Sequence[NDArray[np.int64]]) -> list[list[float]]:
        """Return the marginal probability of each label of a label sequence for each sentence."""
        flat = np.concatenate(paths)
        rows = np.repeat(self._rows, self._lengths)
        found = self.marginals[rows, self._inside.T.nonzero()[1], flat].tolist()
        ends = self._lengths.cumsum().tolist()
        return [found[end - len(path) : end] for path, end in zip(paths, ends, strict=True)]

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
        rows, begins = np.asarray(sentences), np.asarray(firsts)
        sizes = np.fromiter(map(len, labels), np.int64, len(labels))
        tails = np.cumsum(sizes)
        heads, tails = tails - sizes, tails - 1
        flat = np.concatenate(labels)
        words = np.repeat(begins - heads, sizes) + np.arange(len(flat))
        inside = self._tempered[words, flat, np.repeat(rows, sizes)]
        inside[1:] += self.chain.steps[flat[:-1], flat[1:]]
        inside[heads] = self._forward[begins, flat[heads], rows]
        stops, last = words[tails], flat[tails]
        ends = self._backward[stops, last, rows]
        goes_on = stops < self._last[rows]
        stops, rows_on = stops[goes_on] + 1, rows[goes_on]
        behind = self.chain.steps[last[goes_on]] + self._tempered[stops, :, rows_on] + self._backward[stops, :, rows_on]
        ends[goes_on] = _log_sum(np.where(after[goes_on], behind, -np.inf))
        found: NDArray[np.float64] = np.add.reduceat(inside, heads) + ends - self.log_partition[rows]
        return np.minimum(found, 0)

    @cached_property
    def _tempered(self) -> NDArray[np.float64]:
        return self._scores.astype(np.float64) / self.chain.temperature

    @cached_property
    def _sums(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Logarithms of forward and backward sums: [T, L, B] each; arbitrary at padding."""
        found = self._scaled()
        return self._logarithmic() if found is None else found

    @property
    def _forward(self) -> NDArray[np.float64]:
        return self._sums[0]

    @property
    def _backward(self) -> NDArray[np.float64]:
        return self._sums[1]

    def _scaled(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """The sums by products of probabilities, scaled every few words (Rabiner, 1989); None if one is too small."""
        T, L, B = self._scores.shape
        steps, top = self.chain.steps_both_ways
        peaks = self._tempered.max(1, keepdims=True)
        factors = np.exp(self._tempered - peaks)
        # Both directions go together, the second over reversed sentences: half as many operations.
        states = np.concatenate([factors, self._turned(factors)], 1)
        messages, scales = np.ones_like(states), np.ones((T, 2, B))
        with np.errstate(divide="ignore", invalid="ignore"):  # at padding
            for i, (before, word, message) in enumerate(zip(states[:-1], states[1:], messages[1:], strict=True), 1):
                np.multiply(word, np.dot(steps, before, message), word)
                if not i % _EVERY:
                    sides = word.reshape(2, L, B)
                    sides /= np.add.reduce(sides, 1, None, scales[i])[:, None]
        mass = np.minimum(states.reshape(T, 2, L, B).sum(2), scales)
        if not (mass > _LEAST).all(1)[self._inside].all():
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            total = (np.log(scales) + np.concatenate([peaks, self._turned(peaks)], 1)).cumsum(0)[:, :, None]
            total += top * np.arange(T)[:, None, None, None]
            forward = np.log(states[:, :L]) + total[:, 0]
            backward = np.log(messages[:, L:])
        backward[1:] += total[:-1, 1] + top
        return forward, self._turned(backward)

    def _logarithmic(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The same sums of logarithms: slower, and good for scores of any size."""
        forward, backward = self._tempered.copy(), np.zeros_like(self._tempered)
        steps = self.chain.steps[:, :, None]
        for i in range(1, len(forward)):
            forward[i] += _log_sum(forward[i - 1][:, None] + steps, 0)
        for i in range(len(forward) - 1, 0, -1):
            behind = self._tempered[i] + backward[i]
            np.copyto(backward[i - 1], _log_sum(steps + behind, 1), where=self._inside[i])
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
