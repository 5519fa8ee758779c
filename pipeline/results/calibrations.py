"""Confidence and accuracy of the teachers, as cells of tables."""

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
    """Return the result of `plan_calibrations` as texts, with the headings `TEXT_HEADS`."""
    return [[part["language"], part["text"], _SEEN[part["seen"]], *_numbers(_calibration(part))] for part in parts]


def plan_calibrations(plan: Plan) -> list[Values]:
    """Return the labelled words in bins, by language, kind of text, and `seen` (True if the teachers were trained on
    it).

    `right` and `confidence` are sums over the `words` of a bin: the number of right words, and their confidence.
    `entropy` and `nll` are means in nats. See `artifacts.calibration`.
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
    """Return a row for each teacher of a set, by seen and unseen text, and by text with and without labels.

    The headings are `SET_HEADS`.
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
