"""Finished teachers and students in a store: each is one object, created if there is none, so it is whole or absent.

The object is a tar file of the piece's files, without its journal, which tells what this machine did. The result is its
last member, so that a piece that is being unpacked is not finished yet.
"""

import errno
import io
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stores.opening import open_store, read_file
from structkd.artifacts.stores.places import Url
from structkd.corpora.faults import FileError
from structkd.corpora.files import atomic_path
from structkd.pipeline.plan.pieces import JOURNAL, RESULT, STATE, Plan, StudentPlan, TeacherPlan
from structkd.pipeline.plan.stored import is_stored

REQUESTS = 8  # at the same time


def fetch_finished(plans: Sequence[Plan]) -> None:
    """Take the pieces that are finished in a store and not on this machine."""
    pieces: dict[Path, TeacherPlan | StudentPlan] = {}
    for plan in plans:
        pieces |= {piece.folder: piece for piece in plan.teachers} | {piece.folder: piece for piece in plan.students}
    with ThreadPoolExecutor(REQUESTS) as pool:
        list(pool.map(fetch, pieces.values()))


def fetch(piece: TeacherPlan | StudentPlan) -> None:
    """Take a piece from its store, unless it is on this machine or not in the store."""
    if piece.stored and not (piece.folder / RESULT).is_file():
        _take(piece.folder, piece.stored)


def share(piece: TeacherPlan | StudentPlan) -> None:
    """Put a piece that is finished on this machine into its store. If another machine was faster, take its piece."""
    if piece.stored is None:
        return
    try:
        if is_stored(piece.stored) or not _put(piece.folder, piece.stored):
            _take(piece.folder, piece.stored)
    except FileError:
        if not _take(piece.folder, piece.stored):  # a lost answer may have been a success
            raise


def _put(folder: Path, address: Url) -> bool:
    return open_store(address.parent).create(address.name, _packed(folder))


def _packed(folder: Path) -> bytes:
    names = {path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")}
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in [*sorted(names - {JOURNAL, RESULT, STATE}), RESULT]:
            tar.add(folder / name, name)
    return content.getvalue()


def _take(folder: Path, address: Url) -> bool:
    """Unpack a piece; return False if there is none. Its weights are checked when they are loaded."""
    try:
        content = read_file(address)
    except FileError as error:
        if error.errno == errno.ENOENT:
            return False
        raise
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            files = {member.name: tar.extractfile(member) for member in tar}
            found = {name: file.read() for name, file in files.items() if file and Path(name).name == name}
        result = found.pop(RESULT)
    except (tarfile.TarError, KeyError) as error:
        raise ArtifactError(f"{address}: damaged ({error}); delete it: the next run makes it again") from error
    for name, content in [*sorted(found.items()), (RESULT, result)]:
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(content)
    return True
