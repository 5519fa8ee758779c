"""LinearChain against enumeration over all label sequences."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from structkd.crf import FLOOR, LinearChain
from tests.crf.chains import alone, chains, random_chain, widened
from tests.crf.enumeration import enumerate_paths

any_chain = st.one_of(chains(), chains(forbid=True))


def sentences(chain):
    return [(b, int(n), enumerate_paths(chain, b)) for b, n in enumerate(chain.lengths)]


@given(any_chain)
def test_log_partition(chain):
    for b, _, truth in sentences(chain):
        assert_close(chain.log_partition[b], truth.log_partition)


@given(any_chain)
def test_log_prob_of_every_path(chain):
    T = chain.emissions.shape[1]
    for b, n, truth in sentences(chain):
        paths = torch.full((len(truth.paths), T), 10**6)
        paths[:, :n] = truth.paths
        others = torch.zeros(len(chain.lengths), *paths.shape, dtype=torch.long)
        others[b] = paths
        possible = truth.log_probs.isfinite()
        assert_close(chain.log_prob(others)[b][possible], truth.log_probs[possible])
        assert (chain.log_prob(others)[b][~possible] < FLOOR / 2).all()
        assert_close(chain.log_prob(others[:, 0])[b], chain.log_prob(others)[b, 0])


@given(any_chain)
def test_marginals(chain):
    for b, n, truth in sentences(chain):
        assert_close(chain.log_marginals[b, :n].exp(), truth.marginals)
        sure = truth.marginals > 1e-300
        assert_close(chain.log_marginals[b, :n][sure], truth.marginals.log()[sure])
        assert (chain.log_marginals[b, n:] == 0).all()


@given(any_chain)
def test_edge_marginals(chain):
    for b, n, truth in sentences(chain):
        assert_close(chain.edge_marginals[b, : n - 1], truth.edge_marginals)
        assert (chain.edge_marginals[b, n - 1 :] == 0).all()


@given(any_chain)
def test_edge_counts(chain):
    for b, _, truth in sentences(chain):
        assert_close(chain.edge_counts[b], truth.edge_marginals.sum(0))


@given(st.integers(0, 2**31), st.booleans(), st.booleans())
def test_entropy_cross_entropy_and_kl(seed, forbid_p, forbid_q):
    generator = torch.Generator().manual_seed(seed)
    p = random_chain([1, 3, 4], 3, 1.5, generator, padding=1, forbid=forbid_p)
    q = random_chain([1, 3, 4], 3, 1.5, generator, padding=1, forbid=forbid_q and forbid_p)
    if forbid_p and forbid_q:  # q must allow what p allows
        q = LinearChain(emissions=q.emissions, transitions=p.transitions, start=p.start, end=q.end, lengths=q.lengths)
    for b, _, truth in sentences(p):
        other = enumerate_paths(q, b)
        assert_close(p.entropy()[b], truth.cross_entropy(truth))
        assert_close(p.cross_entropy(q)[b], truth.cross_entropy(other))
        assert_close(p.kl(q)[b], truth.cross_entropy(other) - truth.cross_entropy(truth))


@given(st.integers(0, 2**31))
def test_kl_between_near_chains_does_not_cancel(seed):
    """A float32 difference of two large entropies would be noise here."""
    p = random_chain([300], 5, 1.0, seed, dtype=torch.float32)
    noise = 1e-3 * torch.randn(p.emissions.shape, generator=torch.Generator().manual_seed(seed))
    parts = {"transitions": p.transitions, "start": p.start, "end": p.end}
    q = LinearChain(emissions=p.emissions + noise, lengths=p.lengths, **parts)
    assert_close(p.kl(q).double(), widened(p).kl(widened(q)), rtol=0.1, atol=1e-6)


def test_kl_from_itself_is_zero():
    chain = random_chain([5, 2], 4, 2.0, torch.Generator().manual_seed(1))
    assert_close(chain.kl(chain), torch.zeros(2, dtype=torch.float64))


def test_samples_follow_the_distribution():
    chain = random_chain([3, 1], 3, 1.0, torch.Generator().manual_seed(5), padding=1)
    draws = chain.sample(20_000, generator=torch.Generator().manual_seed(0))
    for b, n, truth in sentences(chain):
        codes = (draws[b, :, :n] * 3 ** torch.arange(n)).sum(1)
        expected = (truth.paths * 3 ** torch.arange(n)).sum(1)
        frequency = torch.bincount(codes, minlength=3**n)[expected] / 20_000
        assert_close(frequency.double(), truth.log_probs.exp(), atol=0.02, rtol=0)
        assert (draws[b, :, n:] == 0).all()


def test_forbidden_transitions_are_never_sampled():
    chain = random_chain([4, 4], 4, 1.0, torch.Generator().manual_seed(3), forbid=True)
    draws = chain.sample(500, generator=torch.Generator().manual_seed(0))
    assert (chain.log_prob(draws) > FLOOR / 2).all()


@given(chains(max_length=5), st.integers(1, 6))
def test_padding_does_not_matter(chain, k):
    """A sentence gives the same alone as in a batch of longer ones."""
    together = chain.kbest(k)
    for b, n in enumerate(chain.lengths.tolist()):
        single = alone(chain, b)
        assert_close(single.log_partition[0], chain.log_partition[b])
        assert_close(single.log_marginals[0], chain.log_marginals[b, :n])
        paths, log_probs, counts = single.kbest(k)
        assert counts[0] == together[2][b]
        assert_close(log_probs[0], together[1][b])
        assert (paths[0] == together[0][b, :, :n]).all()


def test_half_precision_scores_are_raised_under_autocast():
    chain = random_chain([4, 2], 3, 1.0, torch.Generator().manual_seed(0), dtype=torch.bfloat16)
    raised = chain.log_marginals
    with torch.autocast("cpu", dtype=torch.bfloat16):
        again = LinearChain(
            emissions=chain.emissions,
            transitions=chain.transitions,
            start=chain.start,
            end=chain.end,
            lengths=chain.lengths,
        )
        assert again.log_marginals.dtype == torch.float32
        assert_close(again.log_marginals, raised)


def test_a_softmax_tagger_is_a_chain_without_transitions():
    emissions = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    zeros = torch.zeros(4)
    chain = LinearChain(
        emissions=emissions,
        transitions=torch.zeros(4, 4),
        start=zeros,
        end=zeros,
        lengths=torch.tensor([5, 5]),
    )
    assert_close(chain.log_marginals, emissions.log_softmax(-1))


def test_an_empty_batch_has_empty_answers():
    chain = LinearChain(
        emissions=torch.zeros(0, 3, 2),
        transitions=torch.zeros(2, 2),
        start=torch.zeros(2),
        end=torch.zeros(2),
        lengths=torch.zeros(0, dtype=torch.long),
    )
    assert chain.log_partition.shape == (0,)
    assert chain.log_marginals.shape == (0, 3, 2)
    assert chain.kbest(2)[0].shape == (0, 2, 3)


def test_sizes_that_do_not_fit_are_named():
    """Past the shape checks that the tests put around every function."""
    with pytest.raises(ValueError, match=r"end has the shape \(4,\), expected \(3,\)"):
        LinearChain.__init__.__wrapped__(
            LinearChain.__new__(LinearChain),
            emissions=torch.zeros(1, 2, 3),
            transitions=torch.zeros(3, 3),
            start=torch.zeros(3),
            end=torch.zeros(4),
            lengths=torch.tensor([2]),
        )
