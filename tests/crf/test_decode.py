"""Viterbi and k-best against enumeration: order, counts, ties, padding."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from structkd.crf import LinearChain
from tests.crf.chains import alone, constrained, random_chain, widened
from tests.crf.enumeration import enumerate_paths
from tests.crf.test_chain import any_chain, sentences


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
    path = chain.viterbi()
    for b, n, truth in sentences(chain):
        assert path[b, :n].tolist() == truth.paths[truth.log_probs.argmax()].tolist()


@given(any_chain)
def test_the_best_of_k_is_viterbis(chain):
    assert (chain.kbest(3)[0][:, 0] == chain.viterbi()).all()


def integers(seed, lengths, labels, dtype):
    """A chain of few different integer scores: most paths have the score of others, exactly."""
    generator = torch.Generator().manual_seed(seed)

    def scores(*shape):
        return torch.randint(0, 2, shape, generator=generator).to(dtype)

    return LinearChain(
        emissions=scores(len(lengths), max(lengths), labels),
        transitions=scores(labels, labels),
        start=scores(labels),
        end=scores(labels),
        lengths=torch.tensor(lengths),
    )


@given(st.integers(0, 2**31), st.integers(1, 40), st.sampled_from([torch.float32, torch.float64]))
def test_ties_are_broken_alike_alone_in_a_batch_and_in_any_precision(seed, k, dtype):
    lengths = [4, 1, 3]
    chain = integers(seed, lengths, 3, dtype)
    paths, log_probs, counts = chain.kbest(k)
    assert (integers(seed, lengths, 3, torch.float64).kbest(k)[0] == paths).all()
    for b, n in enumerate(lengths):
        assert (alone(chain, b).kbest(k)[0][0] == paths[b, :, :n]).all()
        truth = enumerate_paths(chain, b)
        count = min(k, 3**n)
        assert counts[b] == count
        assert_close(log_probs[b, :count], truth.log_probs.sort(descending=True).values[:count])
        assert len({tuple(path) for path in paths[b, :count].tolist()}) == count


def test_without_scores_the_lowest_labels_come_first():
    zeros = torch.zeros(2)
    chain = LinearChain(
        emissions=torch.zeros(1, 2, 2), transitions=torch.zeros(2, 2), start=zeros, end=zeros, lengths=torch.tensor([2])
    )
    assert chain.kbest(4)[0][0].tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]
    assert chain.viterbi().tolist() == [[0, 0]]


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
def test_constraints_hold_in_every_listed_path(scheme):
    chain = constrained(scheme, [5, 1, 3], spread=3.0)
    paths, log_probs, counts = chain.kbest(400)
    for b, n in enumerate([5, 1, 3]):
        truth = enumerate_paths(chain, b)
        count = int(counts[b])
        assert count == min(400, int(truth.scores.isfinite().sum()))
        assert_close(log_probs[b, :count], truth.log_probs.sort(descending=True).values[:count])
        listed = {tuple(path) for path in truth.paths[truth.scores.isfinite()].tolist()}
        assert {tuple(path) for path in paths[b, :count, :n].tolist()} <= listed


def test_long_sentences_keep_their_order():
    """The k best of 2,000 words in float32 are those of float64."""
    narrow = random_chain([2000, 700], 6, 1.0, dtype=torch.float32)
    wide = widened(narrow)
    assert (narrow.viterbi() == wide.viterbi()).all()
    assert_close(narrow.kbest(50)[1].double(), wide.kbest(50)[1], rtol=0, atol=2e-3)


def test_a_sentence_without_a_possible_sequence_has_no_paths():
    impossible = torch.tensor([[-torch.inf, -torch.inf], [0.0, 0.0]])
    chain = LinearChain(
        emissions=torch.zeros(2, 3, 2),
        transitions=impossible,
        start=torch.tensor([0.0, -torch.inf]),
        end=torch.zeros(2),
        lengths=torch.tensor([3, 1]),
    )
    paths, log_probs, counts = chain.kbest(2)
    assert counts.tolist() == [0, 1]
    assert paths.tolist() == [[[0, 0, 0]] * 2] * 2
    assert_close(log_probs, torch.tensor([[-torch.inf] * 2, [0.0, -torch.inf]]))
    assert_close(chain.log_partition, torch.tensor([-torch.inf, 0.0]))


def test_k_below_one_is_refused():
    with pytest.raises(ValueError, match="k is 0, expected at least 1"):
        random_chain([2], 2, 1.0).kbest(0)
