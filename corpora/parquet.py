"""A reader of Parquet: one row per sentence, with lists of words and of labels."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from structkd.corpora.checking import Located, Repair, checked
from structkd.corpora.listed import listed_sentence
from structkd.corpora.schemes import Scheme
from structkd.corpora.sentences import CorpusError, Reading

if TYPE_CHECKING:
    import pyarrow as pa


def read_parquet(
    path: Path,
    *,
    tokens: str = "tokens",
    labels: str | None = "labels",
    names: Sequence[str] | None = None,
    scheme: Scheme | None = None,
    repair: Repair = "none",
) -> Reading:
    """Read the columns `tokens` (lists of strings) and `labels` (lists of strings or integers).

    Integers index `names`; without `names` they index the names that Hugging Face `datasets` writes into the file's
    metadata. A row whose labels are null is an unlabelled sentence; so is every row if `labels` is None. White space at
    the ends of a word or label is removed. Labels are checked against `scheme`, see `corpora.checking`.

    Raises CorpusError, its message starting with `file:row group G, row R:` (rows counted from 0 over the file).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            columns = [tokens] if labels is None else [tokens, labels]
            _check_schema(path, file.schema_arrow, tokens, labels)
            known = names if names is not None or labels is None else stored_names(file.schema_arrow, labels)
            found = [
                Located(listed_sentence(where, values, tokens, labels, known), where)
                for where, values in _rows(path, file, columns)
            ]
    except pa.ArrowException as error:
        raise CorpusError(f"{path}: not a readable Parquet file: {error}") from error
    if not found:
        raise CorpusError(f"{path}: the file holds no sentence")
    return checked(found, scheme, repair)


def _rows(path: Path, file: Any, columns: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of a file, and their places."""
    row = 0
    for group in range(file.num_row_groups):
        for values in file.read_row_group(group, columns=columns).to_pylist():
            yield f"{path}:row group {group}, row {row}", values
            row += 1


def _check_schema(path: Path, schema: "pa.Schema", tokens: str, labels: str | None) -> None:
    import pyarrow.types as types

    def fits(kind: Any, integers: bool) -> bool:
        if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
            return False
        item = kind.value_type.value_type if types.is_dictionary(kind.value_type) else kind.value_type
        text = types.is_string(item) or types.is_large_string(item) or types.is_string_view(item)
        return bool(text or (integers and types.is_integer(item)))

    for column, integers in ((tokens, False), (labels, True)):
        if column is None:
            continue
        if schema.names.count(column) != 1:
            setting = "label_column" if integers else "token_column"
            raise CorpusError(
                f"{path}: no column {column!r}; the file has {', '.join(map(repr, schema.names))}; name one of them as "
                f"{setting} (evaluate: --{setting.replace('_', '-')})"
            )
        if not fits(schema.field(column).type, integers):
            wanted = "a list of strings or integers" if integers else "a list of strings"
            raise CorpusError(f"{path}: column {column!r} is {schema.field(column).type}; expected {wanted}")


def stored_names(schema: "pa.Schema", column: str) -> list[str] | None:
    """Return the class names that `datasets` stores for a list column (as a list or as its `feature`)."""
    stored: Any = (schema.metadata or {}).get(b"huggingface")
    try:
        feature = json.loads(stored)["info"]["features"][column] if stored else {}
        item = feature[0] if isinstance(feature, list) else feature.get("feature", {})
        names: list[str] | None = item.get("names")
        return names
    except (ValueError, LookupError, AttributeError, TypeError):
        return None  # another program's metadata; integers then need `names`
