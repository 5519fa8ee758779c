"""Every system's loss and its gradient are those of the CPU."""

import pytest
import torch
from torch.testing import assert_close

from structkd.student.objectives import SYSTEMS, distillation_loss
from tests.crf.chains import constrained, random_chain
from tests.cuda.places import chain_on, needs_cuda, signals_of, signals_on

pytestmark = needs_cuda

CHAINS = {
    "free": random_chain([20, 1, 9], 7, 1.0, dtype=torch.float32),
    "constrained": constrained("BIOES", [12, 1, 3], dtype=torch.float32),
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_loss(system, name):
    signals, found = signals_of(CHAINS[name], 4), {}
    for device in ("cpu", "cuda"):
        student = chain_on(device, CHAINS[name])
        leaves = (student.emissions, student.transitions, student.start, student.end)
        loss = distillation_loss(SYSTEMS[system], student, signals_on(device, signals), temperature=2.0, weight=0.5)
        gradients = torch.autograd.grad(loss, leaves, allow_unused=True)
        found[device] = [loss, *(gradient for gradient in gradients if gradient is not None)]
    for there, here in zip(found["cuda"], found["cpu"], strict=True):
        assert_close(there.cpu(), here, rtol=1e-4, atol=1e-4)
