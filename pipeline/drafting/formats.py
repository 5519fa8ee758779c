"""The format of a file of labelled sentences, from its content."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from structkd.corpora.checking import Repair
from structkd.corpora.config import FileFormat
from structkd.corpora.conllu import COLUMNS
from structkd.corpora.jsonl import json_object
from structkd.corpora.labelled import read_labelled
from structkd.corpora.lines import read_lines
from structkd.corpora.schemes import Scheme, SchemeError, is_label
from structkd.corpora.sentences import CorpusError

_LOOKED_AT = 5000  # lines or rows of a file
_WORDS, _LABELS = ("tokens", "words", "text"), ("ner_tags", "labels", "tags", "ner", "upos", "pos_tags")


def guess_format(path: Path, others: Sequence[Path]) -> FileFormat:
    """Return the format of `path`: reader, columns of words and labels, metric, and the scheme that fits all files.

    Raises:
        CorpusError: a file in which no words and labels can be told apart.
    """
    guess = {".parquet": _parquet, ".jsonl": _jsonl, ".ndjson": _jsonl}.get(path.suffix, _lines)
    settings, labels = guess(path)
    spans = any(label != "O" for label in labels) and all(is_label(label, "BIOES") for label in labels)
    if not spans:
        return FileFormat(**settings, metric="accuracy")
    for scheme, repair in _schemes(labels):
        found = FileFormat(**settings, scheme=scheme, repair=repair)
        try:
            for one in (path, *others):
                read_labelled(found, one, "und", "train", None)
        except SchemeError:
            continue
        return found
    raise CorpusError(f"{path}: labels look like spans ({', '.join(sorted(labels)[:5])}), but no scheme fits them")


def _schemes(labels: set[str]) -> list[tuple[Scheme, Repair]]:
    """The schemes to try, strict ones first."""
    prefixes = {label[0] for label in labels}
    known: list[Scheme] = ["BIOES"] if prefixes & {"E", "S"} else ["IOB2", "IOB1"]
    return [(scheme, repair) for repair in get_args(Repair) for scheme in known]


def _lines(path: Path) -> tuple[dict[str, Any], set[str]]:
    """Columns, or CoNLL-U."""
    lines = [
        line for line in read_lines(path)[:_LOOKED_AT] if line.strip() and not line.startswith(("#", "-DOCSTART-"))
    ]
    rows = [[part.strip() for part in line.split("\t")] if "\t" in line else line.split() for line in lines]
    if not rows:
        raise CorpusError(f"{path}:1: the file holds no sentence")
    width = max({*map(len, rows)}, key=lambda size: sum(len(row) == size for row in rows))
    rows = [row for row in rows if len(row) == width]
    if width == len(COLUMNS) and all(row[0].partition("-")[0].partition(".")[0].isdecimal() for row in rows):
        return _conllu(rows)
    if width < 2:
        raise CorpusError(f"{path}: found one column; expected a word and its label in each line")
    columns = [{row[place] for row in rows} for place in range(width)]
    labels = next((place for place in reversed(range(width)) if _are_spans(columns[place])), width - 1)
    words = [place for place in range(width) if place != labels and not all(map(str.isdecimal, columns[place]))]
    token = max(words or [0], key=lambda place: (len(columns[place]), -place))
    return {"token_column": token, "label_column": labels if labels != width - 1 else -1}, columns[labels]


def _conllu(rows: Sequence[Sequence[str]]) -> tuple[dict[str, Any], set[str]]:
    """UPOS, or if all words have the same one, the key of MISC that has spans."""
    tags = {row[3] for row in rows}
    pairs = [pair.split("=", 1) for row in rows for pair in row[9].split("|") if "=" in pair]
    for key in dict.fromkeys(key for key, _ in pairs) if len(tags) == 1 else ():
        labels = {"O", *(value for name, value in pairs if name == key)}
        if _are_spans(labels):
            return {"reader": "conllu", "label_column": f"misc:{key}", "missing_label": "O"}, labels
    return {"reader": "conllu", "label_column": "upos"}, tags


def _are_spans(values: set[str]) -> bool:
    return len(values) > 1 and all(is_label(value, "BIOES") for value in values)


def _jsonl(path: Path) -> tuple[dict[str, Any], set[str]]:
    lines = [line for line in read_lines(path)[:_LOOKED_AT] if line.strip()]
    rows = [json_object(f"{path}:{number}", line) for number, line in enumerate(lines, 1)]
    return _lists(path, rows, "jsonl")


def _parquet(path: Path) -> tuple[dict[str, Any], set[str]]:
    import pyarrow.parquet as pq

    from structkd.corpora.parquet import stored_names

    with pq.ParquetFile(path) as file:
        rows = next(file.iter_batches(_LOOKED_AT)).to_pylist() if file.metadata.num_rows else []
        settings, labels = _lists(path, rows, "parquet")
        names = stored_names(file.schema_arrow, settings["label_column"])
    return settings, set(names) if names else labels


def _lists(path: Path, rows: Sequence[dict[str, Any]], reader: str) -> tuple[dict[str, Any], set[str]]:
    """Find a list of words and a list of as many labels."""
    lists = [key for key in (rows[0] if rows else {}) if all(isinstance(row.get(key), list) for row in rows)]
    text = [key for key in lists if all(isinstance(word, str) for row in rows for word in row[key])]
    words = next((key for key in (*_WORDS, *text) if key in text), None)
    same = [key for key in lists if key != words and all(len(row[key]) == len(row[str(words)]) for row in rows)]
    labels = next((key for key in (*_LABELS, *same) if key in same), None)
    if words is None or labels is None:
        raise CorpusError(
            f"{path}: found the fields {json.dumps(list(rows[0] if rows else []))}; expected a list of words and a "
            "list of as many labels in each"
        )
    return {"reader": reader, "token_column": words, "label_column": labels}, {
        str(x) for row in rows for x in row[labels]
    }
