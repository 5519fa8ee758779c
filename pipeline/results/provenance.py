"""The code that made the finished pieces of an experiment, compared with the present code."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from structkd.artifacts.manifest import MANIFEST
from structkd.artifacts.stores.opening import read_file
from structkd.artifacts.stores.places import Place, Url
from structkd.ground.files import digest_json
from structkd.pipeline.plan.pieces import Plan, StudentPlan, TeacherPlan, annotated
from structkd.pipeline.plan.versions import ANNOTATION, code_digest
from structkd.pipeline.results.result import Result, ResultError, load_result


@dataclass(frozen=True)
class Made:
    """The provenance of a finished piece."""

    codes: tuple[str, ...]
    """Digests of the code: several if a killed training continued under other code."""
    version: str
    """The version of structkd in the package metadata."""
    now: str
    """Digest of the code that would make it today."""
    outdated: bool
    """True for a student whose artifact sets were made again since, and differ."""

    @property
    def elsewhere(self) -> bool:
        """True if other code made the piece or a part of it."""
        return self.codes != (self.now,)


def made_by(folder: Path) -> dict[str, str]:
    """Return the digests in a finished piece's result: settings, corpora, results versions, code.

    They are empty if the result is damaged; reading its scores reports that.
    """
    result = _result(folder)
    return result.digests if result else {}


def sets_digest(identities: Sequence[str]) -> str:
    """Return the digest of the artifact sets that a student learnt from, including their code and weights."""
    return digest_json(list(identities))


def provenance_note(plan: Plan) -> str:
    """Return one line about the pieces that other code made; empty if there are none."""
    pieces = [*_teachers(plan.teachers), *_sets(plan.teachers), *_students(plan.students)]
    strange, outdated = [piece for piece in pieces if piece.elsewhere], sum(piece.outdated for piece in pieces)
    parts = []
    if strange:
        codes = dict.fromkeys(code[:8] for piece in strange for code in piece.codes)
        versions = sorted({piece.version for piece in strange})
        parts.append(
            f"{len(strange)} of {len(pieces)} finished pieces were made by other code of the same results versions "
            f"(structkd {', '.join(versions)}: {', '.join(codes)})"
        )
    if outdated:
        parts.append(f"{outdated} students learnt from artifact sets that have been made again since, and differ")
    if not parts:
        return ""
    remedy = f"`structkd distill {plan.experiment.name} --redo` makes all pieces again"
    return f"{plan.folder}: {'; '.join(parts)}. They are kept; {remedy}"


def _teachers(teachers: Sequence[TeacherPlan]) -> Iterator[Made]:
    for teacher in teachers:
        if teacher.local:
            yield _made(teacher)


def _students(students: Sequence[StudentPlan]) -> Iterator[Made]:
    for student in students:
        if student.done:
            found = (_read(folder / MANIFEST).get("identity", "") for folder in student.artifacts)
            identities = [str(identity) for identity in found]
            known = made_by(student.folder).get("sets")
            yield _made(student, outdated=all(identities) and known not in (None, sets_digest(identities)))


def _sets(teachers: Sequence[TeacherPlan]) -> Iterator[Made]:
    now = code_digest(*ANNOTATION)
    for folder in (folder for teacher in teachers for folder in teacher.sets if annotated(folder)):
        code = _read(folder / MANIFEST).get("header", {}).get("provenance", {}).get("code", {})
        yield Made((code.get("digest", now),), code.get("version", "?"), now, outdated=False)


def _made(piece: TeacherPlan | StudentPlan, *, outdated: bool = False) -> Made:
    digests, now = made_by(piece.folder), piece.digests["code"]
    codes = (*filter(None, digests.get("code_before", "").split(", ")), digests.get("code", now))
    result = _result(piece.folder)
    return Made(codes, result.versions.get("structkd", "?") if result else "?", now, outdated)


def _result(folder: Path) -> Result | None:
    try:
        return load_result(folder)
    except (ResultError, OSError):
        return None


def _read(path: Place) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes() if isinstance(path, Path) else _read_stored(path))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@lru_cache(maxsize=256)  # a store never replaces a manifest, and all students of a plan read the same sets
def _read_stored(address: Url) -> bytes:
    return read_file(address)
