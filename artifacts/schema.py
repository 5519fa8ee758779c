"""The schema of a shard's rows: the columns of the contract between the stages, and their types."""

from typing import Literal

import pyarrow as pa

from structkd.artifacts.posteriors import CODES, PosteriorCode

SCHEMA_VERSION = 3
NULLABLE = ("gold", "seen")
PathKind = Literal["best", "sampled"]
"""The paths of a set: the teacher's k best; or its best one, and those that were drawn from its chain."""
REMEDY = "restore it from a copy, or delete the folder and run stage one again"


class ArtifactError(ValueError):
    """An unusable artifact set; the message names the file, what was found and what to do."""


def shard_schema(label_count: int, posteriors: PosteriorCode = "float16", hidden: int = 0) -> pa.Schema:
    """Return the columns of a shard over `label_count` labels, without file metadata.

    With `hidden` > 0 there is one more column, `hidden`: a teacher's state of each word in so many dimensions.

    Label ids are uint8 if they fit. Emissions are float16, and so are log-posteriors by default. This costs
    log-posteriors 5e-8 nats of KL; float16 probabilities would cost 1.9e-2 at a temperature of 4.
    `artifacts.posteriors` contains other codes.
    """
    if not 1 <= label_count <= 1 << 16:
        raise ArtifactError(f"a shard holds 1 to {1 << 16} labels, not {label_count}")
    label = pa.uint8() if label_count <= 1 << 8 else pa.uint16()

    def scores(kind: pa.DataType) -> pa.DataType:
        return pa.list_(pa.list_(kind, label_count))

    columns = {
        "sentence_id": pa.int64(),
        "language": pa.dictionary(pa.int32(), pa.string()),
        "teacher": pa.dictionary(pa.int32(), pa.string()),
        "seen": pa.bool_(),
        "tokens": pa.list_(pa.string()),
        "gold": pa.list_(label),
        "paths": pa.list_(pa.list_(label)),
        "path_log_probs": pa.list_(pa.float32()),
        "path_weights": pa.list_(pa.float32()),
        "log_posteriors": scores(CODES[posteriors].kind),
        "emissions": scores(pa.float16()),
        "log_partition": pa.float32(),
    }
    if hidden:
        columns["hidden"] = pa.list_(pa.list_(pa.float16(), hidden))
    return pa.schema([pa.field(name, kind, nullable=name in NULLABLE) for name, kind in columns.items()])


def label_count(schema: pa.Schema) -> int:
    """Return the number of labels L of a shard schema."""
    return int(schema.field("log_posteriors").type.value_type.list_size)


def hidden_dim(schema: pa.Schema) -> int:
    """Return the number of dimensions of the hidden states of a shard schema; 0 if it has none."""
    return int(schema.field("hidden").type.value_type.list_size) if "hidden" in schema.names else 0
