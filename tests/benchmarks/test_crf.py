"""The benchmark measures the same thing through every library that is installed, and holds it against the right one."""

import pytest
import torch
from torch.testing import assert_close

from benchmarks.chains import chain_of, scores_of
from benchmarks.crf import OURS, reference, rows_of, tasks_of
from benchmarks.growth import growth, plot_growth
from benchmarks.peers import installed
from benchmarks.timing import Timing, compare


def test_every_task_runs_once_a_round():
    calls = []
    compare({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3, sample=0.0)
    assert calls[-6:] == ["a", "b"] * 3


@pytest.mark.filterwarnings("ignore")  # of the peers
def test_peers_compute_what_we_compute():
    scores = scores_of(3, 7, 4, "cpu")
    chain, (peers, missing) = chain_of(scores), installed()
    assert len(peers) + len(missing) == 3
    for name, peer in peers.items():
        assert_close(peer.log_partition(scores), chain.log_partition, msg=name)
    if "supar" in peers:
        assert_close(peers["supar"].marginals(scores), chain.marginals, rtol=1e-4, atol=1e-5)


def test_the_table_names_what_each_time_is_held_against():
    timings = compare(tasks_of(scores_of(2, 5, 3, "cpu"), {}), rounds=3, sample=0.0)
    timings["Viterbi", "pytorch-crf"] = Timing(4.08, 4.0, 4.1)
    timings["Viterbi", "supar"] = Timing(9.0, 9.0, 9.0)
    rows = {row["quantity"]: row for row in rows_of("32x30x17", "cpu", timings)}
    assert reference("Viterbi", "32x30x17", timings) == ("pytorch-crf", 4.08)
    assert reference("10-best", "32x30x17", timings) == ("NCRF++, scaled", pytest.approx(2 * 17.7))
    ratio = timings["posterior loss + backward", OURS].median / timings["log-partition + backward", OURS].median
    assert rows["posterior loss + backward"]["ratio"] == pytest.approx(ratio, abs=0.01)
    assert rows["log-partition + backward"]["ratio"] is None  # no peer was measured


def test_growth_is_drawn(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("benchmarks.growth.RANGES", {"B": [1, 2], "T": [2, 3], "L": [2, 3], "K": [1, 2]})
    monkeypatch.setattr("benchmarks.growth.BASE", {"B": 2, "T": 3, "L": 2, "K": 2})
    measured = growth(3)
    assert len(measured) == 4 * 2 * 5
    plot_growth(measured, tmp_path / "cost.png")
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")
    assert torch.isfinite(torch.tensor(measured["median"])).all()
