"""Languages and splits in the names of files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from structkd.corpora.sentences import CorpusError, Split
from structkd.corpora.settings import named_once

_SPLITS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("dev", "devel", "development", "valid", "validation", "val", "testa"), "dev"),
    **dict.fromkeys(("test", "eval", "tst", "testb"), "test"),
    **dict.fromkeys(("unlabelled", "unlabeled", "raw", "text"), "unlabelled"),
}
_PIECE = re.compile(r"[^\W_]+(?:-[A-Z]\w+)?")  # a word or a tag of a language such as zh-Hans
_CODE = re.compile(r"[a-z]{2,3}")
UNKNOWN = "und"
"""The code of a language that nobody has named (ISO 639-2)."""


@dataclass(frozen=True)
class NamedFiles:
    """Files of several languages and splits, under one pattern."""

    pattern: str
    """Their path, with {split} and {language} in it."""
    languages: tuple[str, ...]
    splits: dict[Split, str]
    """What stands for each split in the names."""

    def path(self, language: str, split: Split) -> Path:
        """Return the file of a language and a split."""
        return Path(self.pattern.format(language=language, split=self.splits[split]))


def named_files(paths: Sequence[Path]) -> tuple[NamedFiles, NamedFiles | None]:
    """Find languages and splits in the names of files: labelled ones, and text that has no labels.

    Raises:
        CorpusError: a name without a split, names that differ in more than language and split, or a missing file.
    """
    split = {path: _split_of(path) for path in paths}
    labelled = [path for path in paths if split[path][0] != "unlabelled"]
    texts = [path for path in paths if split[path][0] == "unlabelled"]
    if not labelled:
        raise CorpusError("found no file of train, dev and test; expected the split in the name, as in en/train.conll")
    found = _named(labelled, split)
    for language in found.languages:
        for wanted in ("train", "dev", "test"):
            if wanted not in found.splits or not found.path(language, wanted).is_file():
                name = found.pattern.format(language=language, split=found.splits.get(wanted, wanted))
                raise CorpusError(f"{name}: no such file; an experiment needs train, dev and test of each language")
    return found, _named(texts, split) if texts else None


def _split_of(path: Path) -> tuple[Split, tuple[int, int]]:
    """Return a path's split and its place in the path: the last piece of it that names one."""
    for piece in reversed(list(_PIECE.finditer(str(path)))):
        if split := _SPLITS.get(piece[0].lower()):
            return split, piece.span()
    raise CorpusError(
        f"{path}: no split in the name; expected one of {', '.join(sorted(_SPLITS))}, as in data/en/train.conll"
    )


def _named(paths: Sequence[Path], found: dict[Path, tuple[Split, tuple[int, int]]]) -> NamedFiles:
    if len(ends := sorted({path.suffix for path in paths})) > 1:
        raise CorpusError(
            f"{paths[0]}, ...: found files that end in {', '.join(ends)}; an experiment reads one format: write all of "
            "them in one"
        )
    splits: dict[Split, str] = {}
    patterns = []
    for path in paths:
        split, (start, end) = found[path]
        text = str(path)
        if splits.setdefault(split, text[start:end]) != text[start:end]:
            raise CorpusError(
                f"{path}: {split} is called {text[start:end]} here and {splits[split]} elsewhere; call it one name"
            )
        before, after = (part.replace("{", "{{").replace("}", "}}") for part in (text[:start], text[end:]))
        patterns.append(f"{before}\0{after}")
    pattern, languages = _language_of(list(dict.fromkeys(patterns)))
    return NamedFiles(pattern.replace("\0", "{split}"), tuple(languages), splits)


def _language_of(patterns: Sequence[str]) -> tuple[str, list[str]]:
    """Return the one pattern of all, with a hole for the language, and the languages."""
    if len(patterns) == 1:
        stem = patterns[0].removesuffix(Path(patterns[0]).suffix)
        codes = [piece for piece in _PIECE.finditer(stem) if _CODE.fullmatch(piece[0])]
        if not codes:
            return patterns[0], [UNKNOWN]
        start, end = codes[-1].span()
        return f"{patterns[0][:start]}{{language}}{patterns[0][end:]}", [codes[-1][0]]
    parts = [_PIECE.split(pattern) for pattern in patterns]
    pieces = [_PIECE.findall(pattern) for pattern in patterns]
    places = [place for place, column in enumerate(zip(*pieces, strict=False)) if len({*column}) > 1]
    languages = [{one[place] for place in places} for one in pieces]
    if len({*map(tuple, parts)}) > 1 or not places or any(len(names) > 1 for names in languages):
        first, last = (pattern.replace("\0", "train") for pattern in (patterns[0], patterns[-1]))
        raise CorpusError(
            f"{first} and {last}: their names differ in more than language and split; "
            "name all files by one pattern, as in data/en/train.conll and data/de/train.conll"
        )
    words = ["{language}" if place in places else piece for place, piece in enumerate(pieces[0])]
    pattern = "".join(between + word for between, word in zip(parts[0], [*words, ""], strict=True))
    names = [next(iter(one)) for one in languages]
    named_once(names)
    return pattern, names
