"""A teacher's answers about a batch of sentences, and the check that an artifact set can store them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64, Integer, Shaped

from structkd.artifacts.posteriors import FLOAT16_MAX
from structkd.artifacts.ragged import length_mask, path_mask
from structkd.artifacts.schema import ArtifactError

ROUNDING = 1e-3  # how far above 0 a log-posterior may lie: log-sum-exp in float32 rounds


@dataclass(frozen=True)
class Annotations:
    """A teacher's answers, padded; entries past a sentence's length or its path count are ignored.

    `counts` is each sentence's true number of paths, 1 to K; `paths` are label ids, best first; `log_probs` are
    log p_t(path), `log_posteriors` log q_t(i, j), `log_partition` log Z_t, all in nats. `weights` are those of
    the paths; None: p_t renormalised over them. `hidden` are the teacher's states of words, for sets with that column.
    """

    lengths: Integer[np.ndarray, "B"]
    paths: Integer[np.ndarray, "B K T"]
    counts: Integer[np.ndarray, "B"]
    log_probs: Float[np.ndarray, "B K"]
    log_posteriors: Float[np.ndarray, "B T L"]
    emissions: Float[np.ndarray, "B T L"]
    log_partition: Float[np.ndarray, "B"]
    weights: Float[np.ndarray, "B K"] | None = None
    hidden: Float[np.ndarray, "B T D"] | None = None


def check(annotations: Annotations, labels: int, sentence_ids: Int64[np.ndarray, "B"], hidden: int = 0) -> None:
    """Raise ArtifactError, naming the first sentence, if annotations cannot be stored.

    They are over `labels` labels, and have hidden states of `hidden` dimensions.
    """
    a = annotations
    _, K, T = a.paths.shape
    if a.emissions.shape[2] != labels:
        raise ArtifactError(f"the annotations have {a.emissions.shape[2]} labels, the set's schema {labels}")
    if (found := 0 if a.hidden is None else a.hidden.shape[2]) != hidden:
        raise ArtifactError(f"the annotations have {found} dimensions of hidden states, the set's schema {hidden}")
    outside = {
        f"lengths, expected 1 to {T}": (a.lengths, (a.lengths < 1) | (a.lengths > T)),
        f"counts of paths, expected 1 to {K}": (a.counts, (a.counts < 1) | (a.counts > K)),
    }
    _refuse(outside, sentence_ids)
    inside, stored = length_mask(a.lengths, T), length_mask(a.counts, K)
    places = path_mask(a.counts, a.lengths, (K, T))
    # A NaN fails every comparison, so each condition says what is right and is then negated.
    unfit = {
        f"paths, expected label ids below {labels}": (
            a.paths,
            places & ~((a.paths >= 0) & (a.paths < labels)),
        ),
        "log_probs, expected finite": (a.log_probs, stored & ~np.isfinite(a.log_probs)),
        "log_partition, expected finite": (a.log_partition, ~np.isfinite(a.log_partition)),
        "log_posteriors, expected at most 0": (
            a.log_posteriors,
            inside[:, :, None] & ~(a.log_posteriors <= ROUNDING),
        ),
        f"emissions, expected float16's range of +-{FLOAT16_MAX:.0f}": (
            a.emissions,
            inside[:, :, None] & ~(np.abs(a.emissions) <= FLOAT16_MAX),
        ),
    }
    if a.weights is not None:
        unfit["weights, expected 0 to 1"] = (a.weights, stored & ~((a.weights >= 0) & (a.weights <= 1)))
    if a.hidden is not None:
        unfit[f"hidden, expected float16's range of +-{FLOAT16_MAX:.0f}"] = (
            a.hidden,
            inside[:, :, None] & ~(np.abs(a.hidden) <= FLOAT16_MAX),
        )
    _refuse(unfit, sentence_ids)


def _refuse(
    faults: dict[str, tuple[Shaped[np.ndarray, "..."], Bool[np.ndarray, "..."]]], ids: Int64[np.ndarray, "B"]
) -> None:
    for expectation, (values, bad) in faults.items():
        if bad.any():
            place = tuple(np.argwhere(bad)[0])
            raise ArtifactError(
                f"sentence_id {ids[place[0]]}: found {values[place]} in {expectation}; "
                "the teacher's output is at fault, nothing of this batch was written"
            )
