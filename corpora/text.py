"""A reader of unlabelled text: one sentence per line, words separated by single spaces."""

from collections.abc import Iterator
from pathlib import Path

from structkd.corpora.lines import iterate_lines
from structkd.corpora.sentences import CorpusError, Sentence


def read_text(path: Path) -> Iterator[Sentence]:
    """Yield a sentence without labels from each line as it is read. Blank lines are allowed only at the end.

    A blank line elsewhere, two spaces together and a tab are errors: each would shift the numbers of sentences or
    words. White space at the ends of a line does not. Raises CorpusError, its message starting with `file:line:`.
    """
    blank = number = 0
    for number, line in enumerate(map(str.strip, iterate_lines(path)), 1):
        if not line:
            blank = blank or number
            continue
        if blank:
            raise CorpusError(f"{path}:{blank}: a blank line between sentences; every line is a sentence, remove it")
        yield _sentence(path, number, line)
    if number == 0 or blank == 1:
        raise CorpusError(f"{path}:1: the file holds no sentence")


def _sentence(path: Path, number: int, line: str) -> Sentence:
    if "\t" in line:
        raise CorpusError(f"{path}:{number}: a tab; words are separated by single spaces, columns need `columns`")
    tokens = tuple(token.strip() for token in line.split(" "))
    if "" in tokens:
        place = tokens.index("") + 1
        raise CorpusError(f"{path}:{number}: word {place} of the line is empty; separate words by one space each")
    return Sentence(tokens)
