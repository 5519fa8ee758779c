"""Result rows: all values about a student, or about a task's teachers, that tables and reports need.

A row is named by `key`: a digest of settings and corpora, not of code, so that a finished row is not computed again.
The code is among its digests.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from statistics import fmean
from typing import Any

import polars as pl

from structkd.artifacts.manifest import Manifest
from structkd.artifacts.store_parts import seconds_of
from structkd.artifacts.stores.places import Place, Url
from structkd.ground.faults import explained
from structkd.ground.files import atomic_path, check_regular, digest_json, exclusively
from structkd.ground.records import SetWritten, read_journal
from structkd.pipeline.experiment.grid import TEACHERS
from structkd.pipeline.plan.pieces import JOURNAL, Plan, StudentPlan, TeacherPlan, annotated
from structkd.pipeline.results.result import ByType, Result, Scores, load_result

Row = dict[str, Any]

_SCORES = pl.List(pl.Struct({"language": pl.String, "score": pl.Float64}))
_COUNTS = pl.List(pl.UInt16)
_BINS = pl.List(pl.Float64)
_COUNT = pl.UInt32
_PART: dict[str, pl.DataType] = {
    "language": pl.String(),
    "text": pl.String(),
    "seen": pl.Boolean(),
    "words": _BINS,
    "right": _BINS,
    "confidence": _BINS,
    "entropy": pl.Float64(),
    "nll": pl.Float64(),
    "entropies": _BINS,
}
SCHEMA = pl.Schema(
    {
        "key": pl.String(),
        "settings_digests": pl.List(pl.String),  # by which tables find the row, without the corpora
        "task": pl.String(),
        "system": pl.String(),
        "seed": pl.Int64(),
        "dev": _SCORES,  # percent
        "test": _SCORES,
        "zero_shot": _SCORES,
        # Of each test sentence: spans (words, for accuracy) that are right, predicted, and gold.
        "outcomes": pl.List(
            pl.Struct({"language": pl.String, "right": _COUNTS, "predicted": _COUNTS, "gold": _COUNTS})
        ),
        # On test, of all sentences; null in rows of earlier versions. See `tagger.analysis`.
        "types": pl.List(
            pl.Struct({"language": pl.String, "type": pl.String, "right": _COUNT, "predicted": _COUNT, "gold": _COUNT})
        ),
        "errors": pl.List(pl.Struct({"language": pl.String, "kind": pl.String, "times": _COUNT})),
        "confusion": pl.List(
            pl.Struct({"language": pl.String, "gold": pl.String, "found": pl.String, "times": _COUNT})
        ),
        "curve": pl.List(pl.Struct({"update": pl.Int64, "loss": pl.Float64, "dev": pl.Float64})),
        # Of teachers; seen: whether they were trained on the text. See `artifacts.calibration`. Text without labels
        # has no right words and no nll; in rows of earlier versions it has no part, and parts have no entropies.
        "calibration": pl.List(pl.Struct(_PART)),
        "seconds": pl.Float64(),  # of training
        "annotation_seconds": pl.Float64(),  # null if nobody knows
        "feature_seconds": pl.Float64(),  # of what the teachers read
        "peak_memory": pl.Int64(),  # bytes
        "bytes": pl.Int64(),  # of a student's weights, or of all artifact sets
        "parameters": pl.Int64(),
        "updates": pl.Int64(),
        "words": pl.Int64(),
        "device": pl.String(),
        "settings": pl.String(),  # JSON
        "digests": pl.String(),  # JSON
        "versions": pl.String(),  # JSON
    }
)
BY_TYPE = ("types", "errors", "confusion")
"""The columns that rows of earlier versions lack."""


class RowError(ValueError):
    """An unusable file of rows; the message names it and what to do."""


def read_rows(path: Path) -> pl.DataFrame:
    """Read the rows of a file; none if it is missing. What rows of earlier versions lack is null.

    Raises:
        RowError: a file that is damaged, or of another version.
    """
    if not path.is_file():
        return pl.DataFrame(schema=SCHEMA)
    try:
        check_regular(path)
        rows = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RowError(
            f"{path}: not a file of results ({error}); restore it, or move it away to start again"
        ) from error
    rows = _upgraded(rows)
    if rows.schema != SCHEMA:
        strange = sorted(set(rows.schema.items()) ^ set(SCHEMA.items()), key=str)
        raise RowError(
            f"{path}: its columns are not those of this version ({strange[0][0]}, ...); move it away to start again"
        )
    return rows


def _upgraded(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of an earlier version with null for what they lack."""
    missing = [pl.lit(None, SCHEMA[name]).alias(name) for name in BY_TYPE if name not in rows.columns]
    former = {name: kind for name, kind in _PART.items() if name != "entropies"}
    if rows.schema.get("calibration") == pl.List(pl.Struct(former)):
        added = pl.element().struct.with_fields(pl.lit(None, _BINS).alias("entropies"))
        missing.append(pl.col("calibration").list.eval(added))
    found = rows.with_columns(missing)
    return found.select(*(name for name in SCHEMA if name in found.columns), pl.exclude(*SCHEMA))


