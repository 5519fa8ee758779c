"""The scores that an experiment's finished teachers and students have written."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from structkd.pipeline.plan.pieces import RESULT, Plan


class ResultError(ValueError):
    """Results that cannot be shown; the message names the file or says what to run."""


def result_rows(plan: Plan) -> pl.DataFrame:
    """One row for each finished teacher of a whole corpus and student, language and split, in the order of the plan.

    Columns: system, seed, language, split, score (percent), seconds, updates, parameters, folder.
    """
    pieces = [teacher.folder for teacher in plan.teachers if teacher.trained and not teacher.fold]
    pieces += [student.folder for student in plan.students if student.done]
    rows = [row for folder in pieces for row in _rows(folder)]
    if not rows:
        raise ResultError(f"{plan.folder}: nothing is finished; run `structkd distill {plan.experiment.name}`")
    return pl.DataFrame(rows)


def _rows(folder: Path) -> list[dict[str, Any]]:
    path = folder / RESULT
    try:
        found = json.loads(path.read_text("utf-8"))
        shared = {key: found[key] for key in ("system", "seed", "seconds", "updates", "parameters")}
        return [
            shared | {"language": language, "split": split, "score": score, "folder": str(folder)}
            for split in ("dev", "test")
            for language, score in found[split].items()
        ]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError) as error:
        raise ResultError(f"{path}: damaged ({error}); delete the folder and run the experiment again") from error
