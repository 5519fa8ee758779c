"""The student's objectives: the paper's systems by name, and one more.

Each loss is for one sentence, a sum over its words, with a teacher t and a student s (both linear chains):

    emission    -sum_i sum_j softmax(e_t)_ij log softmax(e_s)_ij
    top-k       -(1/K) sum_k log p_s(path_k)
    top-wk      -sum_k w_k log p_s(path_k), with w = p_t renormalised over the K paths
    posterior   -T^2 sum_i sum_j q_t(i,j) log q_s(i,j), with q^(1/T) renormalised on both sides
    exact       -sum_y p_t(y) log p_s(y), over all label sequences

The first four are Wang et al., 2020 (arXiv 2004.03846); `exact` is Wang et al., 2021 (arXiv 2010.05010).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from structkd.crf import LinearChain


@dataclass(frozen=True)
class Signals:
    """The teachers' signals for a batch; a field is None if the objective does not read it.

    Attributes:
        gold: label ids; `has_gold` is True for sentences that have them.
        paths: the teacher's best paths; `weights`: their probabilities renormalised over these K; `counts`: the number
        of paths of a sentence, beyond which weights are 0.
        log_posteriors: log q_t(i, j).
        emissions: the teacher's emission scores.
        marginals, edge_counts: those of the teacher's chain, 0 at padding.
    """

    gold: Int[Tensor, "B T"]
    has_gold: Bool[Tensor, "B"]
    paths: Int[Tensor, "B K T"] | None = None
    weights: Float[Tensor, "B K"] | None = None
    counts: Int[Tensor, "B"] | None = None
    log_posteriors: Float[Tensor, "B T L"] | None = None
    emissions: Float[Tensor, "B T L"] | None = None
    marginals: Float[Tensor, "B T L"] | None = None
    edge_counts: Float[Tensor, "B L L"] | None = None


Loss = Callable[[LinearChain, Signals, float], Tensor]


@dataclass(frozen=True)
class System:
    """A distillation system: its loss of each sentence `[B]`, and the shard columns that the loss reads.

    `loss` takes the student's chain, the teacher's signals and the temperature; None means gold labels only. With
    `chains`, the signals also contain the teacher's marginals and expected transitions; they need the column
    `emissions`.
    """

    columns: tuple[str, ...]
    loss: Loss | None
    chains: bool = False


def gold_loss(student: LinearChain, signals: Signals) -> Float[Tensor, "B"]:
    """-log p_s(gold); 0 for a sentence without gold labels."""
    return -student.log_prob(signals.gold) * signals.has_gold


def emission(student: LinearChain, signals: Signals, temperature: float) -> Float[Tensor, "B"]:
    """Cross-entropy of the emission scores' softmaxes; the temperature is not used."""
    assert signals.emissions is not None
    return _word_cross_entropy(signals.emissions.log_softmax(-1), student.emissions.log_softmax(-1), student.mask)


def top_k(student: LinearChain, signals: Signals, temperature: float) -> Float[Tensor, "B"]:
    """Mean negative log-probability of the teacher's paths, as many as exist; the temperature is not used."""
    assert signals.paths is not None
    assert signals.counts is not None
    beyond = torch.arange(signals.paths.shape[1], device=signals.counts.device) >= signals.counts[:, None]
    return -student.log_prob(signals.paths).masked_fill(beyond, 0.0).sum(1) / signals.counts


def top_wk(student: LinearChain, signals: Signals, temperature: float) -> Float[Tensor, "B"]:
    """Negative log-probability of the teacher's paths, weighted; the temperature is not used."""
    assert signals.paths is not None
    assert signals.weights is not None
    return -(signals.weights * student.log_prob(signals.paths)).sum(1)


def posterior(student: LinearChain, signals: Signals, temperature: float) -> Float[Tensor, "B"]:
    """Cross-entropy of the softened posteriors, times T^2 so that the gradient keeps its size."""
    assert signals.log_posteriors is not None
    soft_teacher = (signals.log_posteriors / temperature).log_softmax(-1)
    soft_student = (student.log_marginals / temperature).log_softmax(-1)
    return temperature**2 * _word_cross_entropy(soft_teacher, soft_student, student.mask)


def exact(student: LinearChain, signals: Signals, temperature: float) -> Float[Tensor, "B"]:
    """Cross-entropy of the two chains over all label sequences; the temperature is not used."""
    assert signals.marginals is not None
    assert signals.edge_counts is not None
    return student.cross_entropy_from(signals.marginals, signals.edge_counts)


def _word_cross_entropy(
    teacher: Float[Tensor, "B T L"], student: Float[Tensor, "B T L"], mask: Bool[Tensor, "B T"]
) -> Float[Tensor, "B"]:
    return -(teacher.exp() * student).sum(-1).masked_fill(~mask, 0.0).sum(1)


def _both(first: System, second: System) -> System:
    def loss(student: LinearChain, signals: Signals, temperature: float) -> Tensor:
        assert first.loss is not None
        assert second.loss is not None
        return first.loss(student, signals, temperature) + second.loss(student, signals, temperature)

    return System(tuple(dict.fromkeys(first.columns + second.columns)), loss, first.chains or second.chains)


_PATHS = ("paths", "path_weights")
_POSTERIOR = System(("log_posteriors",), posterior)
_TOP_K, _TOP_WK = System(_PATHS, top_k), System(_PATHS, top_wk)

SYSTEMS: dict[str, System] = {
    "baseline": System((), None),
    "emission": System(("emissions",), emission),
    "top-k": _TOP_K,
    "top-wk": _TOP_WK,
    "posterior": _POSTERIOR,
    "posterior+top-k": _both(_POSTERIOR, _TOP_K),
    "posterior+top-wk": _both(_POSTERIOR, _TOP_WK),
    "exact": System(("emissions",), exact, chains=True),
}


def as_system(system: str | System) -> System:
    """Return one of `SYSTEMS` by its name; return any other system unchanged."""
    return SYSTEMS[system] if isinstance(system, str) else system


def distillation_loss(
    system: System, student: LinearChain, signals: Signals, *, temperature: float, weight: float
) -> Float[Tensor, ""]:
    """Mean over sentences of `weight * L_KD + (1 - weight) * L_gold`; only the first term without gold labels.

    Args:
        weight: lambda, 0 to 1. The baseline has no L_KD: its loss is L_gold for any lambda.
    """
    if system.loss is None:
        return gold_loss(student, signals).sum() / signals.has_gold.sum().clamp_min(1)
    taught = weight * system.loss(student, signals, temperature)  # first: it may compute the partition on its way
    if weight < 1:
        taught = taught + (1 - weight) * gold_loss(student, signals)
    return taught.mean()


def annealed(first: float, last: float, done: float) -> float:
    """Return lambda after a share `done` (0 to 1) of the training: linear from `first` to `last`."""
    return first + (last - first) * done
