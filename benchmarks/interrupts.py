"""Signals and kills at random moments of small runs: how soon everything ends, what is left, and what comes of it.

    python -m benchmarks.interrupts runs/interrupts --interrupts 100 --kills 50

Each run is interrupted again and again until it ends; then its weights, shards and features are compared, to the byte,
with those of a run that nothing interrupted. Linux and macOS.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from structkd.pipeline.commands.console import make_console
from tests.tagger.encoders.tiny_bert import save_tiny_bert

ENCODERS = 'encoders = [{ kind = "transformer", model = "tiny-bert", layers = [1, 2], mix = "scalar" }]'
EXPERIMENT = f"""
title = "interrupted"
languages = ["en", "de"]

[corpus]
name = "demo"
train = {{ en = 50, de = 30 }}
dev = 10
test = 10
unlabelled = 40

[teacher.tagger]
{ENCODERS}
hidden = 8

[teacher.training]
updates = 30
evaluate_every = 10
checkpoint_seconds = 0

[teacher.annotation]
k = 4
shard_rows = 8

[student]
systems = ["posterior+top-wk", "exact"]

[student.tagger]
{ENCODERS}
hidden = 8

[student.training]
updates = 30
evaluate_every = 10
checkpoint_seconds = 0
"""
WORKERS = (1, 2, 3)
_CONSOLE = make_console(soft_wrap=True)
KINDS = ("SIGINT to the group", "SIGINT to the parent", "SIGTERM to the group", "SIGTERM to the parent")
KILL = "SIGKILL to the parent"
LATE = 5.0  # seconds after which a process that is left is an orphan


@dataclass(frozen=True)
class Outcome:
    """One interrupt: in which stage of a run with how many workers, and what came of it."""

    kind: str
    workers: int
    stage: str
    seconds: float
    """Until the command and all its workers were gone."""
    code: int
    orphans: int
    temporaries: tuple[str, ...]
    noise: str
    """What of standard error is no line for a person."""


def main() -> None:
    """Measure, and print a line for each signal, then a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--interrupts", type=int, default=100)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=600.0, help="start no run after so long")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background processes ignore it
    draws, last = random.Random(arguments.seed), time.monotonic() + 60 * arguments.minutes
    kinds = [KINDS[place % len(KINDS)] for place in range(arguments.interrupts)] + [KILL] * arguments.kills
    draws.shuffle(kinds)
    whole, seconds = _whole(arguments.folder / "whole")
    _CONSOLE.print(f"a run without interrupts takes {seconds:.1f} s; load {os.getloadavg()[0]:.1f}")
    outcomes: list[Outcome] = []
    runs = equal = 0
    while len(outcomes) < len(kinds) and time.monotonic() < last:
        folder = _prepared(arguments.folder / f"run{runs}")
        for outcome in _interrupted(folder, kinds[len(outcomes) :], seconds, draws):
            outcomes.append(outcome)
            _CONSOLE.print(f"{len(outcomes)}: {outcome} at load {os.getloadavg()[0]:.1f}")
        runs += 1
        if results(folder) == whole:
            equal += 1
            shutil.rmtree(folder)
    _CONSOLE.print(f"\n{equal} of {runs} runs ended with the bytes of the one without interrupts")
    _print_table(outcomes)


def _whole(folder: Path) -> tuple[dict[str, bytes], float]:
    """The results of a run that nothing interrupts, and its seconds."""
    _prepared(folder)
    began = time.monotonic()
    assert _start(folder, 2).wait() == 0
    return results(folder), time.monotonic() - began


def _prepared(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "experiments").mkdir(parents=True)
    (folder / "experiments" / "interrupted.toml").write_text(EXPERIMENT, "utf-8")
    save_tiny_bert(folder / "encoders" / "tiny-bert")
    return folder


def results(folder: Path) -> dict[str, bytes]:
    """Weights, features, shards and manifests, by path."""
    wanted = (".safetensors", ".parquet", "manifest.json")
    paths = [path for path in (folder / "runs").rglob("*") if path.name.endswith(wanted)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def _start(folder: Path, workers: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "structkd", "distill", "interrupted", "--workers", str(workers)]
    environment = os.environ | {"STRUCTKD_ENCODERS": str(folder.absolute() / "encoders"), "HF_HUB_OFFLINE": "1"}
    with (folder / "stderr").open("wb") as errors:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
        )


