"""The chain of the runtime agrees with enumeration and with its twin in torch."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from structkd.crf import LinearChain
from structkd.runtime.chain import Chain
from tests.examples import examples


def scores(rng, sizes, spread=2.0):
    B, T, L = sizes
    draw = lambda *size: rng.normal(0, spread, size).astype(np.float32)  # noqa: E731
    return draw(B, T, L), draw(L, L), draw(L), draw(L)


def sequence_log_probs(emissions, transitions, start, end, temperature):
    """log p of every label sequence of one sentence, by enumeration in float64."""
    T, L = emissions.shape
    found = {}
    for path in product(range(L), repeat=T):
        score = start[path[0]] + end[path[-1]] + sum(float(emissions[i, y]) for i, y in enumerate(path))
        score += sum(float(transitions[a, b]) for a, b in pairwise(path))
        found[path] = float(score) / temperature
    total = np.logaddexp.reduce(list(found.values()))
    return {path: score - total for path, score in found.items()}


cases = st.tuples(
    st.integers(0, 2**32 - 1),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 4),
    st.sampled_from([0.1, 2.0, 300.0, 3e4]),
    st.sampled_from([1.0, 0.5, 3.0]),
)


@given(cases)
@examples(150)
def test_everything_agrees_with_enumeration(case):
    seed, B, T, L, spread, temperature = case
    rng = np.random.default_rng(seed)
    emissions, transitions, start, end = scores(rng, (B, T, L), spread)
    lengths = rng.integers(1, T + 1, B)
    chains = Chain(transitions, start, end, temperature).on(emissions, lengths)
    best = chains.viterbi()
    for b in range(B):
        n = int(lengths[b])
        truth = sequence_log_probs(emissions[b, :n], transitions, start, end, temperature)
        assert truth[tuple(best[b].tolist())] == pytest.approx(max(truth.values()), abs=1e-3 * spread)
        paths = chains.kbest(b, 5)
        listed = sorted(truth.values(), reverse=True)[:5]
        np.testing.assert_allclose([path.log_prob for path in paths], listed, atol=1e-5 * spread, rtol=1e-5)
        assert len({path.labels for path in paths}) == len(paths) == min(5, L**n)
        expected = np.zeros((n, L))
        for path, log_prob in truth.items():
            expected[np.arange(n), path] += np.exp(log_prob)
        np.testing.assert_allclose(chains.marginals[b, :n], expected, atol=1e-6 * max(1.0, spread))
        assert not chains.marginals[b, n:].any()
        first = int(rng.integers(0, n))
        labels = rng.integers(0, L, int(rng.integers(1, n - first + 1)))
        after = rng.random(L) < 0.6
        stop = first + len(labels)
        inside = [
            log_prob
            for path, log_prob in truth.items()
            if path[first:stop] == tuple(labels) and (stop == n or after[path[stop]])
        ]
        expected_span = np.exp(np.logaddexp.reduce(inside)) if inside else 0.0
        found = np.exp(chains.span_log_probs([b], [first], [labels], after[None]))[0]
        assert found == pytest.approx(expected_span, abs=1e-6 * max(1.0, spread))


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 5.0]))
@examples(30)
def test_it_is_the_chain_that_was_trained(seed, spread):
    rng = np.random.default_rng(seed)
    emissions, transitions, start, end = scores(rng, (5, 40, 9), spread)
    lengths = np.array([40, 1, 17, 40, 3])
    chains = Chain(transitions, start, end).on(emissions, lengths)
    parts = {"emissions": emissions, "transitions": transitions, "start": start, "end": end, "lengths": lengths}
    twin = LinearChain(**{name: torch.from_numpy(array) for name, array in parts.items()})
    for found, path, n in zip(chains.viterbi(), twin.viterbi().numpy(), lengths, strict=True):
        assert found.tolist() == path[:n].tolist()
    inside = twin.mask.numpy()
    np.testing.assert_allclose(chains.marginals[inside], twin.marginals.numpy()[inside], atol=1e-5)
    np.testing.assert_allclose(chains.log_partition, twin.log_partition.numpy(), rtol=1e-5)


def test_a_batch_changes_nothing():
    rng = np.random.default_rng(0)
    emissions, transitions, start, end = scores(rng, (4, 30, 5))
    lengths = np.array([30, 2, 11, 1])
    chain = Chain(transitions, start, end)
    together = chain.on(emissions, lengths)
    for b, n in enumerate(lengths):
        alone = chain.on(emissions[b : b + 1, :n], lengths[b : b + 1])
        assert alone.viterbi()[0].tolist() == together.viterbi()[b].tolist()
        np.testing.assert_allclose(alone.marginals[0], together.marginals[b, :n], atol=1e-12)


def test_faults_are_named():
    rng = np.random.default_rng(0)
    emissions, transitions, start, end = scores(rng, (1, 2, 3))
    chain = Chain(transitions, start, end)
    with pytest.raises(ValueError, match="lengths from 1 to T"):
        chain.on(emissions, np.array([0]))
    with pytest.raises(ValueError, match="at least one sentence"):
        chain.on(emissions[:0], np.array([], int))
    with pytest.raises(ValueError, match="lengths from 1 to T"):
        chain.on(emissions[..., :2], np.array([2]))
    emissions[0, 1, 2] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        chain.on(emissions, np.array([2]))
    chain.on(emissions, np.array([1]))  # padding may hold anything
    with pytest.raises(ValueError, match="temperature"):
        Chain(transitions, start, end, 0.0)
    with pytest.raises(ValueError, match="expected \\[L, L\\]"):
        Chain(transitions, start[:2], end)
