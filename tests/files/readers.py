"""Every small file of a run: who writes it, who reads it, and what the reading gives, as a value to compare."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from structkd.artifacts.inspection import summary
from structkd.artifacts.parts import ShardRecord
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import ArtifactError
from structkd.corpora.origins import read_origin
from structkd.corpora.sentences import CorpusError
from structkd.ground.faults import FileError
from structkd.ground.records import RecordError, read_journal
from structkd.ground.sealed import SealError
from structkd.pipeline.plan.features import cost_of
from structkd.pipeline.results.result import ResultError, load_result
from structkd.pipeline.results.rows import RowError, read_rows
from structkd.tagger.checkpoint import load_tagger
from structkd.tagger.description import CheckpointError, scored
from structkd.tagger.features import FeatureError, FeatureSet
from structkd.tagger.resume import Resume, ResumeError
from tests.files import writers

ERRORS = (
    ArtifactError,
    CheckpointError,
    CorpusError,
    FeatureError,
    FileError,
    ResumeError,
    RecordError,
    ResultError,
    RowError,
    SealError,
)


def read_tagger(folder: Path) -> Any:
    tagger = load_tagger(folder)
    weights = {name: tensor.numpy().tobytes() for name, tensor in tagger.weights().items()}
    return tagger.labels.names, tagger.config, tagger.vocabulary, weights, scored(folder)


def read_set(folder: Path) -> Any:
    found = ArtifactSet.open(folder)
    return found.header, found.table().to_pylist(), found.table(["tokens"]).to_pylist(), summary(found)


def read_record(folder: Path) -> Any:
    return ShardRecord.read(folder / "part-00000.json").model_dump()


def read_feature_file(folder: Path) -> Any:
    found = FeatureSet.open(folder / "en-train.safetensors")
    found.verify()
    # Features of another encoder are not used, and those of none are there.
    if found.encoder != "e" * 64:
        raise FeatureError(f"{folder}: of another encoder")
    return {name: value.tolist() for name, value in asdict(found).items() if name not in ("path", "encoder")}


def read_state(folder: Path) -> Any:
    resume = Resume(folder / "training.state", "same", 0.0)
    state, fault = resume.load()
    if fault:  # the training starts again, and says why
        raise ResumeError(fault)
    try:
        return state and {name: tensor.tolist() for name, tensor in state["weights"].items()}
    except (LookupError, TypeError, AttributeError) as error:  # as a training does when it takes a state over
        raise resume.misfit(error) from error


@dataclass(frozen=True)
class SmallFile:
    """A file that `write` leaves in a folder, and what reads it.

    Where the file is `bound`, other files know its content: with another one it is refused even if its own digest fits.
    """

    name: str
    write: Callable[[Path], Path]
    read: Callable[[Path], Any]
    bound: bool = False


FILES = [
    SmallFile("tagger.json", writers.write_tagger, read_tagger, bound=True),
    SmallFile("model.safetensors", writers.write_tagger, read_tagger, bound=True),
    SmallFile("manifest.json", writers.write_set, read_set, bound=True),
    SmallFile("part-00001.parquet", writers.write_set, read_set, bound=True),
    SmallFile("part-00000.json", writers.write_unfinished, read_record),
    SmallFile("en-train.safetensors", writers.write_feature_file, read_feature_file),
    SmallFile("en-train.json", writers.write_cost, lambda folder: cost_of([folder / "en-train.safetensors"])),
    SmallFile("log.jsonl", writers.write_journal, lambda folder: read_journal(folder / "log.jsonl")),
    SmallFile("result.json", writers.write_result, load_result),
    SmallFile("training.state", writers.write_state, read_state),
]
OTHERS = [
    SmallFile("grid.parquet", writers.write_rows, lambda folder: read_rows(folder / "grid.parquet")),
    SmallFile("a.origin.json", writers.write_record_of_download, lambda folder: read_origin(folder / "a")),
]
