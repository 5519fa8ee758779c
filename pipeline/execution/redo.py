"""Removing finished pieces, so that they are made again."""

import shutil
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from structkd.artifacts.manifest import MANIFEST
from structkd.artifacts.stores.places import Place, Url
from structkd.corpora.prepared import TEXT
from structkd.ground.files import sync
from structkd.pipeline.execution.claims import CLAIM, claimed
from structkd.pipeline.experiment.parsing import ExperimentError
from structkd.pipeline.plan.pieces import RESULT, Plan


def discard(plan: Plan, *, students: bool) -> None:
    """Remove the teachers, artifact sets and prepared texts of an experiment, and optionally its students.

    A piece is removed before its inputs, and the file that marks it as finished before its other files: after a kill,
    every piece is whole or absent, and the same command without --redo makes the absent ones. Features of frozen
    encoders stay, because all experiments use them.

    Raises:
        ExperimentError: sets are in an object store, where nothing is replaced.
        TakenError: another process is making one of the pieces.
    """
    stored = [str(place) for teacher in plan.teachers for place in teacher.sets if isinstance(place, Url)]
    if stored:
        raise ExperimentError(
            f"--redo: what is in a store, as {stored[0]}, is never replaced; give --runs another address, or delete it"
        )
    for student in plan.students if students else ():
        _remove_piece(student.folder, RESULT)
    for teacher in plan.teachers:
        with _claimed(teacher.folder):
            _check_ranges(teacher.folder)
            for folder in teacher.sets:
                _remove(folder, MANIFEST)
            _remove(teacher.folder, RESULT)
    for text in (text for teacher in plan.teachers for text in teacher.texts.values()):
        _remove_piece(text.folder, TEXT)


def _check_ranges(folder: Path) -> None:
    """Raise TakenError if another process annotates a range of a teacher's sets."""
    for path in folder.glob(f".*{CLAIM}"):
        with claimed(path):
            pass


def _remove_piece(folder: Path, mark: str) -> None:
    with _claimed(folder):
        _remove(folder, mark)


def _claimed(folder: Path) -> AbstractContextManager[None]:
    return claimed(folder / CLAIM) if folder.is_dir() and not folder.is_symlink() else nullcontext()


def _remove(folder: Place, mark: str) -> None:
    assert isinstance(folder, Path)
    if folder.is_symlink():
        folder.unlink()  # what it points to is not ours
    elif folder.is_dir():
        (folder / mark).unlink(missing_ok=True)
        sync(folder)
        shutil.rmtree(folder)
