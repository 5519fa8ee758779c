"""An exported tagger beside the tagger that it was exported from, and beside spaCy and flair.

    python -m benchmarks.runtime [TAGGER EXPORTED EXPORTED_INT8 TEXT] [--spacy PYTHON] [--flair PYTHON]

Without a tagger, one of the demo student's size is made that nobody has trained. Each runs in processes of its own, on
one thread, and all read the same lines of raw text. Times are of the processor, because a machine that does other work
too says little by the clock; start-up is by the clock, the best of several. `PYTHON` is an interpreter that has spaCy
(a blank pipeline for many languages with an untrained recogniser of entities) or flair (an untrained tagger of words
and characters, with an LSTM of 16 units and a CRF); each is left out if its interpreter lacks it.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from benchmarks.untrained import Untrained, untrained
from structkd.pipeline.commands.console import make_console

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
    "flair": """
import tempfile, torch
torch.set_num_threads(1)
from flair.data import Dictionary, Sentence
from flair.embeddings import CharacterEmbeddings, OneHotEmbeddings, StackedEmbeddings
from flair.models import SequenceTagger
words, letters, labels = Dictionary(), Dictionary(), Dictionary(add_unk=False)
for word in open(file, encoding="utf-8").read().split():
    words.add_item(word)
    for letter in word:
        letters.add_item(letter)
for label in ("PER", "LOC", "ORG"):
    labels.add_item(label)
with tempfile.NamedTemporaryFile() as kept:
    letters.save(kept.name)
    parts = [OneHotEmbeddings(words, embedding_length=16), CharacterEmbeddings(kept.name, 12, 8)]
sizes = {"hidden_size": 16, "rnn_layers": 1}
model = SequenceTagger(StackedEmbeddings(parts), labels, "ner", tag_format="BIOES", use_crf=True, **sizes)
model.eval()
tag = lambda texts: model.predict([Sentence(text) for text in texts], mini_batch_size=256)
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
        if line.startswith("{"):  # flair writes more
            found |= json.loads(line)
    return {"start": min(starts)} | found


def main(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="A trained tagger, its export, its export in 8 bits, and raw text, a sentence a line."),
    ] = None,
    spacy: Annotated[str, typer.Option(help="An interpreter that has spaCy.")] = sys.executable,
    flair: Annotated[str, typer.Option(help="An interpreter that has flair.")] = sys.executable,
) -> None:
    """Print a table of all, and the ratios to the trained tagger."""
    with untrained() if not folders else nullcontext(Untrained(*folders)) as given:
        rows = {
            "torch": measure("torch", given.tagger, given.text),
            "exported": measure("runtime", given.exported, given.text),
            "exported, int8": measure("runtime", given.int8, given.text),
        }
        missing = []
        for name, python in (("spaCy", spacy), ("flair", flair)):
            if _has(python, name.lower()):
                rows[name] = measure(name.lower(), given.tagger, given.text, python)
            else:
                missing.append(name)
    table = Table("", "start-up s", "memory MB", "words/s", "p50 ms", "p99 ms", "words/s to torch", "p50 to torch")
    base = rows["torch"]
    for name, row in rows.items():
        shown = [f"{row['start']:.2f}", f"{row['memory']:.0f}", f"{row['words']:,.0f}", f"{row['p50']:.2f}"]
        ratios = [f"{row[key] / base[key]:.2f}" for key in ("words", "p50")]
        table.add_row(name, *shown, f"{row['p99']:.2f}", *ratios)
    console = make_console()
    console.print(table)
    for name in missing:
        console.print(f"{name} is not installed: left out; name an interpreter that has it with --{name.lower()}")


def _has(python: str, package: str) -> bool:
    return subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    typer.run(main)