def _interrupted(folder: Path, kinds: Sequence[str], seconds: float, draws: random.Random) -> Iterator[Outcome]:
    """Start a run and interrupt it, in these ways in turn, until one start comes to the run's end."""
    for kind in kinds:
        workers, before = draws.choice(WORKERS), _temporaries(folder)
        process = _start(folder, workers)
        at_work = draws.random() < 0.7
        if (at_work and _ends_before_work(folder, process)) or _ends(process, draws.uniform(0.0, 0.1 * seconds)):
            return
        yield _interrupt(folder, process, kind, workers, before)
    assert _start(folder, 1).wait() == 0


def _ends_before_work(folder: Path, process: "subprocess.Popen[bytes]") -> bool:
    """Wait until a worker has written something."""
    before = _written(folder)
    while _written(folder) == before:
        if process.poll() is not None:
            return _ends(process, 0.0)
        time.sleep(0.01)
    return False


def _written(folder: Path) -> set[tuple[str, float]]:
    return {(str(path), _changed(path)) for path in (folder / "runs").rglob("*")}


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def _ends(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    try:
        assert process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        return False
    return True


def _interrupt(folder: Path, process: "subprocess.Popen[bytes]", kind: str, workers: int, before: set[str]) -> Outcome:
    stage, name = _stage(folder), kind.split()[0]
    began = time.monotonic()
    (os.killpg if "group" in kind else os.kill)(process.pid, signal.Signals[name])
    code = process.wait()
    while (left := _alive(process.pid)) and time.monotonic() - began < LATE:
        time.sleep(0.02)
    seconds = time.monotonic() - began
    temporaries = tuple(_temporaries(folder) - before)
    noise = "".join(
        line for line in (folder / "stderr").read_text("utf-8").splitlines(keepends=True) if "same command" not in line
    )
    return Outcome(kind, workers, stage, seconds, code, len(left), temporaries, noise)


def _temporaries(folder: Path) -> set[str]:
    """The temporary files and locks in a run. Those that a kill left are there until the next command clears them."""
    return {str(path) for pattern in (".*.tmp", ".*.lock") for path in (folder / "runs").rglob(pattern)}


def _stage(folder: Path) -> str:
    """How far a run is, by its files."""
    runs = folder / "runs"
    if any((runs / "interrupted" / "students").glob("*/log.jsonl")):
        return "students"
    if any((runs / "interrupted" / "teachers").glob("*/log.jsonl")):
        return "teachers"
    return "features" if any(runs.glob("features/.*")) else "start"


def _alive(session: int) -> list[int]:
    """The processes of a session."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,sess=,stat="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return [int(pid) for pid, group, state in rows if group == str(session) and not state.startswith("Z")]


def _print_table(outcomes: Sequence[Outcome]) -> None:
    _CONSOLE.print(
        "| what | workers | times | exit codes | to the end, s: median | longest | orphans | temporaries | noise |"
    )
    _CONSOLE.print("|---|---:|---:|---|---:|---:|---:|---:|---:|")
    for kind in (*KINDS, KILL):
        for workers in WORKERS:
            mine = [one for one in outcomes if (one.kind, one.workers) == (kind, workers)]
            if mine:
                _CONSOLE.print(_row(kind, workers, mine))
    stages = Counter(one.stage for one in outcomes)
    _CONSOLE.print("\n" + ", ".join(f"{stage}: {count}" for stage, count in stages.items()))


def _row(kind: str, workers: int, mine: Sequence[Outcome]) -> str:
    taken = [one.seconds for one in mine]
    codes = ", ".join(str(code) for code in sorted({one.code for one in mine}))
    sums = [
        sum(values)
        for values in zip(*((one.orphans, len(one.temporaries), bool(one.noise)) for one in mine), strict=True)
    ]
    return (
        f"| {kind} | {workers} | {len(mine)} | {codes} | {median(taken):.2f} | {max(taken):.2f} | "
        + " | ".join(map(str, sums))
        + " |"
    )


if __name__ == "__main__":
    main()
