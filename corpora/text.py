"""Reads unlabelled text: one sentence a line, its words separated by single spaces."""

from pathlib import Path

from structkd.corpora.lines import read_lines
from structkd.corpora.sentences import CorpusError, Sentence


def read_text(path: Path) -> tuple[Sentence, ...]:
    """One sentence without labels for each line. Blank lines may stand only at the end.

    A blank line elsewhere, two spaces together, a space at either end of a line and a tab are errors, because each
    would shift sentences or words against whatever else counts them. Raises CorpusError, its message starting with
    `file:line:`.
    """
    lines = read_lines(path)
    while lines and not lines[-1].strip(" "):
        lines.pop()
    if not lines:
        raise CorpusError(f"{path}:1: the file holds no sentence")
    return tuple(_sentence(path, number, line) for number, line in enumerate(lines, 1))


def _sentence(path: Path, number: int, line: str) -> Sentence:
    if not line.strip(" "):
        raise CorpusError(f"{path}:{number}: a blank line between sentences; every line is a sentence, remove it")
    if "\t" in line:
        raise CorpusError(f"{path}:{number}: a tab; words are separated by single spaces, columns need `columns`")
    tokens = tuple(line.split(" "))
    if "" in tokens:
        column = sum(len(token) + 1 for token in tokens[: tokens.index("")]) + 1
        raise CorpusError(f"{path}:{number}: an empty word at character {column}; separate words by one space each")
    return Sentence(tokens)
