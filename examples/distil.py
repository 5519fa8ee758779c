"""Distil the demo at a small size, compare the students, and use one. `python examples/distil.py [EXPERIMENT.toml]`."""

import sys
from pathlib import Path

import structkd

SENTENCES = ["Ada Lovelace flew to Berlin .", "Ana visitó Acme Corp. en Sevilla ."]


def main(path: str | Path) -> None:
    experiment = structkd.load_experiment(path)
    scores = structkd.distill(experiment, workers=None, progress=True)
    print(scores.filter(split="test").pivot("language", index=["system", "seed"], values="score"))

    students = structkd.run_students(experiment)  # they are trained: this only says where they are
    student = structkd.load_tagger(students["exact", 1])
    for sentence in structkd.tag(student, [text.split() for text in SENTENCES]):
        rows = zip(sentence.tokens, sentence.labels, sentence.probabilities, strict=True)
        print(*(f"{word}/{label}/{probability:.2f}" for word, label, probability in rows))


if __name__ == "__main__":  # worker processes import this file
    main(sys.argv[1] if sys.argv[1:] else Path(__file__).with_name("small.toml"))
