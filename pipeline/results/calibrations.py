"""Confidence and accuracy of the teachers, as cells of tables."""

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any

import numpy as np

from structkd.artifacts.calibration import ENTROPIES, Calibration, Confidence, Key, calibrations, confidences
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.stores.places import Place
from structkd.corpora.sentences import Text
from structkd.pipeline.plan.pieces import Plan, annotated

Values = dict[str, Any]
TITLE = "What the teachers wrote"
_NUMBERS = ["words", "accuracy", "entropy", "NLL", "ECE"]
TEXT_HEADS = ["language", "text", "seen", *_NUMBERS]
ENTROPY_HEADS = [
    "language",
    "text",
    "seen",
    "mean",
    f"below {ENTROPIES[0]:g}",
    *(f"{low:g} to {high:g}" for low, high in pairwise(ENTROPIES)),
    f"{ENTROPIES[-1]:g} or more",
]
SET_HEADS = ["teacher", "seen", *_NUMBERS]
TEXTS: tuple[Text, ...] = ("unlabelled", "augmented")
_SEEN = {True: "yes", False: "no", None: "-"}


def text_cells(parts: Iterable[Values]) -> list[list[str]]:
    """Return the result of `plan_calibrations` as texts, with the headings `TEXT_HEADS`."""
    return [[part["language"], part["text"], _SEEN[part["seen"]], *_numbers(_confidence(part))] for part in parts]


def entropy_cells(parts: Iterable[Values]) -> list[list[str]]:
    """Return the entropy of the posteriors and its distribution as texts, with the headings `ENTROPY_HEADS`.

    Parts of earlier versions have no distribution, and are left out.
    """
    known = ((part, np.array(part["entropies"])) for part in parts if part["entropies"] is not None)
    return [
        [
            part["language"],
            part["text"],
            _SEEN[part["seen"]],
            f"{part['entropy']:.4f}",
            *(f"{100 * share:.1f}%" for share in bins / bins.sum()),
        ]
        for part, bins in known
    ]


def plan_calibrations(plan: Plan) -> list[Values]:
    """Return the words in bins, by language, kind of text, and `seen` (True if the teachers were trained on it).

    `right` and `confidence` are sums over the `words` of a bin: the number of right words, and their confidence.
    `entropy` and `nll` are means in nats; `entropies` has the words by their entropy. `right` and `nll` are None for
    text without labels. See `artifacts.calibration`.
    """
    return [
        {"language": language, "text": text, "seen": seen} | _values(found)
        for language, text, seen, found in _plan_calibrations(plan)
    ]


def _plan_calibrations(plan: Plan) -> Iterator[tuple[str, str, bool | None, Confidence]]:
    for language in plan.experiment.languages:
        mine = [teacher for teacher in plan.teachers if teacher.language == language]
        texts: dict[str, list[Place | None]] = {
            "train": [teacher.lessons.get("train") for teacher in mine],
            "dev, test": [teacher.held_out for teacher in mine if teacher in plan.answering],
            **{text: [teacher.lessons.get(text) for teacher in mine] for text in TEXTS},
        }
        for text, folders in texts.items():
            done = [ArtifactSet.open(folder, verify=False) for folder in folders if folder and annotated(folder)]
            found: Mapping[Key, Confidence] = confidences(done) if text in TEXTS else calibrations(done)
            for seen in _SEEN:
                if parts := [calibration for (_, was_seen), calibration in found.items() if was_seen is seen]:
                    yield language, text, seen, reduce(add, parts)


def set_cells(artifacts: ArtifactSet) -> list[list[str]]:
    """Return a row for each teacher of a set, by seen and unseen text, and by text with and without labels.

    The headings are `SET_HEADS`.
    """
    found = [*calibrations([artifacts]).items(), *confidences([artifacts]).items()]
    return [[teacher, _SEEN[seen], *_numbers(one)] for (teacher, seen), one in found]


def _values(found: Confidence) -> Values:
    return {
        "words": found.bin_words.tolist(),
        "right": found.bin_right.tolist() if isinstance(found, Calibration) else None,
        "confidence": found.bin_confidence.tolist(),
        "entropy": found.entropy,
        "nll": found.nll if isinstance(found, Calibration) else None,
        "entropies": found.bin_entropy.tolist(),
    }


def _confidence(values: Values) -> Confidence:
    words = np.array(values["words"], np.int64)
    found = Confidence(
        bin_words=words,
        bin_confidence=np.array(values["confidence"], np.float64),
        bin_entropy=np.array(values["entropies"] or [0] * (len(ENTROPIES) + 1), np.int64),
        entropy_sum=values["entropy"] * float(words.sum()),
    )
    if values["right"] is None:
        return found
    right, nll = np.array(values["right"], np.int64), values["nll"] * float(words.sum())
    return Calibration(**vars(found), bin_right=right, nll_sum=nll)


def _numbers(found: Confidence) -> list[str]:
    accuracy = nll = error = "-"
    if isinstance(found, Calibration):
        accuracy, nll = f"{100 * found.accuracy:.2f}%", f"{found.nll:.4f}"
        error = f"{100 * found.calibration_error:.2f}%"
    return [str(found.words), accuracy, f"{found.entropy:.4f}", nll, error]
