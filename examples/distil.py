"""Distil the demo at a small size, compare the students, and use one. `python examples/distil.py [EXPERIMENT.toml]`."""

import sys
from pathlib import Path

import structkd

SENTENCES = ["Ada Lovelace flew to Berlin.", "Ana visitó Acme Corp. en Sevilla."]


def main(path: str | Path) -> None:
    experiment = structkd.load_experiment(path)
    scores = structkd.distill(experiment, workers=None, progress=True)
    print(scores.filter(split="test").pivot("language", index=["system", "seed"], values="score"))

    students = structkd.run_students(experiment)  # they are trained: this only says where they are
    student = structkd.load(students["exact", 1])
    for tagged in student.tag(SENTENCES):
        print(tagged.text, *(f"{one.type}: {one.text} ({one.probability:.2f})" for one in tagged.entities), sep="\n  ")


if __name__ == "__main__":  # worker processes import this file
    main(sys.argv[1] if sys.argv[1:] else Path(__file__).with_name("small.toml"))
