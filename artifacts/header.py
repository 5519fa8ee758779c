"""The header of an artifact set: its labels, its teacher's transition scores, and its provenance."""

import json
from functools import cached_property
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from structkd.artifacts.hidden import HiddenBasis
from structkd.artifacts.posteriors import PosteriorCode
from structkd.artifacts.schema import SCHEMA_VERSION, ArtifactError, PathKind, shard_schema
from structkd.corpora.labels import LabelSet
from structkd.ground.files import canonical_json, digest_json

METADATA_KEY = b"structkd"


class Record(BaseModel):
    """A frozen value, written as JSON; unknown and missing keys, NaN and infinities are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SetHeader(Record):
    """Labels in the order of their ids, the chain's scores over L labels, and the set's provenance.

    `transitions` is L x L, (from, to); those of a softmax teacher are zero. All scores are finite: JSON has no
    infinities. `posteriors` names the code of the log-posteriors, see `artifacts.posteriors`. `paths` says whether
    they are the k best or drawn from the chain. `hidden` is the basis of the column `hidden`; None if there is no such
    column. `provenance` is JSON: teacher, corpus, settings and code of the set, by digest and by name. Lists are
    accepted as tuples, so a tensor's `.tolist()` works. Raises
    pydantic.ValidationError, a ValueError.
    """

    labels: tuple[str, ...]
    transitions: tuple[tuple[float, ...], ...]
    start: tuple[float, ...]
    end: tuple[float, ...]
    posteriors: PosteriorCode = "float16"
    # Left out where they say nothing, so that the identities of other sets stay as they are.
    paths: PathKind = Field("best", exclude_if=lambda kind: kind == "best")
    hidden: HiddenBasis | None = Field(None, exclude_if=lambda basis: basis is None)
    provenance: dict[str, JsonValue]

    @model_validator(mode="after")
    def _fits(self) -> "SetHeader":
        L = len(LabelSet(self.labels))
        sizes = {"start": len(self.start), "end": len(self.end), "transitions": len(self.transitions)}
        sizes |= {f"transitions[{place}]": len(row) for place, row in enumerate(self.transitions)}
        for name, size in sizes.items():
            if size != L:
                raise ArtifactError(f"{name} has {size} entries, expected {L}: one for each label")
        return self

    @property
    def label_set(self) -> LabelSet:
        """The labels as a `LabelSet`, which maps names to ids."""
        return LabelSet(self.labels)

    @property
    def schema(self) -> pa.Schema:
        """The columns of the set's shards."""
        return shard_schema(len(self.labels), self.posteriors, self.hidden.dim if self.hidden else 0)

    @cached_property
    def identity(self) -> str:
        """SHA-256 of everything that determines the set's content: two sets with the same identity are equal."""
        return digest_json({"schema_version": SCHEMA_VERSION} | self.model_dump(mode="json"))

    def file_metadata(self) -> dict[bytes, bytes]:
        """Return the Parquet key-value metadata that describe a shard."""
        value = {"schema_version": SCHEMA_VERSION, "identity": self.identity} | self.model_dump(mode="json")
        return {METADATA_KEY: canonical_json(value).encode()}


def read_file_metadata(metadata: dict[bytes, bytes] | None) -> dict[str, Any]:
    """Return the JSON object under a shard's `structkd` key; empty if there is none."""
    try:
        value = json.loads((metadata or {})[METADATA_KEY])
    except (KeyError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
