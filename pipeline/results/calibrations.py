"""How sure the teachers are and how often they are right, as cells of tables."""

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from structkd.artifacts.calibration import Calibration, Confidence, calibrations, confidences
from structkd.artifacts.reader import ArtifactSet
from structkd.pipeline.plan.pieces import Plan, annotated

Values = dict[str, Any]
TITLE = "What the teachers wrote"
_NUMBERS = ["words", "accuracy", "entropy", "NLL", "ECE"]
TEXT_HEADS = ["language", "text", "seen", *_NUMBERS]
SET_HEADS = ["teacher", "seen", *_NUMBERS]
_SEEN = {True: "yes", False: "no", None: "-"}


def text_cells(parts: Iterable[Values]) -> list[list[str]]:
    """What `plan_calibrations` gives as texts; `TEXT_HEADS` heads them."""
    return [[part["language"], part["text"], _SEEN[part["seen"]], *_numbers(_calibration(part))] for part in parts]


def plan_calibrations(plan: Plan) -> list[Values]:
    """For each language, kind of text, and whether the teachers were trained on it: its labelled words in bins.

    Sums over each bin's words, `words` of them: how many were `right`, their `confidence`; `entropy` and `nll` are
    means in nats. See `artifacts.calibration`.
    """
    return [
        {"language": language, "text": text, "seen": seen} | _values(found)
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
    """A row for each of a set's teachers, whether it was trained on the text, and whether that has labels.

    `SET_HEADS` heads them.
    """
    found = [*calibrations([artifacts]).items(), *confidences([artifacts]).items()]
    return [[teacher, _SEEN[seen], *_numbers(one)] for (teacher, seen), one in found]


def _values(found: Calibration) -> Values:
    return {
        "words": found.bin_words.tolist(),
        "right": found.bin_right.tolist(),
        "confidence": found.bin_confidence.tolist(),
        "entropy": found.entropy,
        "nll": found.nll,
    }


def _calibration(values: Values) -> Calibration:
    words, right = (np.array(values[name], np.int64) for name in ("words", "right"))
    return Calibration(
        bin_words=words,
        bin_right=right,
        bin_confidence=np.array(values["confidence"], np.float64),
        entropy_sum=values["entropy"] * float(words.sum()),
        nll_sum=values["nll"] * float(words.sum()),
    )


def _numbers(found: Confidence) -> list[str]:
    accuracy = nll = error = "-"
    if isinstance(found, Calibration):
        accuracy, nll = f"{100 * found.accuracy:.2f}%", f"{found.nll:.4f}"
        error = f"{100 * found.calibration_error:.2f}%"
    return [str(found.words), accuracy, f"{found.entropy:.4f}", nll, error]
