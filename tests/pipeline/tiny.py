"""A tiny experiment, as a person would write it."""

import os
import subprocess
import sys
from pathlib import Path

TINY = """
title = "tiny"
languages = ["en", "de"]

[corpus]
name = "demo"
train = { en = 50, de = 30 }
dev = 10
test = 10
unlabelled = 20

[limits]
max_tokens = 15

[teacher.tagger]
hidden = 8

[teacher.training]
updates = 20
evaluate_every = 10

[teacher.annotation]
k = 4

[student]
systems = ["baseline", "posterior+top-wk", "exact"]

[student.tagger]
hidden = 8

[student.training]
updates = 20
evaluate_every = 10
"""


def write_experiment(folder: Path, text: str = TINY, name: str = "tiny") -> None:
    """Put an experiment where `structkd` looks for it."""
    (folder / "experiments").mkdir(exist_ok=True)
    (folder / "experiments" / f"{name}.toml").write_text(text, "utf-8")


def structkd(folder: Path, *arguments: object, **options):
    """Run the command line as a process of its own, for no terminal of a width that the tests' runner has."""
    command = [Path(sys.executable).with_name("structkd"), *arguments, *_alone(arguments)]
    given = options.pop("env", {})
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | given
    return subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, env=environment, **options
    )


def _alone(arguments: tuple[object, ...]) -> tuple[object, ...]:
    """One worker, unless a test says how many: the tests themselves run side by side, and each worker loads torch."""
    runs = arguments and arguments[0] in ("teachers", "distill", "reproduce")
    return ("--workers", 1) if runs and not {"--workers", "--help"} & {*arguments} else ()


def contents(folder: Path, pattern: str = "*") -> dict[str, bytes]:
    """The files below a folder, by relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob(pattern) if path.is_file()}
