"""A reader of JSON lines: an object for each sentence, with lists of words and of labels."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from structkd.corpora.checking import Located, Repair, checked
from structkd.corpora.lines import read_lines
from structkd.corpora.listed import listed_sentence
from structkd.corpora.schemes import Scheme
from structkd.corpora.sentences import CorpusError, Reading
from structkd.corpora.settings import did_you_mean
from structkd.runtime.lines import whole_number


def read_jsonl(
    path: Path,
    *,
    tokens: str = "tokens",
    labels: str | None = "labels",
    names: Sequence[str] | None = None,
    scheme: Scheme | None = None,
    repair: Repair = "none",
) -> Reading:
    """Read the fields `tokens` (a list of strings) and `labels` (a list of strings or integers) of each line.

    Integers index `names`. A line whose labels are null or absent is an unlabelled sentence. Blank lines are skipped.
    Labels are checked against `scheme`, see `corpora.checking`.

    Raises CorpusError, its message starting with `file:line:`.
    """
    found = []
    for number, line in enumerate(read_lines(path), 1):
        if line.strip():
            where = f"{path}:{number}"
            row = json_object(where, line)
            for field in (tokens, *([labels] if labels else [])):
                _check_field(where, row, field, required=field == tokens)
            found.append(Located(listed_sentence(where, row, tokens, labels, names), where))
    if not found:
        raise CorpusError(f"{path}:1: the file holds no sentence")
    return checked(found, scheme, repair)


def json_object(where: str, line: str) -> dict[str, Any]:
    """Return the JSON object in a line. Raises CorpusError for anything else."""
    try:
        row = json.loads(line, parse_int=whole_number)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{where}: not JSON ({error}); expected an object in each line") from None
    if not isinstance(row, dict):
        raise CorpusError(f"{where}: found {type(row).__name__}, expected a JSON object in each line")
    return row


def _check_field(where: str, row: dict[str, Any], field: str, *, required: bool) -> None:
    if field not in row and required:
        raise CorpusError(f"{where}: no field {field!r}, found {', '.join(row)}{did_you_mean(field, row)}")
    value = row.get(field)
    if value is not None and not isinstance(value, list):
        raise CorpusError(f"{where}: {field!r} is {type(value).__name__}, expected a list")