def add_rows(path: Path, rows: Iterable[Row], wanted: Mapping[str, str]) -> None:
    """Add rows to a file, atomically; a row with the same key is replaced.

    `wanted` maps digests of settings to the key of their row. No other row belongs to these settings any more, for
    example after a corpus has changed. Several processes may add rows to one file.
    """
    with explained(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
    with exclusively(path.parent):
        before, new = read_rows(path), pl.DataFrame(list(rows), schema=SCHEMA)
        kept = before.filter(~pl.col("key").is_in(new["key"].to_list()))
        found = pl.concat([kept, new]).sort("task", "system", "seed", "key")
        known = dict(before.select("key", "settings_digests").iter_rows())
        digests = [_settings_digests(key, known.get(key) or [], wanted) for key in found["key"]]
        found = found.with_columns(pl.Series("settings_digests", digests, SCHEMA["settings_digests"]))
        if not found.equals(before):
            content = BytesIO()  # of an error of the disk, polars does not say which it was
            found.write_parquet(content, compression="zstd", compression_level=19)
            with atomic_path(path) as temporary:
                temporary.write_bytes(content.getbuffer())


def _settings_digests(key: str, known: Iterable[str], wanted: Mapping[str, str]) -> list[str]:
    """Return a row's settings digests: earlier ones that are not wanted for another row, and those wanted for it."""
    kept = {digest for digest in known if digest not in wanted}
    return sorted(kept | {digest for digest, row in wanted.items() if row == key})


def student_row(plan: Plan, task: str, student: StudentPlan) -> Row:
    """Return a finished student's row."""
    result = load_result(student.folder)
    sizes = (file.stat().st_size for file in student.folder.iterdir() if file.suffix == ".safetensors")
    shared = {"system", "seed", "seconds", "peak_memory", "parameters", "updates", "words", "device"}
    return {
        **_scores([result]),
        **result.model_dump(include=shared),
        "key": student.key,
        "task": task,
        "curve": [dict(zip(("update", "loss", "dev"), point, strict=True)) for point in result.curve],
        "bytes": sum(sizes),
        "settings": plan.experiment.model_dump_json(include={"limits", "student", "unlabelled", "augmented"}),
        "digests": json.dumps(result.digests),
        "versions": json.dumps(result.versions),
    }


def teachers_row(plan: Plan, task: str, calibration: Sequence[Row] = ()) -> Row:
    """Return the row of a task's finished teachers; `calibration` as `plan_calibrations` reads it from sets."""
    results = [load_result(teacher.folder) for teacher in plan.answering]
    folders = dict.fromkeys(tagger.folder for teacher in plan.answering for tagger in teacher.taggers)
    taggers = [load_result(folder) for folder in folders]
    every = [load_result(teacher.folder) for teacher in plan.teachers]
    sets = [folder for teacher in plan.teachers for folder in teacher.artifacts.values()]
    read = {path for teacher in plan.teachers for path in teacher.features}
    return {
        **_scores(results),
        "key": teachers_key(plan),
        "task": task,
        "system": TEACHERS,
        "seed": plan.experiment.teacher.seed,
        "calibration": list(calibration),
        "seconds": sum(result.seconds for result in every),
        "annotation_seconds": _sum(seconds for teacher in plan.teachers for seconds in _annotation_seconds(teacher)),
        "feature_seconds": _sum(feature.seconds for feature in plan.features if feature.path in read),
        "peak_memory": max((result.peak_memory for result in every if result.peak_memory), default=None),
        "bytes": sum(map(_set_bytes, sets)) if all(map(annotated, sets)) else None,
        "parameters": sum(result.parameters for result in taggers),
        "updates": sum(result.updates for result in every),
        "words": sum(result.words for result in every),
        "device": taggers[0].device,
        "settings": plan.experiment.model_dump_json(include={"limits", "teacher", "unlabelled", "augmented"}),
        "digests": json.dumps([result.digests for result in results]),
        "versions": json.dumps(results[0].versions),
    }


def teachers_key(plan: Plan) -> str:
    """Return the key of the row of a plan's teachers."""
    return digest_json([teacher.key for teacher in plan.answering])


def _scores(results: Sequence[Result]) -> Row:
    """Return the scores of one tagger, or of each language's tagger; the mean if all taggers have a score."""
    return {
        "dev": _mean([result.dev for result in results]),
        "test": _mean([result.test for result in results]),
        "zero_shot": _mean([result.zero_shot for result in results]),
        "outcomes": [
            {"language": language} | counts.model_dump()
            for result in results
            for language, counts in result.outcomes.items()
        ],
        **_by_type([result.by_type for result in results]),
    }


def _by_type(found: Sequence[Mapping[str, ByType] | None]) -> Row:
    """Return the scores by type of all taggers; none if a tagger's are not known."""
    parts = [(language, part) for one in found if one is not None for language, part in one.items()]
    if None in found:
        return {}
    return {
        "types": [
            {"language": language, "type": name} | vars(score)
            for language, part in parts
            for name, score in part.scores.items()
        ],
        "errors": [
            {"language": language, "kind": kind, "times": times}
            for language, part in parts
            for kind, times in part.errors.items()
        ],
        "confusion": [{"language": language} | one.model_dump() for language, part in parts for one in part.confusion],
    }


def _mean(scores: Sequence[Scores]) -> list[Row]:
    languages = dict.fromkeys(language for found in scores for language in found)
    return [{"language": name, "score": fmean(one[name] for one in scores if name in one)} for name in languages]


def _annotation_seconds(teacher: TeacherPlan) -> Iterator[float | None]:
    """Yield each set's seconds: from the journal of the machine that wrote it, or from the records in its store."""
    records = read_journal(teacher.folder / JOURNAL)
    told = {record.set: record.seconds for record in records if isinstance(record, SetWritten)}
    for place in teacher.sets:
        if isinstance(place, Url):
            yield seconds_of(place, len(Manifest.read(place).shards))
        else:
            yield told.get(place.name)


def _sum(seconds: Iterable[float | None]) -> float | None:
    """Return the sum; None if a part is not known."""
    found = list(seconds)
    return None if None in found else float(sum(one for one in found if one is not None))


def _set_bytes(folder: Place) -> int:
    return sum(shard.bytes for shard in Manifest.read(folder).shards)
