"""Train a student by an objective of your own. `python examples/own_objective.py [EXPERIMENT.toml]`.

This one is `posterior`, with each word weighted by how sure the teacher is of it: 1 - entropy / log L. A word on which
the teacher has no opinion then teaches nothing.
"""

import math
import sys
from pathlib import Path
from statistics import fmean

from torch import Tensor

import structkd


def sure_posterior(student: structkd.LinearChain, signals: structkd.Signals, temperature: float) -> Tensor:
    """The loss of each sentence [B]: -sum_i c_i sum_j q_t(i,j) log q_s(i,j), where c_i is the teacher's certainty."""
    assert signals.log_posteriors is not None  # the system below reads them
    teacher = signals.log_posteriors.exp()  # [B, T, L]
    entropy = -(teacher * signals.log_posteriors.clamp_min(-100)).sum(-1)  # [B, T]
    certainty = 1 - entropy / math.log(teacher.shape[-1])
    cross_entropy = -(teacher * student.log_marginals).sum(-1)
    return (certainty * cross_entropy).masked_fill(~student.mask, 0).sum(1)


def main(path: str | Path) -> None:
    experiment = structkd.load_experiment(path)
    structkd.run_teachers(experiment, workers=None, progress=True)  # once; further objectives cost no teacher
    system = structkd.System(("log_posteriors",), sure_posterior)
    mine = structkd.train_student(experiment, system, Path("runs") / "own" / "sure-posterior")
    paper = structkd.train_student(experiment, "posterior", Path("runs") / "own" / "posterior")
    for name, student in {"sure-posterior": mine, "posterior": paper}.items():
        print(f"{name}: {fmean(structkd.score(student, experiment).values()):.2f} on test")


if __name__ == "__main__":  # worker processes import this file
    main(sys.argv[1] if sys.argv[1:] else Path(__file__).with_name("small.toml"))
