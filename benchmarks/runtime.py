"""An exported tagger beside the tagger that it was exported from, and beside spaCy.

    python -m benchmarks.runtime TAGGER EXPORTED EXPORTED_INT8 TEXT [--spacy PYTHON]

Each runs in processes of its own, on one thread, and all read the same lines of raw text. Times are of the processor,
because a machine that does other work too says little by the clock; start-up is by the clock, the best of several.
`PYTHON` is an interpreter that has spaCy: a blank pipeline for many languages with an untrained recogniser of entities.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

_OPEN = {
    "torch": """
import torch
torch.set_num_threads(1)
from structkd.tagger.texts import load_text_tagger
tag = load_text_tagger(__import__("pathlib").Path(folder)).tag
""",
    "runtime": """
from structkd.runtime import load
tag = load(folder).tag
""",
    "spacy": """
import spacy
nlp = spacy.blank("xx")
recogniser = nlp.add_pipe("ner")
for label in ("PER", "LOC", "ORG"):
    recogniser.add_label(label)
nlp.initialize()
tag = lambda texts: list(nlp.pipe(texts, batch_size=256))
""",
}
_MEASURE = """
import json, sys, time
folder, file, quick = sys.argv[1], sys.argv[2], sys.argv[3] == "quick"
{open}
lines = [line for line in open(file, encoding="utf-8").read().split("\\n") if line]
one = [" ".join(" ".join(lines[:50]).split()[:30])]
tag(one)
memory = [line for line in open("/proc/self/status") if line.startswith("VmRSS")][0].split()[1]
print(json.dumps({{"memory": int(memory) / 1024}}), flush=True)
if not quick:
    tag(lines[:200])
    seconds = []
    for _ in range(3):
        begun = time.process_time()
        tag(lines)
        seconds.append(time.process_time() - begun)
    times = []
    for _ in range(300):
        begun = time.process_time()
        tag(one)
        times.append(time.process_time() - begun)
    times.sort()
    words = sum(len(line.split()) for line in lines)
    print(json.dumps({{"words": words / min(seconds), "p50": times[150] * 1e3, "p99": times[296] * 1e3}}))
"""
_STARTS = 5
Row = dict[str, float]


def measure(kind: str, folder: Path, text: Path, python: str = sys.executable) -> Row:
    """Return start-up in seconds, memory in MB, words a second, and milliseconds for 30 words."""
    command = [python, "-c", _MEASURE.format(open=_OPEN[kind]), str(folder), str(text)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    starts = []
    for _ in range(_STARTS):
        begun = time.perf_counter()
        subprocess.run([*command, "quick"], check=True, capture_output=True, env=environment)
        starts.append(time.perf_counter() - begun)
    done = subprocess.run([*command, "long"], check=True, capture_output=True, text=True, env=environment)
    found: dict[str, Any] = {}
    for line in done.stdout.splitlines():
        found |= json.loads(line)
    return {"start": min(starts)} | found


def main(
    tagger: Annotated[Path, typer.Argument(help="A trained tagger.")],
    exported: Annotated[Path, typer.Argument(help="Its export.")],
    int8: Annotated[Path, typer.Argument(help="Its export in 8 bits.")],
    text: Annotated[Path, typer.Argument(help="Raw text, a sentence a line.")],
    spacy: Annotated[str | None, typer.Option(help="An interpreter that has spaCy.")] = None,
) -> None:
    """Print a table of all, and the ratios to the trained tagger."""
    rows = {
        "torch": measure("torch", tagger, text),
        "exported": measure("runtime", exported, text),
        "exported, int8": measure("runtime", int8, text),
    }
    if spacy:
        rows["spaCy"] = measure("spacy", tagger, text, spacy)
    table = Table("", "start-up s", "memory MB", "words/s", "p50 ms", "p99 ms", "words/s to torch", "p50 to torch")
    base = rows["torch"]
    for name, row in rows.items():
        shown = [f"{row['start']:.2f}", f"{row['memory']:.0f}", f"{row['words']:,.0f}", f"{row['p50']:.2f}"]
        ratios = [f"{row[key] / base[key]:.2f}" for key in ("words", "p50")]
        table.add_row(name, *shown, f"{row['p99']:.2f}", *ratios)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
