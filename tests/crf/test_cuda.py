"""The same answers on CUDA, and no wait for the device between words."""

import pytest
import torch
from torch.testing import assert_close

from structkd.crf import LinearChain
from structkd.crf.scan import scan
from tests.crf.chains import constrained, random_chain

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def moved(chain):
    parts = ("emissions", "transitions", "start", "end", "lengths")
    return LinearChain(**{name: getattr(chain, name).cuda() for name in parts})


@pytest.mark.parametrize(
    "chain",
    [
        random_chain([40, 1, 9], 7, 1.0, dtype=torch.float32),
        random_chain([40, 1, 9], 7, 300.0, dtype=torch.float32),
        constrained("BIOES", [12, 1, 3], dtype=torch.float32),
    ],
    ids=["probability space", "log space", "constrained"],
)
def test_the_same_as_on_the_cpu(chain):
    there = moved(chain)
    assert_close(there.log_partition.cpu(), chain.log_partition, rtol=1e-6, atol=1e-5)
    assert_close(there.marginals.cpu(), chain.marginals, rtol=0, atol=1e-5)
    assert_close(there.edge_counts.cpu(), chain.edge_counts, rtol=1e-4, atol=1e-4)
    assert (there.viterbi().cpu() == chain.viterbi()).all()
    for mine, its in zip(there.kbest(7), chain.kbest(7), strict=True):
        assert_close(mine.cpu(), its, rtol=1e-5, atol=1e-5)


def test_no_word_waits_for_the_device():
    chain = moved(random_chain([40, 1, 9], 7, 1.0, dtype=torch.float32))
    potentials = chain._potentials[None].requires_grad_()
    reach = chain._reach
    torch.cuda.set_sync_debug_mode("error")
    try:
        priors, totals = scan(potentials, chain._steps[None], reach)
        torch.autograd.grad(priors.sum() + totals.sum(), potentials)
        chain.viterbi()
    finally:
        torch.cuda.set_sync_debug_mode("default")
