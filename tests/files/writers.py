"""Every kind of file that the product writes, each by the code that writes it, in a small example.

`python -m tests.files.writers FOLDER LIMIT ...` does so under limits on the sizes of files, in a folder for each. For
each it prints, as JSON, what went wrong by kind of file.
"""

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from structkd.artifacts.writer import ShardWriter
from structkd.corpora.labels import LabelSet
from structkd.corpora.origins import Origin, origin_path, write_origin
from structkd.ground.files import write_json
from structkd.ground.journal import open_journal
from structkd.ground.records import SetWritten, Started, to_json
from structkd.pipeline.commands.report import _write as write_report
from structkd.pipeline.plan.features import Cost
from structkd.pipeline.results.result import save_result
from structkd.pipeline.results.rows import SCHEMA, add_rows
from structkd.tagger.checkpoint import WEIGHTS, save_tagger
from structkd.tagger.config import TaggerConfig
from structkd.tagger.features import write_features
from structkd.tagger.model import Tagger
from structkd.tagger.resume import Resume
from structkd.tagger.vocabulary import Vocabulary
from tests.artifacts.examples import batch, header
from tests.pipeline.test_result import RESULT
from tests.small import small_encoders

ABOUT = {"experiment": "tiny", "languages": ["en"], "metric": "spans", "scheme": "BIOES"}
RECORDS = [Started(), SetWritten("en-train-1", 1.5)]
SENTENCES = [["in", "Berlin"], ["on", "Tuesday", "!"], ["in"]]


def small_tagger() -> Tagger:
    torch.manual_seed(0)
    vocabulary = Vocabulary.build({word: 1 for sentence in SENTENCES for word in sentence})
    return Tagger(TaggerConfig(encoders=small_encoders(), hidden=4), vocabulary, LabelSet(("O", "S-LOC")))


def write_tagger(folder: Path) -> Path:
    save_tagger(small_tagger(), folder, ABOUT)
    return folder / "tagger.json"


def write_set(folder: Path) -> Path:
    with ShardWriter(folder, header(), shard_rows=4, row_group_rows=2) as writer:
        rows = batch(np.random.default_rng(0), [3, 1, 4, 1, 5, 2])
        writer.write(rows.slice(writer.rows_kept))
    return folder / "manifest.json"


def write_unfinished(folder: Path) -> Path:
    try:
        with ShardWriter(folder, header(), shard_rows=4, row_group_rows=2) as writer:
            writer.write(batch(np.random.default_rng(0), [3, 1, 4, 1, 5, 2]).slice(writer.rows_kept))
            raise InterruptedError
    except InterruptedError:
        return folder / "part-00000.json"


def write_feature_file(folder: Path) -> Path:
    path = folder / "en-train.safetensors"
    write_features(
        path,
        SENTENCES,
        lambda tokens: np.ones((*tokens.index.shape, 3), np.float16),
        encoder="e" * 64,
        width=3,
        log=lambda done: None,
    )
    return path


def write_cost(folder: Path) -> Path:
    Cost(bytes=12, seconds=1.5, precision="float32").write(folder / "en-train.safetensors")
    return folder / "en-train.json"


def write_journal(folder: Path) -> Path:
    with open_journal(folder / "log.jsonl") as journal:
        for record in RECORDS:
            journal.write(to_json(record))
    return folder / "log.jsonl"


def write_state(folder: Path) -> Path:
    path = folder / "training.state"
    Resume(path, "same", 0.0).save({"weights": {"a": torch.arange(99)}})
    return path


def write_rows(folder: Path) -> Path:
    path = folder / "grid.parquet"
    add_rows(path, [dict.fromkeys(SCHEMA) | {"key": "k", "system": "exact", "seed": 1}], {})
    return path


def write_page(folder: Path) -> Path:
    write_report(folder / "report.html", lambda temporary: temporary.write_text("<html>" * 99, "utf-8"))
    return folder / "report.html"


def write_result(folder: Path) -> Path:
    save_result(folder, RESULT)
    return folder / "result.json"


def write_record_of_download(folder: Path) -> Path:
    write_origin(folder / "a", Origin("https://example.org", "0" * 64, "0" * 64, "2026-01-01"))
    return origin_path(folder / "a")


def write_plain_json(folder: Path) -> Path:
    write_json(folder / "some.json", {"some": "json" * 99})
    return folder / "some.json"


WRITERS: dict[str, Callable[[Path], Path]] = {
    "a tagger": write_tagger,
    "an artifact set": write_set,
    "an unfinished artifact set": write_unfinished,
    "features": write_feature_file,
    "what features cost": write_cost,
    "a journal": write_journal,
    "a training's state": write_state,
    "a result": write_result,
    "rows of results": write_rows,
    "a report": write_page,
    "the record of a download": write_record_of_download,
    "JSON": write_plain_json,
}
SEVERAL = {"a tagger": (WEIGHTS, "tagger.json"), "an artifact set": ("part-00000.parquet", "manifest.json")}


def attempts(folder: Path) -> dict[str, str | None]:
    """Write each kind of file; what went wrong, by kind."""
    found: dict[str, str | None] = {}
    for kind, write in WRITERS.items():
        try:
            write(folder / kind)
            found[kind] = None
        except (ValueError, RuntimeError, OSError) as error:
            found[kind] = str(error)
    return found


if __name__ == "__main__":
    _, place, *limits = sys.argv
    for limit in map(int, limits):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        print(json.dumps(attempts(Path(place) / str(limit))))  # noqa: T201
