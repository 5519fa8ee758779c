"""The share of words of public corpora that the splitter of raw text finds; writes docs/splitting.md.

    STRUCTKD_CORPORA=... python -m benchmarks.splitting

A gold word counts as found if the splitter has a word with the same first and last character. Treebanks in CoNLL-U have
the text as people wrote it. Columns files do not: their words are joined by blanks, those of Chinese and Japanese
without, and what is left to see elsewhere is whether the splitter cuts inside a word.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from structkd.corpora import catalog
from structkd.corpora.lines import blocks, read_lines
from structkd.corpora.sentences import CorpusError
from structkd.runtime.splitting import split

DOCUMENT = Path(__file__).parent.parent / "docs" / "splitting.md"
CORPORA = ("conll", "absa", "wikiann", "ud", "zeroshot-wikiann", "zeroshot-ud")
UNSPACED = ("ja", "zh")  # languages that are written without blanks between words
SHOWN = 6  # words in the list of what is cut most often
LIMIT = 95.0

Text = tuple[str, list[tuple[int, int]]]
"""A sentence as it is written, and where its words stand."""

_REASONS = {
    ("conllu", "sl"): "transcribed speech: an event in brackets is one word, as in [gap]",
    ("ud", "sl"): "the same treebank",
    ("ud", "ja"): "no blanks between words: ICU's dictionary has longer words than the treebank, which splits na-t-te",
    ("zeroshot-ud", "zh"): "no blanks between words: ICU's dictionary contains few names and compounds of the treebank",
    ("zeroshot-wikiann", "ur"): "the corpus leaves commas attached to the words before them",
}


@dataclass
class Score:
    """The numbers of found words and of all words, and the words that were not found."""

    found: int = 0
    words: int = 0
    missed: Counter[str] = field(default_factory=Counter)

    @property
    def percent(self) -> float:
        """Share of words that were found."""
        return 100 * self.found / self.words

    def add(self, text: str, gold: Sequence[tuple[int, int]]) -> None:
        """Count the words of one sentence."""
        found = {(word.start, word.end) for word in split(text)}
        self.words += len(gold)
        self.found += sum(place in found for place in gold)
        self.missed.update(text[start:end] for start, end in gold if (start, end) not in found)


def joined(tokens: Iterable[str], spaces: Iterable[bool] | None = None) -> Text:
    """A sentence of words, with a blank after those where `spaces` says so (default: all)."""
    tokens = list(tokens)
    text, places = "", []
    for token, space in zip(tokens, spaces or [True] * len(tokens), strict=True):
        places.append((len(text), len(text) + len(token)))
        text += token + " " * space
    return text, places


def written(path: Path) -> Iterator[Text]:
    """The sentences of a treebank as they were written: multiword tokens are one word."""
    for _, block in blocks(read_lines(path)):
        rows = [line.split("\t") for line in block if not line.startswith("#")]
        whole = [row for row in rows if "-" in row[0] and "." not in row[0]]
        covered = {number for row in whole for number in _range(row[0])}
        words = [row for row in rows if row in whole or (row[0].isdecimal() and int(row[0]) not in covered)]
        yield joined((row[1] for row in words), ("SpaceAfter=No" not in row[9].split("|") for row in words))


def _range(identity: str) -> range:
    first, last = map(int, identity.split("-"))
    return range(first, last + 1)


def measure() -> dict[tuple[str, str], Score]:
    """The scores of all files that are there, by corpus and language."""
    scores: dict[tuple[str, str], Score] = {}
    for name, language, split_name in _files("conllu", *CORPORA):
        path = catalog.source_path(name, language, split_name)
        if not path.is_file():
            continue
        score = scores.setdefault((name, language), Score())
        blank = language not in UNSPACED
        words = _words(name, language, split_name)
        sentences = written(path) if name == "conllu" else (joined(one, [blank] * len(one)) for one in words)
        for text, gold in sentences:
            score.add(text, gold)
    if not scores:
        raise CorpusError(f"no corpora: set ${catalog.ROOT_VARIABLE} to the folder that holds them")
    return scores


def _files(*names: str) -> Iterator[tuple[str, str, catalog.Split]]:
    for name in names:
        for language in catalog.entry(name).languages:
            for one in catalog.entry(name).splits_of(language):
                yield name, language, one


def _words(name: str, language: str, split_name: catalog.Split) -> Iterator[tuple[str, ...]]:
    return (sentence.tokens for sentence in catalog.load(name, language, split_name))


def document(scores: dict[tuple[str, str], Score]) -> str:
    """The page of docs/ that says how the splitter does."""
    rows = [
        f"| {name} | {language} | {score.words} | {score.percent:.2f} | {_seen(score)} |"
        for (name, language), score in scores.items()
    ]
    low = [
        f"- {name} {language}, {score.percent:.2f}: {_REASONS.get((name, language), 'the reason is not known')}"
        for (name, language), score in scores.items()
        if score.percent < LIMIT
    ]
    return _PAGE.format(table="\n".join(rows), limit=LIMIT, low="\n".join(low))


def _seen(score: Score) -> str:
    return ", ".join(f"{word} ({count})".replace("|", r"\|") for word, count in score.missed.most_common(SHOWN))


_PAGE = """# Splitting raw text

`structkd tag` splits raw text by the properties that Unicode gives to characters
([runtime/splitting.py](../runtime/splitting.py)). It knows only two habits of
languages: elision (`l'homme`) and English contraction (`do|n't`). ICU's dictionaries cut scripts without blanks between
words (Chinese, Japanese, Thai, Lao, Khmer, Burmese): `pip install 'structkd[segmentation]'`. With
`--tokenised`, text that is already split keeps its words: only spaces and tabs separate words, as in the files of the
corpora; a no-break space does not.

The table shows the share of gold words that the splitter finds exactly, in all files of a language. `conllu` is raw
text as people wrote it; a multiword token is one word there. Elsewhere the words were joined with blanks, or without
blanks in Chinese and Japanese. There the share shows whether the splitter leaves words whole.
`python -m benchmarks.splitting` writes the table.

Below {limit:.0f} percent, with the reasons:

{low}

| corpus | language | words | percent | not found, most often |
| --- | --- | ---: | ---: | --- |
{table}
"""


def main() -> None:
    """Measure, and write the page."""
    DOCUMENT.write_text(document(measure()), "utf-8")


if __name__ == "__main__":
    main()
