"""Each objective against its formula, computed by listing all label sequences."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from structkd.crf import LinearChain
from structkd.student.objectives import SYSTEMS, Signals, annealed, distillation_loss, gold_loss
from tests.crf.chains import random_chain
from tests.crf.enumeration import enumerate_paths

LENGTHS, LABELS, K = [1, 4, 2], 3, 5


def chain_pair(seed):
    generator = torch.Generator().manual_seed(seed)
    teacher = random_chain(LENGTHS, LABELS, 1.5, generator, padding=1)
    student = random_chain(LENGTHS, LABELS, 1.5, generator, padding=1)
    return teacher, student


def all_signals(teacher, *, k=K, gold=None, has_gold=None):
    """What shards would say of a teacher."""
    paths, log_probs, counts = teacher.kbest(k)
    B, T = teacher.mask.shape
    return Signals(
        gold=torch.zeros(B, T, dtype=torch.long) if gold is None else gold,
        has_gold=torch.zeros(B, dtype=torch.bool) if has_gold is None else has_gold,
        paths=paths,
        weights=log_probs.softmax(1),
        counts=counts,
        log_posteriors=teacher.log_marginals,
        emissions=teacher.emissions,
        marginals=teacher.marginals,
        edge_counts=teacher.edge_counts,
    )


def softened(marginals, temperature):
    powers = marginals ** (1 / temperature)
    return powers / powers.sum(-1, keepdim=True)


def formula(name, teacher, student, b, temperature):
    """The loss of sentence b, from nothing but the definition of a chain's distribution."""
    t, s = enumerate_paths(teacher, b), enumerate_paths(student, b)
    n = int(teacher.lengths[b])
    best = t.log_probs.argsort(descending=True)[:K]
    weights = t.log_probs[best].softmax(0)
    q_t, q_s = softened(t.marginals, temperature), softened(s.marginals, temperature)
    e_t, e_s = teacher.emissions[b, :n], student.emissions[b, :n]
    return {
        "emission": -(e_t.softmax(-1) * e_s.log_softmax(-1)).sum(),
        "top-k": -s.log_probs[best].mean(),
        "top-wk": -(weights * s.log_probs[best]).sum(),
        "posterior": -(temperature**2) * (q_t * q_s.log()).sum(),
        "exact": -(t.log_probs.exp() * s.log_probs).sum(),
    }[name]


@given(st.integers(0, 2**31), st.sampled_from(["emission", "top-k", "top-wk", "posterior", "exact"]))
def test_an_objective_is_its_formula(seed, name):
    teacher, student = chain_pair(seed)
    temperature = 1.0 + seed % 4
    losses = SYSTEMS[name].loss(student, all_signals(teacher), temperature)
    for b in range(len(LENGTHS)):
        assert_close(losses[b], formula(name, teacher, student, b, temperature))


@given(st.integers(0, 2**31), st.sampled_from(["top-k", "top-wk"]))
def test_a_combined_objective_is_the_sum(seed, paths):
    teacher, student = chain_pair(seed)
    losses = SYSTEMS[f"posterior+{paths}"].loss(student, all_signals(teacher), 2.0)
    for b in range(len(LENGTHS)):
        parts = [formula(name, teacher, student, b, 2.0) for name in ("posterior", paths)]
        assert_close(losses[b], parts[0] + parts[1])


@given(st.integers(0, 2**31))
def test_the_exact_objective_is_the_limit_of_top_wk(seed):
    """With every label sequence among the k best, the two are the same number."""
    teacher, student = chain_pair(seed)
    signals = all_signals(teacher, k=LABELS ** max(LENGTHS))
    assert_close(SYSTEMS["top-wk"].loss(student, signals, 1.0), SYSTEMS["exact"].loss(student, signals, 1.0))


