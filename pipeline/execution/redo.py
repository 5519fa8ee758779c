"""Removing finished pieces, so that they are made again."""

import shutil
from contextlib import nullcontext
from pathlib import Path

from structkd.artifacts.manifest import MANIFEST
from structkd.corpora.files import sync
from structkd.pipeline.execution.claims import CLAIM, claimed
from structkd.pipeline.plan.pieces import RESULT, Plan


def discard(plan: Plan, *, students: bool) -> None:
    """Remove the teachers and artifact sets of an experiment, and optionally its students.

    A piece is removed before its inputs, and the file that marks it as finished before its other files: after a kill,
    every piece is whole or absent, and the same command without --redo makes the absent ones. Features of frozen
    encoders stay, because all experiments use them.

    Raises:
        ArtifactError: another process is writing one of the sets.
        TakenError: another process is making one of the pieces.
    """
    from structkd.artifacts.lock import FolderLock

    for student in plan.students if students else ():
        _remove_piece(student.folder)
    for folder in (folder for teacher in plan.teachers for folder in teacher.sets if folder.is_dir()):
        lock = FolderLock(folder)
        try:
            _remove(folder, MANIFEST)
        finally:
            lock.release()
    for teacher in plan.teachers:
        _remove_piece(teacher.folder)


def _remove_piece(folder: Path) -> None:
    with claimed(folder / CLAIM) if folder.is_dir() and not folder.is_symlink() else nullcontext():
        _remove(folder, RESULT)


def _remove(folder: Path, mark: str) -> None:
    if folder.is_symlink():
        folder.unlink()  # what it points to is not ours
    elif folder.is_dir():
        (folder / mark).unlink(missing_ok=True)
        sync(folder)
        shutil.rmtree(folder)
