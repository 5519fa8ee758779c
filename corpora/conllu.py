"""A reader of CoNLL-U, the format of Universal Dependencies (https://universaldependencies.org/format.html)."""

import re
from collections.abc import Sequence
from pathlib import Path

from structkd.corpora.checking import Located, Repair, checked
from structkd.corpora.lines import blocks, read_lines
from structkd.corpora.schemes import Scheme
from structkd.corpora.sentences import CorpusError, Reading, Sentence
from structkd.corpora.settings import did_you_mean

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")

_RANGE = re.compile(r"([1-9][0-9]*)-([1-9][0-9]*)")
_EMPTY_NODE = re.compile(r"(0|[1-9][0-9]*)\.[1-9][0-9]*")


def read_conllu(
    path: Path,
    *,
    column: str | None = "upos",
    scheme: Scheme | None = None,
    repair: Repair = "none",
    missing_label: str = "_",
) -> Reading:
    """Read the syntactic words of a treebank, labelled with one of its columns, or unlabelled if `column` is None.

    `column` is one of `COLUMNS`, or a key of one, such as `feats:Case` or `misc:SpaceAfter`: a word without that key is
    labelled `missing_label`, and at least one word must have it. In a whole column `_` means "not annotated" and is an
    error. Multiword tokens (`1-2`) are read as their words; empty nodes (`1.1`) and comments are skipped. Words may
    contain spaces, except at their ends. Labels are checked against `scheme`, see `corpora.checking`.

    Raises CorpusError, its message starting with `file:line:`, also where a line has not exactly ten columns or a
    sentence's ids do not run 1, 2, 3.
    """
    place, key = _parse_column(column)
    found: list[Located] = []
    keys: set[str] = set()
    for first, block in blocks(read_lines(path)):
        words = _words(path, first, block)
        if words:
            tokens = tuple(fields[1] for _, fields in words)
            labels = None
            if place is not None:
                labels = tuple(_label(f"{path}:{line}", fields, place, key) or missing_label for line, fields in words)
                keys.update(*(_pairs(fields[place]) for _, fields in words if key))
            found.append(Located(Sentence(tokens, labels), str(path), [line for line, _ in words]))
    if not found:
        raise CorpusError(f"{path}:1: the file holds no sentence")
    if key and key not in keys:
        known = f"these exist: {', '.join(sorted(keys))}" if keys else "none has any key"
        raise CorpusError(f"{path}: no word has the key {key!r} of {column!r}; {known}{did_you_mean(key, keys)}")
    return checked(found, scheme, repair)


def _parse_column(column: str | None) -> tuple[int | None, str]:
    if column is None:
        return None, ""
    name, colon, key = column.partition(":")
    if name not in COLUMNS or (colon and (name not in ("feats", "misc") or not key)):
        raise CorpusError(
            f"column {column!r} is none of {', '.join(COLUMNS)}, feats:KEY and misc:KEY{did_you_mean(name, COLUMNS)}"
        )
    return COLUMNS.index(name), key


def _words(path: Path, first: int, block: Sequence[str]) -> list[tuple[int, list[str]]]:
    """Return the syntactic words of one sentence: line numbers and columns."""
    words: list[tuple[int, list[str]]] = []
    covered = 0  # the last word that a multiword token claims
    for line, text in enumerate(block, first):
        if text.startswith("#"):
            continue
        fields = [field.strip() for field in text.split("\t")]
        if len(fields) != len(COLUMNS):
            raise CorpusError(f"{path}:{line}: {len(fields)} columns; CoNLL-U has ten, separated by tabs")
        if fields[0] == str(len(words) + 1):
            if not fields[1]:
                raise CorpusError(f"{path}:{line}: the form is empty")
            words.append((line, fields))
        else:
            covered = _covered(f"{path}:{line}", fields[0], len(words), covered)
    if covered > len(words):
        last = first + len(block) - 1
        raise CorpusError(f"{path}:{last}: a multiword token reaches to word {covered}; the sentence has {len(words)}")
    return words


def _covered(where: str, identity: str, words: int, covered: int) -> int:
    """Check the id of a line that is not the next word; return the last word that a multiword token claims."""
    empty = _EMPTY_NODE.fullmatch(identity)
    if empty and int(empty[1]) == words:
        return covered
    span = _RANGE.fullmatch(identity)
    if span and covered < int(span[1]) == words + 1 < int(span[2]):
        return int(span[2])
    raise CorpusError(
        f"{where}: id {identity!r} after {words} words; expected {words + 1}, "
        f"a multiword token from {words + 1} on or an empty node {words}.1"
    )


def _label(where: str, fields: Sequence[str], place: int, key: str) -> str | None:
    """Return a word's label, None if it does not have the key."""
    value = fields[place]
    if key:
        return _pairs(value).get(key)
    if value in ("", "_"):
        raise CorpusError(f"{where}: word {fields[1]!r} has no {COLUMNS[place]} ({value!r}); choose another column")
    return value


def _pairs(value: str) -> dict[str, str]:
    """Return the keys of a field of pairs `key=value`, and their values."""
    pairs = (pair.partition("=") for pair in value.split("|") if pair != "_")
    return {name.strip(): found.strip() for name, _, found in pairs}
