"""Finished teachers, students and features in a store: whoever is first puts a piece there, all others take it.

A teacher or a student goes without its journal, which tells what this machine did. Its result is the last of its files,
so that a piece that is being taken is not finished yet.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from structkd.artifacts.stores.copies import put, take
from structkd.ground.faults import FileError
from structkd.pipeline.plan.features import FeaturePlan, cost_path
from structkd.pipeline.plan.pieces import JOURNAL, RESULT, STATE, Plan, StudentPlan, TeacherPlan

REQUESTS = 8  # at the same time
Piece = TeacherPlan | StudentPlan | FeaturePlan


def fetch_finished(plans: Sequence[Plan]) -> None:
    """Take the teachers and students that are finished in a store and not on this machine."""
    pieces: dict[Path, TeacherPlan | StudentPlan] = {}
    for plan in plans:
        pieces |= {piece.folder: piece for piece in plan.teachers} | {piece.folder: piece for piece in plan.students}
    with ThreadPoolExecutor(REQUESTS) as pool:
        list(pool.map(fetch, pieces.values()))


def fetch(piece: Piece) -> bool:
    """Take a piece from its store, unless it is on this machine. Returns True if it was taken.

    Raises:
        ArtifactError: it is damaged there. Weights and features are also checked when they are loaded.
    """
    return piece.stored is not None and not piece.local and take(piece.stored, piece.folder)


def share(piece: Piece) -> None:
    """Put a piece that is finished on this machine into its store; if another machine was faster, take its piece."""
    if piece.stored is None:
        return
    try:
        if not (take(piece.stored, piece.folder) or put(piece.stored, _files(piece))):
            take(piece.stored, piece.folder)
    except FileError:
        if not take(piece.stored, piece.folder):  # a lost answer may have been a success
            raise


def _files(piece: Piece) -> list[Path]:
    if isinstance(piece, FeaturePlan):
        return [piece.path, cost_path(piece.path)]
    names = {path.name for path in piece.folder.iterdir() if path.is_file() and not path.name.startswith(".")}
    return [piece.folder / name for name in (*sorted(names - {JOURNAL, RESULT, STATE}), RESULT)]
