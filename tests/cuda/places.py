"""Pieces of the same content on the CPU and on the GPU."""

from dataclasses import fields, replace

import pytest
import torch

from structkd.crf import LinearChain
from structkd.student.objectives import Signals

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def chain_on(device, chain):
    """A copy, whose scores require gradients."""
    names = ("emissions", "transitions", "start", "end")
    scores = {name: getattr(chain, name).detach().to(device).requires_grad_() for name in names}
    return LinearChain(**scores, lengths=chain.lengths.to(device))


def signals_on(device, signals):
    """A copy."""
    found = {field.name: getattr(signals, field.name) for field in fields(Signals)}
    return replace(signals, **{name: value.to(device) for name, value in found.items() if value is not None})


def signals_of(teacher, k):
    """What a teacher says, of which the second sentence has no gold labels."""
    paths, log_probs, counts = teacher.kbest(k)
    return Signals(
        gold=paths[:, 0],
        has_gold=torch.tensor([place != 1 for place in range(len(paths))]),
        paths=paths,
        weights=log_probs.softmax(1),
        counts=counts,
        log_posteriors=teacher.log_marginals,
        emissions=teacher.emissions,
        marginals=teacher.marginals,
        edge_counts=teacher.edge_counts,
    )
