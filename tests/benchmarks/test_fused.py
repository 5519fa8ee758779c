"""The fused kernels give what the chain gives: on a GPU if there is one, else in Triton's interpreter."""

import os
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec

import pytest
import torch
from torch.testing import assert_close

from benchmarks.crf import OURS
from benchmarks.gpu import __main__ as gpu
from benchmarks.gpu.tables import chain_table
from structkd.crf import LinearChain
from tests.crf.chains import random_chain

pytestmark = pytest.mark.filterwarnings("ignore:TRITON_DEFAULT_FP_FUSION")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SCORES = ("emissions", "transitions", "start", "end")


@pytest.fixture(scope="module")
def fused():
    with pytest.MonkeyPatch.context() as environment:
        if DEVICE == "cpu":
            if "triton" in sys.modules:
                pytest.skip("triton reads TRITON_INTERPRET when imported, and something imported it before")
            environment.setenv("TRITON_INTERPRET", "1")
        pytest.importorskip("triton")
        yield import_module("benchmarks.gpu.fused")


def totals_and_gradients(log_partition, chain, dtype):
    """Those of a weighted sum, so that each sentence's gradient counts by itself."""
    leaves = {name: getattr(chain, name).to(DEVICE, dtype).requires_grad_() for name in SCORES}
    totals = log_partition(**leaves, lengths=chain.lengths.to(DEVICE))
    weights = torch.arange(1, len(totals) + 1, device=DEVICE, dtype=dtype)
    return totals, torch.autograd.grad(totals @ weights, list(leaves.values()))


def compare(fused, chain, *, rtol=1e-5, atol=1e-4):
    found = totals_and_gradients(fused.log_partition, chain, torch.float32)
    expected = totals_and_gradients(lambda **parts: LinearChain(**parts).log_partition, chain, torch.float64)
    assert_close(found, expected, rtol=rtol, atol=atol, check_dtype=False)


@pytest.mark.parametrize("labels", [1, 3, 16, 17, 50])
def test_the_same_as_the_chain_for_any_lengths(fused, labels):
    compare(fused, random_chain([5, 1, 9, 1, 2], labels, 1.0, seed=labels, padding=2, dtype=torch.float32))


@pytest.mark.parametrize("lengths", [[1], [1, 1, 1]])
def test_sentences_of_one_word(fused, lengths):
    compare(fused, random_chain(lengths, 3, 2.0, dtype=torch.float32))


@pytest.mark.parametrize("common", [-1e4, 0.0, 80.0])
def test_what_all_scores_share_changes_no_gradient(fused, common):
    chain = random_chain([6, 1, 3], 5, 1.0, dtype=torch.float32)
    parts = {name: getattr(chain, name) + common for name in SCORES}
    compare(fused, LinearChain(**parts, lengths=chain.lengths), rtol=1e-6, atol=4e-3 if common == -1e4 else 1e-4)


def test_scores_that_underflow_in_probability_space(fused):
    chain = random_chain([7, 1, 4], 6, 1.0, dtype=torch.float32)
    transitions, emissions = chain.transitions.clone(), chain.emissions.clone()
    transitions[:, 2] = transitions[1] = -1e4
    emissions[0, 3] = torch.tensor([-1e4, -1e4, 80.0, -1e4, -1e4, -1e4])
    chain = LinearChain(**{**chain._parts, "transitions": transitions, "emissions": emissions}, lengths=chain.lengths)
    compare(fused, chain, rtol=1e-6, atol=4e-3)


def test_padding_is_not_read(fused):
    chain = random_chain([4, 2], 3, 1.0, padding=1, dtype=torch.float32)
    emissions = chain.emissions.masked_fill(~chain.mask[..., None], torch.nan)
    parts = {**chain._parts, "emissions": emissions.to(DEVICE)}
    parts = {name: value.to(DEVICE) for name, value in parts.items()}
    found = fused.log_partition(**parts, lengths=chain.lengths.to(DEVICE))
    assert_close(found.cpu(), chain.log_partition)


def test_too_many_labels_are_refused(fused):
    with pytest.raises(ValueError, match="129 labels, expected at most 128"):
        fused.log_partition(**random_chain([1], 129, 1.0)._parts, lengths=torch.tensor([1]))


def test_the_kernels_compile_for_a_gpu(tmp_path):
    """Triton compiles without one; its interpreter takes more than the compiler does."""
    if find_spec("triton") is None:
        pytest.skip("needs triton")
    code = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from benchmarks.gpu.fused import _backward, _forward

types = {"lengths": "*i64", "T": "i32", "L": "i32", "P": "constexpr"}
for kernel in (_forward, _backward):
    signature = {name: types.get(name, "*fp32") for name in kernel.arg_names}
    triton.compile(ASTSource(kernel, signature, {"P": 64}), target=GPUTarget("cuda", 90, 32), options={"num_warps": 8})
"""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_candidate_that_fails_is_left_out_with_its_reason(fused):
    assert gpu.fault_of_candidate(["2x4x3"]) is None
    assert gpu.fault_of_candidate(["2x4x3", "2x3x129"]) == (
        "2x3x129: ValueError: 129 labels, expected at most 128; use crf.LinearChain"
    )


@pytest.mark.filterwarnings("ignore")  # of the peers
def test_the_candidate_has_a_row_beside_the_peers(fused, monkeypatch):
    monkeypatch.setattr(gpu, "SIZES", {"2x4x3": (2, 4, 3)})
    found = gpu.chains(3, DEVICE, True)
    rows = [line.split("|") for line in chain_table(found, OURS).splitlines()]
    fast = next(row for row in rows if gpu.FUSED in row[1])
    whole = next(row for row in rows if row[1].strip() == "2x4x3 log-partition + backward")
    assert fast[3:-2] == whole[3:-2]
