"""The growth of the cost of `crf.LinearChain` with the batch B, the length T, the labels L and the paths K."""

from pathlib import Path

import polars as pl
import torch

from benchmarks.chains import backward, chain_of, scores_of
from benchmarks.timing import Task, compare
from structkd.ground.extras import needs

BASE = {"B": 32, "T": 32, "L": 16, "K": 10}
RANGES = {
    "B": [1, 2, 4, 8, 16, 32, 64, 128, 256],
    "T": [4, 8, 16, 32, 64, 128, 256, 512],
    "L": [2, 4, 8, 16, 32, 64, 128],
    "K": [1, 2, 4, 8, 16, 32, 64],
}


def growth(rounds: int) -> pl.DataFrame:
    """Milliseconds of each quantity as one size grows and the others stay at `BASE`."""
    rows = []
    for axis, values in RANGES.items():
        for value in values:
            timings = compare(_tasks(BASE | {axis: value}), rounds=rounds)
            rows += [
                {"axis": axis, "size": value, "quantity": name, **vars(timing)} for name, timing in timings.items()
            ]
    return pl.DataFrame(rows)


def _tasks(sizes: dict[str, int]) -> dict[str, Task]:
    B, T, L, K = (sizes[axis] for axis in "BTLK")
    scores = scores_of(B, T, L, "cpu")
    still = scores.detached()
    paths = torch.randint(L, (B, K, T))
    return {
        "log-partition + backward": backward(scores, lambda s: chain_of(s).log_partition),
        "marginals": lambda: chain_of(still).marginals,
        "Viterbi": lambda: chain_of(still).viterbi(),
        "K best": lambda: chain_of(still).kbest(K),
        "log-probability of K paths + backward": backward(scores, lambda s: chain_of(s).log_prob(paths)),
    }


def plot_growth(measured: pl.DataFrame, path: Path) -> None:
    """One panel an axis, both scales logarithmic, quartiles shaded. Raises ImportError with what to install."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(f"the plot {needs('matplotlib', 'bench')}") from None
    figure = Figure(figsize=(9, 6.5), layout="constrained")
    for panel, (axis, values) in zip(figure.subplots(2, 2, sharey=True).flat, RANGES.items(), strict=True):
        of_axis = measured.filter(pl.col("axis") == axis)
        for (name,), line in of_axis.group_by("quantity", maintain_order=True):
            panel.plot(line["size"], line["median"], marker=".", label=name)
            panel.fill_between(line["size"], line["low"], line["high"], alpha=0.2)
        others = ", ".join(f"{name} = {value}" for name, value in BASE.items() if name != axis)
        panel.set(xscale="log", yscale="log", xlabel=f"{axis}   ({others})", ylabel="ms")
        panel.set_xticks(values, [str(value) for value in values], minor=False)
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    figure.legend(*panel.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=110)