@given(st.integers(0, 2**31), st.sampled_from(["emission", "posterior", "exact"]))
def test_no_student_does_better_than_the_teacher_itself(seed, name):
    """A cross-entropy is least where the distributions are equal, and its gradient is zero there."""
    teacher, student = chain_pair(seed)
    signals = all_signals(teacher)
    best = SYSTEMS[name].loss(teacher, signals, 2.0)
    assert (SYSTEMS[name].loss(student, signals, 2.0) >= best - 1e-9).all()
    emissions = teacher.emissions.clone().requires_grad_()
    same = LinearChain(
        emissions=emissions,
        transitions=teacher.transitions,
        start=teacher.start,
        end=teacher.end,
        lengths=teacher.lengths,
    )
    (gradient,) = torch.autograd.grad(SYSTEMS[name].loss(same, signals, 2.0).sum(), emissions)
    assert_close(gradient, torch.zeros_like(gradient), atol=1e-9, rtol=0)


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name != "baseline"])
def test_gradients_by_finite_differences(name):
    teacher, student = chain_pair(3)
    signals = all_signals(teacher)
    inputs = [
        score.clone().requires_grad_()
        for score in (student.emissions.clamp(-3, 3), student.transitions, student.start, student.end)
    ]

    def loss(emissions, transitions, start, end):
        chain = LinearChain(emissions=emissions, transitions=transitions, start=start, end=end, lengths=student.lengths)
        return SYSTEMS[name].loss(chain, signals, 2.0)

    assert torch.autograd.gradcheck(loss, inputs)


@given(st.integers(0, 2**31), st.floats(0, 1))
def test_lambda_mixes_the_losses_and_unlabelled_sentences_have_no_gold_term(seed, weight):
    teacher, student = chain_pair(seed)
    gold = torch.randint(0, LABELS, teacher.mask.shape, generator=torch.Generator().manual_seed(seed))
    has_gold = torch.tensor([True, False, True])
    signals = all_signals(teacher, gold=gold, has_gold=has_gold)
    expected = []
    for b, n in enumerate(LENGTHS):
        truth = enumerate_paths(student, b)
        (row,) = (truth.paths == gold[b, :n]).all(1).nonzero()[:, 0]
        supervised = -truth.log_probs[row] if has_gold[b] else 0.0
        expected.append(weight * formula("posterior", teacher, student, b, 2.0) + (1 - weight) * supervised)
    loss = distillation_loss(SYSTEMS["posterior"], student, signals, temperature=2.0, weight=weight)
    assert_close(loss, torch.stack([torch.as_tensor(e, dtype=torch.float64) for e in expected]).mean())


def test_the_baseline_learns_from_gold_alone():
    teacher, student = chain_pair(0)
    gold = torch.ones(teacher.mask.shape, dtype=torch.long)
    signals = Signals(gold=gold, has_gold=torch.tensor([True, True, True]))
    loss = distillation_loss(SYSTEMS["baseline"], student, signals, temperature=1.0, weight=0.7)
    assert_close(loss, -student.log_prob(gold).mean())
    assert_close(gold_loss(student, signals), -student.log_prob(gold))


def test_lambda_falls_in_a_straight_line():
    assert [annealed(1.0, 0.2, done) for done in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 0.6, 0.2])


def test_a_label_the_teacher_rules_out_costs_nothing_and_gives_finite_gradients():
    """float16 stores its log-posterior as -inf or as the least it can; the student must not see a NaN."""
    _, student = chain_pair(1)
    log_posteriors = torch.zeros(3, 5, LABELS, dtype=torch.float64)
    log_posteriors[..., 1] = -torch.inf
    log_posteriors[..., 2] = -65504.0
    emissions = student.emissions.clone().requires_grad_()
    chain = LinearChain(
        emissions=emissions,
        transitions=student.transitions,
        start=student.start,
        end=student.end,
        lengths=student.lengths,
    )
    signals = Signals(
        gold=torch.zeros(3, 5, dtype=torch.long), has_gold=torch.zeros(3).bool(), log_posteriors=log_posteriors
    )
    loss = SYSTEMS["posterior"].loss(chain, signals, 1.0)
    expected = torch.stack([-chain.log_marginals[b, :n, 0].sum() for b, n in enumerate(LENGTHS)])
    assert_close(loss, expected)
    (gradient,) = torch.autograd.grad(loss.sum(), emissions)
    assert gradient.isfinite().all()
