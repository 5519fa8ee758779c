"""float32 against the log-space float64 twin: wide scores, long sentences, many labels, constraints, masks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from structkd.crf import LinearChain
from structkd.crf.reach import headroom
from tests.crf.chains import constrained, random_chain, widened
from tests.crf.twin import forward_backward
from tests.examples import examples

LOG_SPACE = None


def check(chain):
    """log Z to 1e-6 relative and `rounding` absolute, marginals to 1e-5, and nothing that is not a number."""
    for b, n in enumerate(chain.lengths.tolist()):
        log_partition, marginals = forward_backward(chain, b)
        limit = 1e-6 + rounding(chain, b)
        assert_close(chain.log_partition[b].double(), log_partition, rtol=1e-6, atol=limit)
        assert_close(chain.marginals[b, :n].double(), marginals, rtol=0, atol=1e-5)
        assert chain.log_marginals[b].isfinite().all()


def rounding(chain, sentence):
    """How far float32 may round the two sums that a chain makes before all others, of the first and the last word.

    start + emission and emission + end are each right to half a unit in the last place, eps / 2 of their size. Scores
    of other words may be as large with the other sign, so log Z can be near 0, but it does not get more exact by that.
    """
    ends = chain.emissions[sentence, [0, int(chain.lengths[sentence]) - 1]]
    sizes = [scores[scores.isfinite()].abs().max() for scores in (ends, chain.start, chain.end)]
    return torch.finfo(torch.float32).eps * float(sum(sizes))


def test_masked_labels_where_log_z_is_near_zero():
    """Peaks of 690, -5320, -6256 and 11185 sum to 300.75: half a unit in the last place of 11185 is 1.1e-6 of that."""
    check(masked(770401, 1e4, everywhere=False))


@pytest.mark.parametrize("spread", [0.0, 1.0, 10.0, 100.0, 1e4])
@pytest.mark.parametrize(
    ("lengths", "labels"), [([2000, 1, 37], 5), ([150, 2], 50), ([40, 3, 1], 200), ([300, 299], 1), ([60] * 9, 17)]
)
def test_whatever_the_emissions(lengths, labels, spread):
    check(random_chain(lengths, labels, 1.0, spread=spread, padding=3, dtype=torch.float32))


@pytest.mark.parametrize(
    ("scale", "road"), [(3.0, torch.float32), (16.0, torch.float64), (40.0, torch.float64), (300.0, LOG_SPACE)]
)
def test_whatever_the_transitions_and_on_every_road(scale, road):
    chain = random_chain([80, 1, 13], 9, scale, spread=5.0, dtype=torch.float32)
    assert chain._reach.dtype(torch.float32) == road
    check(chain)


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
@pytest.mark.parametrize(
    ("scale", "spread", "road"), [(0.5, 1.0, torch.float32), (3.0, 12.0, torch.float64), (3.0, 1e4, LOG_SPACE)]
)
def test_under_constraints_and_on_every_road(scheme, scale, spread, road):
    chain = constrained(scheme, [200, 1, 2, 3, 30], scale=scale, spread=spread, dtype=torch.float32)
    assert chain._reach.dtype(torch.float32) == road
    check(chain)


def test_where_probability_space_alone_underflows():
    """The label that wins in the end is e^-400 of the others for ten words: only its forbidden ways keep it apart."""
    emissions = torch.zeros(1, 20, 2)
    emissions[0, :10, 1], emissions[0, 10:, 0] = -40.0, -60.0
    transitions = torch.tensor([[0.0, -torch.inf], [-torch.inf, 0.0]])
    chain = LinearChain(
        emissions=emissions,
        transitions=transitions,
        start=torch.zeros(2),
        end=torch.zeros(2),
        lengths=torch.tensor([20]),
    )
    check(chain)
    assert_close(chain.log_partition, torch.tensor([-400.0]))


@given(st.integers(0, 2**31), st.sampled_from([1.0, 30.0, 1e4]), st.booleans())
@examples(40)
def test_masked_labels(seed, spread, everywhere):
    """A label may be impossible at some words, or at all."""
    check(masked(seed, spread, everywhere=everywhere))


def masked(seed, spread, *, everywhere):
    """A chain with labels of -inf, at random words or at all."""
    chain = random_chain([7, 1, 4], 5, 1.0, seed, spread=spread, dtype=torch.float32)
    banned = torch.rand(3, 7, 5, generator=torch.Generator().manual_seed(seed)) < 0.4
    if everywhere:
        banned[:] = banned[:1, :1]
    banned[..., 2] = False
    return LinearChain(
        emissions=chain.emissions.masked_fill(banned, -torch.inf),
        transitions=chain.transitions,
        start=chain.start,
        end=chain.end,
        lengths=chain.lengths,
    )


@given(st.integers(0, 2**31))
@examples(25)
def test_log_probabilities_keep_their_precision_where_scores_are_large(seed):
    """log p is a small difference of large numbers; all that sequences have in common is left out of both."""
    narrow = random_chain([400, 5], 4, 1.0, seed, spread=1e3, dtype=torch.float32)
    wide = widened(narrow)
    path = wide.viterbi()
    assert (narrow.viterbi() == path).all()
    assert_close(narrow.log_prob(path).double(), wide.log_prob(path), rtol=1e-5, atol=1e-3)


def test_headroom_leaves_room_for_a_square():
    for dtype in (torch.float32, torch.float64):
        assert torch.tensor(-2 * headroom(dtype), dtype=dtype).exp() > torch.finfo(dtype).tiny
        assert torch.tensor(2 * headroom(dtype), dtype=dtype).exp().isfinite()
