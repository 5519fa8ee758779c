"""LinearChain against enumeration over all label sequences."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from crf import FLOOR, LinearChain
from tests.crf.chains import chains, random_chain
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


@given(any_chain, st.integers(1, 30))
def test_kbest_lists_the_best_paths_once_and_counts_them(chain, k):
    paths, log_probs, counts = chain.kbest(k)
    for b, n, truth in sentences(chain):
        possible = int(truth.scores.isfinite().sum())
        count = int(counts[b])
        assert count == min(k, possible)
        assert_close(log_probs[b, :count], truth.log_probs.sort(descending=True).values[:count])
        assert_close(chain.log_prob(paths)[b, :count], log_probs[b, :count])
        assert len({tuple(path) for path in paths[b, :count].tolist()}) == count
        assert (paths[b, :, n:] == 0).all()
        assert (paths[b, count:] == 0).all()
        assert (log_probs[b, count:] == -torch.inf).all()


@given(any_chain)
def test_viterbi_is_the_best_path(chain):
    path, log_prob = chain.viterbi()
    for b, n, truth in sentences(chain):
        assert_close(log_prob[b], truth.log_probs.max())
        assert path[b, :n].tolist() == truth.paths[truth.log_probs.argmax()].tolist()


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
        alone = LinearChain(
            emissions=chain.emissions[b : b + 1, :n],
            transitions=chain.transitions,
            start=chain.start,
            end=chain.end,
            lengths=chain.lengths[b : b + 1],
        )
        assert_close(alone.log_partition[0], chain.log_partition[b])
        assert_close(alone.log_marginals[0], chain.log_marginals[b, :n])
        paths, log_probs, counts = alone.kbest(k)
        assert counts[0] == together[2][b]
        assert_close(log_probs[0], together[1][b])
        assert (paths[0] == together[0][b, :, :n]).all()


def quantities(emissions, transitions, start, end, lengths):
    """Everything differentiable, weighted so that no gradient cancels."""
    chain = LinearChain(emissions=emissions, transitions=transitions, start=start, end=end, lengths=lengths)
    paths = torch.full(emissions.shape[:2], emissions.shape[-1] - 1)
    weights = torch.linspace(0.5, 2.0, emissions.shape[-1], dtype=emissions.dtype)
    return (
        chain.log_partition,
        chain.log_prob(paths),
        chain.log_marginals * weights,
        chain.edge_marginals * weights,
        chain.entropy(),
    )


@pytest.mark.parametrize("spread", [1.0, 30.0], ids=["probability space", "log space"])
def test_gradients_and_their_gradients(spread):
    chain = random_chain([1, 3, 2], 3, 1.0, torch.Generator().manual_seed(2), padding=1)
    transitions = chain.transitions * spread
    inputs = [t.clone().requires_grad_() for t in (chain.emissions.clamp(-3, 3), transitions, chain.start, chain.end)]
    assert torch.autograd.gradcheck(lambda *scores: quantities(*scores, chain.lengths), inputs)
    assert torch.autograd.gradgradcheck(lambda *scores: quantities(*scores, chain.lengths), inputs, atol=1e-4)


@given(chains(max_length=6, dtype=torch.float32), st.booleans())
@settings(max_examples=50)
def test_gradients_are_finite_whatever_the_scores(chain, forbid):
    transitions = chain.transitions.clone()
    if forbid and len(transitions) > 1:
        transitions[1, 1] = -torch.inf
    inputs = [t.clone().requires_grad_() for t in (chain.emissions, transitions, chain.start, chain.end)]
    for value in quantities(*inputs, chain.lengths):
        for gradient in torch.autograd.grad(value.sum(), inputs, retain_graph=True, allow_unused=True):
            assert gradient is None or gradient.isfinite().all()


def test_float32_agrees_with_float64_over_long_sentences_and_wide_scores():
    generator = torch.Generator().manual_seed(0)
    for lengths, labels, spread in [([2000, 1], 5, 1.0), ([40, 7], 50, 3.0), ([30, 30], 9, 1e4)]:
        wide = random_chain(lengths, labels, spread, generator)
        scores = (wide.emissions.float(), wide.transitions.float(), wide.start.float(), wide.end.float())
        names = ("emissions", "transitions", "start", "end")
        narrow = LinearChain(**dict(zip(names, scores, strict=True)), lengths=wide.lengths)
        exact = LinearChain(
            **{name: score.double() for name, score in zip(names, scores, strict=True)}, lengths=wide.lengths
        )
        assert_close(narrow.log_partition.double(), exact.log_partition, rtol=1e-6, atol=1e-6)
        marginals = narrow.log_marginals.exp().double()
        assert_close(marginals, exact.log_marginals.exp(), rtol=0, atol=1e-5)


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
