"""The chain at its edges: no possible sequence, scores that are no numbers, lengths that do not fit, large scores."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from structkd.crf import FLOOR, LinearChain, ScoreError
from tests.crf.chains import random_chain, widened
from tests.crf.enumeration import enumerate_paths
from tests.crf.test_gradients import build, leaves
from tests.examples import examples

SCORES = ("emissions", "transitions", "start", "end")


def changed(chain, **parts):
    """A chain with some parts of its own."""
    mine = {name: getattr(chain, name).clone() for name in SCORES}
    return LinearChain(**mine | parts, lengths=chain.lengths)


def forbidden(chain, what):
    """A chain without any sequence for some sentences: for all, for longer ones, or for the first."""
    parts = {name: getattr(chain, name).clone() for name in SCORES}
    if what == "word":
        parts["emissions"][0, int(chain.lengths[0]) - 1] = -torch.inf
    elif what == "blocked":  # each score allows something, all together nothing
        parts["transitions"][0], parts["start"][1:] = -torch.inf, -torch.inf
    else:
        parts[what][:] = -torch.inf
    return changed(chain, **parts)


@st.composite
def bounded_chains(draw):
    """Small chains with random scores of -inf, often so many that no sequence is left."""
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    chain = random_chain([3, 1, 2], 3, 1.0, draw(st.integers(0, 2**31)), padding=1, dtype=dtype)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    parts = {}
    for name in SCORES:
        scores = getattr(chain, name)
        share = draw(st.sampled_from([0.0, 0.3, 0.7]))
        parts[name] = scores.masked_fill(torch.rand(scores.shape, generator=generator) < share, -torch.inf)
    return changed(chain, **parts)


impossible = st.builds(
    forbidden,
    st.builds(random_chain, st.just([3, 1, 2]), st.just(3), st.sampled_from([1.0, 40.0, 300.0]), st.integers(0, 99)),
    st.sampled_from(["word", "blocked", "emissions", "transitions", "start", "end"]),
)
edges = st.one_of(bounded_chains(), impossible)


@given(edges)
@examples(60)
def test_all_quantities_are_those_of_the_sequences_that_are_left(chain):
    T = chain.emissions.shape[1]
    listed, log_probs, counts = chain.kbest(30)
    for b, n in enumerate(chain.lengths.tolist()):
        truth = enumerate_paths(chain, b)
        left = truth.scores.isfinite()
        paths = torch.zeros(len(chain.lengths), len(truth.paths), T, dtype=torch.long)
        paths[b, :, :n] = truth.paths
        found, count = chain.log_prob(paths)[b], int(left.sum())
        assert_close(chain.log_partition[b], truth.log_partition)
        assert counts[b] == count
        assert_close(log_probs[b, :count], truth.log_probs[left].sort(descending=True).values)
        assert (log_probs[b, count:] == -torch.inf).all()
        assert (listed[b, count:] == 0).all()
        if count:
            assert_close(found[left], truth.log_probs[left])
            assert (found[~left] < FLOOR / 2).all()
            assert_close(chain.marginals[b, :n], truth.marginals)
            assert_close(chain.edge_counts[b], truth.edge_marginals.sum(0))
            assert_close(chain.entropy()[b], truth.cross_entropy(truth), rtol=1e-4, atol=1e-5)
        else:
            assert (found == -torch.inf).all()
            assert (chain.log_marginals[b, :n] <= FLOOR).all()
            assert (chain.log_marginals[b, n:] == 0).all()
            for nothing in (chain.marginals, chain.edge_marginals, chain.edge_counts, chain.entropy()):
                assert (nothing[b] == 0).all()
            assert (chain.sample(2)[b] == 0).all()
        assert chain.viterbi()[b, n:].sum() == 0


@given(edges)
@examples(60)
def test_without_a_possible_sequence_gradients_are_zero_and_none_is_nan(chain):
    scores = leaves(chain)
    again = build(scores, chain.lengths)
    live = torch.tensor([enumerate_paths(chain, b).scores.isfinite().any() for b in range(len(chain.lengths))])
    paths = torch.zeros(len(live), 2, chain.emissions.shape[1], dtype=torch.long)
    values = (
        again.log_partition,
        again.log_prob(paths),
        again.log_marginals,
        again.edge_marginals,
        again.edge_counts,
        again.entropy(),
        again.kl(again),
    )
    for value in values:
        found = torch.autograd.grad(value[live].sum() + value[~live].sum(), scores, retain_graph=True)
        assert all(gradient.isfinite().all() for gradient in found)
        assert (found[0][~live] == 0).all()
    if not live.any():
        for value in values:
            for gradient in torch.autograd.grad(value.sum(), scores, retain_graph=True):
                assert (gradient == 0).all()


def test_a_divergence_from_or_to_nothing():
    """Nothing has no mean score: 0. To a chain without a possible sequence everything is infinitely far."""
    some = random_chain([3, 1, 2], 3, 1.0)
    none = forbidden(some, "start")
    for one in (some.cross_entropy(none), some.kl(none)):
        assert (one == torch.inf).all()
    for one in (none.cross_entropy(some), none.kl(some), none.kl(none), none.entropy()):
        assert (one == 0).all()


@given(st.integers(0, 2**31), st.sampled_from([0.0, 1e-4, 1.0, 1e4]), st.sampled_from([torch.float32, torch.float64]))
@examples(40)
def test_entropy_and_divergence_are_never_negative(seed, noise, dtype):
    generator = torch.Generator().manual_seed(seed)
    p = random_chain([40, 1, 9], 5, 1.0, generator, spread=float(10 ** (seed % 6)), dtype=dtype)
    q = changed(p, emissions=p.emissions + noise * torch.randn(p.emissions.shape, generator=generator).to(dtype))
    for value in (p.entropy(), p.kl(q), q.kl(p), p.kl(p), p.cross_entropy(q)):
        assert (value >= 0).all()


@given(st.integers(0, 2**31), st.sampled_from([1.0, 100.0, 1e4]), st.booleans())
@examples(40)
def test_entropy_in_float32_is_that_of_its_scores(seed, size, forbid):
    """Many sequences are nearly as good as the best: large scores, steps of `size`, whose sums differ by little."""
    generator = torch.Generator().manual_seed(seed)
    small = random_chain([6, 1, 4], 3, 1.0, generator, dtype=torch.float32, forbid=forbid)
    steps = {name: torch.randint(-2, 3, getattr(small, name).shape, generator=generator) for name in SCORES}
    chain = changed(small, **{name: getattr(small, name) + size * step for name, step in steps.items()})
    for b in range(3):
        truth = enumerate_paths(widened(chain), b)
        assert_close(chain.entropy()[b].double(), truth.cross_entropy(truth), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize(
    ("name", "place", "where"),
    [
        ("emissions", (1, 0, 2), "emissions[1, 0, 2] is {} (batch element 1, word 0, label 2)"),
        ("transitions", (0, 1), "transitions[0, 1] is {} (from label 0, to label 1)"),
        ("start", (2,), "start[2] is {} (label 2)"),
        ("end", (0,), "end[0] is {} (label 0)"),
    ],
    ids=lambda value: str(value),
)
def test_a_score_that_is_no_number_is_named(name, place, where, value):
    chain = random_chain([3, 1], 3, 1.0, padding=1)
    scores = getattr(chain, name).clone()
    scores[place] = value
    for ask in (lambda bad: bad.viterbi(), lambda bad: bad.log_partition, lambda bad: bad.marginals):
        with pytest.raises(ScoreError) as error:
            ask(changed(chain, **{name: scores}))
        assert where.format(value) in str(error.value)


def test_what_padding_holds_is_not_looked_at():
    chain = random_chain([3, 1], 3, 1.0, padding=1)
    scores = chain.emissions.clone()
    scores[0, 3], scores[1, 1:] = torch.nan, torch.inf
    assert_close(changed(chain, emissions=scores).log_partition, chain.log_partition)
    assert_close(changed(chain, emissions=scores).log_marginals, chain.log_marginals)


def test_finite_scores_whose_sum_is_not_are_named():
    chain = random_chain([2], 2, 1.0, dtype=torch.float32)
    largest = torch.finfo(torch.float32).max
    with pytest.raises(ScoreError, match="sum to inf"):
        _ = changed(chain, emissions=chain.emissions + largest, start=chain.start + largest).log_partition


@pytest.mark.parametrize("length", [0, -1, 6])
def test_a_length_that_does_not_fit_names_its_sentence(length):
    chain = random_chain([5, 3, 2], 2, 1.0)
    with pytest.raises(ValueError, match=rf"lengths\[1\] is {length}, expected 1 to 5"):
        LinearChain(**{name: getattr(chain, name) for name in SCORES}, lengths=torch.tensor([5, length, 2]))
