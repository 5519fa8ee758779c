"""A reader of unlabelled text: one sentence per line, words separated by single spaces."""

from pathlib import Path

from structkd.corpora.lines import read_lines
from structkd.corpora.sentences import CorpusError, Sentence


def read_text(path: Path) -> tuple[Sentence, ...]:
    """Read one sentence without labels from each line. Blank lines are allowed only at the end.

    A blank line elsewhere, two spaces together and a tab are errors: each would shift the numbers of sentences or
    words. White space at the ends of a line does not. Raises CorpusError, its message starting with `file:line:`.
    """
    lines = [line.strip() for line in read_lines(path)]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise CorpusError(f"{path}:1: the file holds no sentence")
    return tuple(_sentence(path, number, line) for number, line in enumerate(lines, 1))


def _sentence(path: Path, number: int, line: str) -> Sentence:
    if not line:
        raise CorpusError(f"{path}:{number}: a blank line between sentences; every line is a sentence, remove it")
    if "\t" in line:
        raise CorpusError(f"{path}:{number}: a tab; words are separated by single spaces, columns need `columns`")
    tokens = tuple(token.strip() for token in line.split(" "))
    if "" in tokens:
        place = tokens.index("") + 1
        raise CorpusError(f"{path}:{number}: word {place} of the line is empty; separate words by one space each")
    return Sentence(tokens)
