"""How sure the teachers are and how often they are right, as cells of tables."""

from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import Any

from artifacts.calibration import Calibration, calibrations
from artifacts.reader import ArtifactSet
from pipeline.plan import Plan, annotated

TITLE = "What the teachers wrote"
_NUMBERS = ["words", "accuracy", "entropy", "NLL", "ECE"]
PLAN_HEADS = ["language", "text", "seen", *_NUMBERS]
SET_HEADS = ["teacher", "seen", *_NUMBERS]
_SEEN = {True: "yes", False: "no", None: "-"}


def plan_cells(plan: Plan) -> list[list[str]]:
    """A row for each language, kind of text, and whether the teachers were trained on it; `PLAN_HEADS` heads them."""
    return [[language, text, _SEEN[seen], *_numbers(found)] for language, text, seen, found in _plan_calibrations(plan)]


def plan_calibrations(plan: Plan) -> list[dict[str, Any]]:
    """The same as values: sums of each bin's words, of how many were right and of their confidence; means in nats."""
    return [
        {
            "language": language,
            "text": text,
            "seen": seen,
            "words": found.bin_words.tolist(),
            "right": found.bin_right.tolist(),
            "confidence": found.bin_confidence.tolist(),
            "entropy": found.entropy,
            "nll": found.nll,
        }
        for language, text, seen, found in _plan_calibrations(plan)
    ]


def _plan_calibrations(plan: Plan) -> Iterator[tuple[str, str, bool | None, Calibration]]:
    for language in plan.experiment.languages:
        mine = [teacher for teacher in plan.teachers if teacher.language == language]
        texts = {
            "train": [teacher.artifacts.get("train") for teacher in mine],
            "dev, test": [teacher.held_out for teacher in mine],
        }
        for text, folders in texts.items():
            done = [ArtifactSet.open(folder, verify=False) for folder in folders if folder and annotated(folder)]
            found = calibrations(done)
            for seen in _SEEN:
                if parts := [calibration for (_, was_seen), calibration in found.items() if was_seen is seen]:
                    yield language, text, seen, reduce(add, parts)


def set_cells(artifacts: ArtifactSet) -> list[list[str]]:
    """A row for each of a set's teachers, and whether it was trained on the text; `SET_HEADS` heads them."""
    return [[teacher, _SEEN[seen], *_numbers(found)] for (teacher, seen), found in calibrations([artifacts]).items()]


def _numbers(found: Calibration) -> list[str]:
    return [
        str(found.words),
        f"{100 * found.accuracy:.2f}%",
        f"{found.entropy:.4f}",
        f"{found.nll:.4f}",
        f"{100 * found.calibration_error:.2f}%",
    ]
