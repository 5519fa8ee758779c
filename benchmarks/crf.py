"""`crf.LinearChain` beside public CRFs: one table, and how its own cost grows.

python -m benchmarks.crf [--rounds 15] [--threads 1] [--csv results/crf.csv] [--plot docs/crf-cost.png]
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import polars as pl
import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.chains import Scores, backward, chain_of, scores_of
from benchmarks.growth import growth, plot_growth
from benchmarks.peers import PACKAGES, Peer, installed
from benchmarks.timing import Task, Timing, compare
from structkd.student.objectives import Loss, Signals, exact, gold_loss, posterior, top_k

OURS = "structkd"
SIZES = {
    "32x30x17": (32, 30, 17),
    "32x40x17": (32, 40, 17),
    "64x64x50": (64, 64, 50),
    "1x2000x17": (1, 2000, 17),
    "16x64x200": (16, 64, 200),
}
TOO_LONG = {
    ("torch-struct", "64x64x50"),
    ("torch-struct", "1x2000x17"),
    ("torch-struct", "16x64x200"),
}  # many seconds a call, or more memory than there is
K = 10

# Milliseconds on one thread of another machine, from a study of public CRFs; NCRF++ is on no registry. Its 10-best is
# carried over to this machine by what pytorch-crf's Viterbi, the other decoder of that study, takes here.
STUDY_VITERBI = {"32x30x17": 2.04, "32x40x17": 2.71, "64x64x50": 31.5}
STUDY_10_BEST = {"32x30x17": 17.7, "32x40x17": 24.3, "64x64x50": 462.0}


@dataclass(frozen=True)
class Goal:
    """At most these ratios, by size or at all sizes, to the fastest peer or to another quantity."""

    ratios: dict[str, float] | float
    to: str = "fastest peer"

    def at(self, size: str) -> float | None:
        """The ratio wanted at a size; None if none is."""
        return self.ratios.get(size) if isinstance(self.ratios, dict) else self.ratios


GOALS = {
    "log-partition + backward": Goal({"32x30x17": 0.3, "32x40x17": 0.12, "64x64x50": 0.08}),
    "marginals": Goal({"32x30x17": 0.4, "32x40x17": 0.4, "64x64x50": 0.1}),
    "Viterbi": Goal({"32x30x17": 0.45, "32x40x17": 0.45, "64x64x50": 0.45}),
    "10-best": Goal({"32x30x17": 0.15, "32x40x17": 0.15, "64x64x50": 0.05}, "NCRF++, scaled"),
    "posterior loss + backward": Goal(3.0, "log-partition + backward"),
    "top-10 loss + backward": Goal(1.3, "gold loss + backward"),
}


def tasks_of(scores: Scores, peers: dict[str, Peer]) -> dict[tuple[str, str], Task]:
    """(quantity, implementation) -> a call that computes it, through this and through the peers."""
    still = scores.detached()
    signals = signals_of(scores)
    tasks: dict[tuple[str, str], Task] = {
        ("log-partition + backward", OURS): backward(scores, lambda s: chain_of(s).log_partition),
        ("marginals", OURS): lambda: chain_of(still).marginals,
        ("Viterbi", OURS): lambda: chain_of(still).viterbi(),
        ("10-best", OURS): lambda: chain_of(still).kbest(K),
        ("gold loss + backward", OURS): backward(scores, lambda s: gold_loss(chain_of(s), signals)),
    }
    for quantity, loss in {"posterior": posterior, "top-10": top_k, "exact": exact}.items():
        tasks[f"{quantity} loss + backward", OURS] = backward(scores, partial(_loss, loss, signals))
    for name, peer in peers.items():
        tasks["log-partition + backward", name] = backward(scores, peer.log_partition)
        if peer.marginals:  # supar and torch-struct differentiate log Z for them, so that scores must require gradients
            tasks["marginals", name] = partial(peer.marginals, scores)
        if peer.viterbi:
            tasks["Viterbi", name] = partial(peer.viterbi, scores)
    return tasks


def _loss(loss: Loss, signals: Signals, scores: Scores) -> Tensor:
    return loss(chain_of(scores), signals, 1.0)


def signals_of(scores: Scores) -> Signals:
    """What another chain of this size, the teacher, says."""
    B, T, L = scores.emissions.shape
    with torch.no_grad():
        teacher = chain_of(replace(scores_of(B, T, L, scores.emissions.device.type, seed=1), lengths=scores.lengths))
        paths, log_probs, counts = teacher.kbest(K)
        return Signals(
            gold=paths[:, 0],
            has_gold=torch.ones_like(scores.lengths, dtype=torch.bool),
            paths=paths,
            weights=log_probs.softmax(1),
            counts=counts,
            log_posteriors=teacher.log_marginals,
            emissions=teacher.emissions,
            marginals=teacher.marginals,
            edge_counts=teacher.edge_counts,
        )


def reference(quantity: str, size: str, timings: dict[tuple[str, str], Timing]) -> tuple[str, float] | None:
    """What our time is held against, and its milliseconds; None where that was not measured."""
    goal = GOALS.get(quantity)
    if goal is None:
        return None
    if goal.to == "fastest peer":
        peers = {name: timing.median for (other, name), timing in timings.items() if other == quantity and name != OURS}
        return min(peers.items(), key=lambda peer: peer[1], default=None)
    if goal.to == "NCRF++, scaled":
        pytorch_crf = timings.get(("Viterbi", "pytorch-crf"))
        if pytorch_crf is None or size not in STUDY_VITERBI:
            return None
        return goal.to, STUDY_10_BEST[size] * pytorch_crf.median / STUDY_VITERBI[size]
    return goal.to, timings[goal.to, OURS].median


def rows_of(size: str, device: str, timings: dict[tuple[str, str], Timing]) -> list[dict[str, object]]:
    """A row for each quantity: our time, the peers', what ours is held against, and the ratio."""
    rows: list[dict[str, object]] = []
    for (quantity, name), ours in timings.items():
        if name != OURS:
            continue
        goal, against = GOALS.get(quantity), reference(quantity, size, timings)
        rows.append(
            {
                "device": device,
                "size": size,
                "quantity": quantity,
                OURS: str(ours),
                **{peer: str(timings.get((quantity, peer), "")) for peer in PACKAGES},
                "against": against and f"{against[0]} {against[1]:.2f}",
                "ratio": against and round(ours.median / against[1], 2),
                "goal": goal and goal.at(size),
            }
        )
    return rows


