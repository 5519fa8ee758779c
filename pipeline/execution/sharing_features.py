"""Features in a store: a file goes there in parts, because it can be large and a request has 30 seconds.

Parts have a name of their writer's, and the record that names them is created last, if there is none. So the parts of a
record are whole. Those of a writer that was killed or slower are never read.
"""

from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stores.opening import open_store, read_file
from structkd.artifacts.stores.places import Url
from structkd.corpora.faults import FileError
from structkd.corpora.files import atomic_path
from structkd.corpora.sealed import sealed_bytes
from structkd.pipeline.plan.features import Cost, FeaturePlan, StoredFeatures
from structkd.pipeline.plan.stored import is_stored

PART = 2**26


def fetch_features(plan: FeaturePlan) -> None:
    """Take a file of features from its store, unless it is on this machine or not in the store.

    Raises:
        ArtifactError: a damaged record or part.
    """
    if plan.local or plan.stored is None or not is_stored(plan.stored):
        return
    record = StoredFeatures.read(plan.stored)
    digest = sha256()
    with atomic_path(plan.path) as temporary, temporary.open("wb") as file:
        for place in _parts(plan.stored, record.writer, record.parts):
            content = read_file(place)
            digest.update(content)
            file.write(content)
        if digest.hexdigest() != record.sha256:
            raise ArtifactError(f"{plan.stored}: its parts are damaged; delete it: the next run makes them again")
    record.cost.write(plan.path)


def share_features(plan: FeaturePlan) -> None:
    """Put a file of features into its store, unless there is one."""
    if plan.stored is None or is_stored(plan.stored):
        return
    writer, store = uuid4().hex, open_store(plan.stored.parent)
    parts = -(-plan.path.stat().st_size // PART)
    digest = sha256()
    with plan.path.open("rb") as file:
        for place in _parts(plan.stored, writer, parts):
            content = file.read(PART)
            digest.update(content)
            store.create(place.name, content)
    record = StoredFeatures(writer=writer, parts=parts, sha256=digest.hexdigest(), cost=Cost.read(plan.path))
    try:
        store.create(plan.stored.name, sealed_bytes(record.model_dump(mode="json")))
    except FileError:
        if not is_stored(plan.stored):  # a lost answer may have been a success
            raise


def _parts(record: Url, writer: str, parts: int) -> list[Url]:
    name = Path(record.name).stem
    return [record.parent / f"{name}.{writer}.{number:05}" for number in range(parts)]
