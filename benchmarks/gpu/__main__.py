"""Everything that has to be seen on a GPU, within eight minutes and without a network: `python -m benchmarks.gpu`.

The chain beside public CRFs, then words a second of both stages beside one thread of the CPU. It writes a page of
Markdown tables that names the device.
"""

import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from benchmarks.chains import backward, scores_of
from benchmarks.crf import OURS, tasks_of
from benchmarks.gpu.speed import SENTENCES, Speed, annotation, make_tagger, taggers, text, training
from benchmarks.gpu.tables import chain_table, page, speed_table
from benchmarks.peers import installed
from benchmarks.timing import Timing, compare
from structkd.tagger.devices import found_device

SIZES = {"32x30x17": (32, 30, 17), "64x64x50": (64, 64, 50), "256x64x50": (256, 64, 50)}
QUANTITIES = ("log-partition + backward", "marginals", "Viterbi", "10-best")
FUSED = "log-partition + backward, fused candidate"
TOO_SLOW = {"torch-struct": ("64x64x50", "256x64x50")}  # seconds and gigabytes a call


def fault_of_candidate(sizes: Iterable[str]) -> str | None:
    """Why `benchmarks.gpu.fused` cannot be timed at these sizes; None if it agrees with the chain.

    It runs in a process of its own: after an illegal access no other kernel of the process runs.
    """
    command = [sys.executable, "-m", "benchmarks.gpu.fused", *sizes]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired as error:
        return f"no answer within {error.timeout:.0f} s"
    said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return said[-1] if done.returncode else None


def chains(rounds: int, device: str, fused: bool) -> dict[str, dict[tuple[str, str], Timing]]:
    """By size: the time of each quantity by each implementation; with `fused`, the candidate's in a row of its own."""
    peers, _ = installed()
    found = {}
    for size, (batch, length, labels) in SIZES.items():
        there = {name: peer for name, peer in peers.items() if size not in TOO_SLOW.get(name, ())}
        scores = scores_of(batch, length, labels, device)
        tasks = tasks_of(scores, there)
        wanted = {key: task for key, task in tasks.items() if key[0] in QUANTITIES}
        if size == "256x64x50" and device == "cpu":  # seconds a call
            wanted = {key: task for key, task in wanted.items() if key[1] == OURS}
        if fused:
            from benchmarks.gpu.fused import log_partition

            wanted[FUSED, OURS] = backward(scores, lambda s: log_partition(**vars(s)))
        found[size] = compare(wanted, rounds=rounds, device=device)
        if fused:  # against the same peers
            found[size] |= {(FUSED, name): found[size][QUANTITIES[0], name] for name in there}
    return found


def speeds(
    device: str, encoder: str | None, sentences: tuple[int, ...], updates: int
) -> dict[tuple[str, int], tuple[Speed, Speed]]:
    """By tagger and sentences a batch: annotation's speed and training's."""
    found = {}
    for name, config in taggers(encoder).items():
        for count in sentences:
            corpus = text(4 * count if device == "cuda" else count)
            tagger = make_tagger(config, corpus, device)
            found[name, count] = annotation(tagger, corpus, count), training(tagger, corpus, count, updates)
    return found


def main(
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("results/gpu.md"),
    encoder: Annotated[str | None, typer.Option(help="A pretrained encoder, to measure it too.")] = None,
    rounds: Annotated[int, typer.Option(min=3, help="Of the chain's timings; medians are over rounds.")] = 9,
) -> None:
    """Measure and write the page."""
    torch.set_num_threads(1)
    device = found_device().type
    if device == "cpu":
        Console().print("torch finds no GPU: what follows is the CPU alone")
    about = f"{torch.cuda.get_device_name()}, " if device == "cuda" else ""
    about += f"torch {torch.__version__}, Python {platform.python_version()}; the CPU's figures are of one thread"
    candidate = device == "cuda" and find_spec("triton") is not None
    fault = fault_of_candidate(SIZES) if candidate else None
    timings = chains(rounds, device, candidate and not fault)
    there = speeds(device, encoder, SENTENCES, 12)
    Console().print("GPU part done")
    chain = chain_table(timings, OURS) + (f"\n\nThe fused candidate is left out: {fault}" if fault else "")
    tables = [chain, speed_table(there, speeds("cpu", encoder, SENTENCES[:1], 2))]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(about, tables), "utf-8")
    Console().print(out.read_text("utf-8"), markup=False, soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
