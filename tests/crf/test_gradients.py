"""Gradients, and theirs, on every road; finite whatever the scores."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from structkd.crf import LinearChain
from tests.crf.chains import chains, constrained, random_chain
from tests.examples import examples


def build(scores, lengths):
    return LinearChain(**dict(zip(("emissions", "transitions", "start", "end"), scores, strict=True)), lengths=lengths)


def leaves(chain, dtype=None):
    parts = (chain.emissions, chain.transitions, chain.start, chain.end)
    return [part.detach().to(dtype or part.dtype).clone().requires_grad_() for part in parts]


def quantities(scores, lengths):
    """Everything differentiable, weighted so that no gradient cancels."""
    chain = build(scores, lengths)
    B, T, L = chain.emissions.shape
    weights = torch.linspace(0.5, 2.0, L, dtype=chain.emissions.dtype)
    paths = torch.stack([torch.full((B, T), L - 1), torch.zeros(B, T, dtype=torch.long)], 1)
    other = LinearChain(
        emissions=0.5 * chain.emissions,
        transitions=chain.transitions,
        start=chain.start,
        end=chain.end,
        lengths=lengths,
    )
    return (
        chain.log_partition,
        chain.log_prob(paths),
        chain.log_marginals * weights,
        chain.edge_marginals * weights,
        chain.edge_counts * weights,
        chain.entropy(),
        chain.kl(other),
        other.cross_entropy(chain),
    )


@pytest.mark.parametrize("scale", [1.0, 300.0], ids=["probability space", "log space"])
def test_gradients_and_their_gradients(scale):
    chain = random_chain([1, 3, 2], 3, 1.0, 2, padding=1)
    assert (scale * (chain.transitions.max() - chain.transitions.min()) > 283) == (scale == 300)
    scores = leaves(chain)
    with torch.no_grad():
        scores[0].clamp_(-3, 3)
        scores[1].mul_(scale)
    assert torch.autograd.gradcheck(lambda *s: quantities(s, chain.lengths), scores)
    assert torch.autograd.gradgradcheck(lambda *s: quantities(s, chain.lengths), scores, atol=1e-4, fast_mode=True)


@given(st.sampled_from([0.3, 3.0, 10.0, 16.0]), st.sampled_from([1.0, 300.0]), st.integers(0, 2**31))
@examples(40)
def test_float32_gradients_are_those_of_float64_log_space(scale, spread, seed):
    """Also where the transitions reach as far as float32 lets them, and emissions much farther."""
    chain = random_chain([25, 1, 8], 6, scale, seed, spread=spread, dtype=torch.float32)
    narrow, wide = leaves(chain), leaves(chain, torch.float64)
    posterior = torch.randn(3, 25, 6, generator=torch.Generator().manual_seed(seed)).softmax(-1)
    exact = build(wide, chain.lengths)
    exact.__dict__["_reach"] = type(exact._reach)(float("inf"), constrained=False)
    for one, many in ((build(narrow, chain.lengths), narrow), (exact, wide)):
        (one.log_partition.sum() - (posterior * one.log_marginals).sum() / 10).backward()
        assert all(score.grad.isfinite().all() for score in many)
    for a, b in zip(narrow, wide, strict=True):
        assert_close(a.grad.double(), b.grad, rtol=1e-3, atol=2e-3)


@given(chains(max_length=6, dtype=torch.float32), st.booleans())
@examples(50)
def test_gradients_are_finite_whatever_the_scores(chain, forbid):
    scores = leaves(chain)
    if forbid and len(chain.transitions) > 1:
        with torch.no_grad():
            scores[1][1, 1] = -torch.inf
    check_finite(scores, chain.lengths)


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
@pytest.mark.parametrize("spread", [1.0, 20.0, 1e4])
def test_gradients_are_finite_under_constraints(scheme, spread):
    chain = constrained(scheme, [6, 1, 2, 3], spread=spread, dtype=torch.float32)
    check_finite(leaves(chain), chain.lengths)


def check_finite(scores, lengths):
    for value in quantities(scores, lengths):
        for gradient in torch.autograd.grad(value.sum(), scores, retain_graph=True, allow_unused=True):
            assert gradient is None or gradient.isfinite().all()


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
def test_what_is_forbidden_has_probability_zero_and_no_gradient(scheme):
    chain = constrained(scheme, [4, 2], spread=2.0)
    scores = leaves(chain)
    again = build(scores, chain.lengths)
    again.log_partition.sum().backward()
    forbidden = chain.transitions == -torch.inf
    assert forbidden.any()
    assert (scores[1].grad[forbidden] == 0).all()
    assert (again.edge_marginals[:, :, forbidden] == 0).all()
    assert (again.marginals[:, 0, chain.start == -torch.inf] == 0).all()
    paths = again.sample(200, generator=torch.Generator().manual_seed(0))
    assert (again.log_prob(paths) > -1e3).all()
    impossible = torch.zeros(2, 6, dtype=torch.long)
    impossible[:, :2] = forbidden.nonzero()[0]
    assert (again.log_prob(impossible).exp() == 0).all()


def test_decoding_first_takes_no_gradient_away():
    chain = random_chain([4, 2], 3, 1.0)
    scores, plain = leaves(chain), leaves(chain)
    asked = build(scores, chain.lengths)
    paths, log_probs, _ = asked.kbest(2)
    assert not any(found.requires_grad for found in (asked.viterbi(), asked.sample(2), paths, log_probs))
    asked.log_prob(paths).sum().backward()
    build(plain, chain.lengths).log_prob(paths).sum().backward()
    for one, other in zip(scores, plain, strict=True):
        assert_close(one.grad, other.grad)