def print_table(rows: pl.DataFrame) -> None:
    """On the terminal, ratios beyond their goals in red."""
    table = Table(*rows.columns)
    for row in rows.iter_rows(named=True):
        missed = None not in (row["ratio"], row["goal"]) and row["ratio"] > row["goal"]
        table.add_row(*("" if value is None else str(value) for value in row.values()), style="red" if missed else None)
    console = Console()
    console.width = max(console.width, 170)
    console.print(table)


def main(
    rounds: Annotated[int, typer.Option(help="Rounds over all tasks; the medians are over rounds.")] = 15,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    csv: Annotated[Path | None, typer.Option(help="Write the table here.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Measure growth too, and draw it here.")] = None,
) -> None:
    """Time the same scores through `crf.LinearChain` and through the public CRFs that are installed."""
    torch.set_num_threads(threads)
    console = Console()
    peers, missing = installed()
    if missing:
        console.print(f"not installed: {', '.join(missing)}; pip install 'structkd[bench]' brings them")
    rows = []
    for device in ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]:
        for size, (batch, length, labels) in SIZES.items():
            able = {name: peer for name, peer in peers.items() if (name, size) not in TOO_LONG}
            timings = compare(tasks_of(scores_of(batch, length, labels, device), able), rounds=rounds, device=device)
            rows += rows_of(size, device, timings)
    table = pl.DataFrame(rows, infer_schema_length=None)
    print_table(table)
    console.print(f"torch {torch.__version__}, {threads} CPU thread(s), {rounds} rounds")
    if csv:
        table.write_csv(csv)
    if plot:
        plot_growth(growth(rounds), plot)


if __name__ == "__main__":
    typer.run(main)
