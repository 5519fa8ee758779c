"""The catalog of corpora that experiments name: their descriptions, places and states."""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

from structkd.corpora.columns import read_columns
from structkd.corpora.conllu import read_conllu
from structkd.corpora.origins import read_origin
from structkd.corpora.schemes import Metric, Scheme, convert
from structkd.corpora.sentences import Corpus, CorpusError, Sentence, Split
from structkd.corpora.text import read_text
from structkd.ground.files import digest_file

ROOT_VARIABLE = "STRUCTKD_CORPORA"

Task = Literal["ner", "aspect", "pos"]
State = Literal["present", "unverified", "differs", "absent"]


@dataclass(frozen=True)
class CatalogEntry:
    """The description of a corpus, known before it is read."""

    name: str
    languages: tuple[str, ...]
    splits: tuple[Split, ...]
    path: str
    """Pattern of a file's path under the root, with `{language}` and `{split}`."""
    reader: Literal["columns", "conllu", "text"]
    licence: str
    redistributable: bool
    """False: for research only, or under terms that forbid passing it on."""
    origin: str
    """Public address of the publisher."""
    task: Task | None = None
    metric: Metric | None = None
    scheme: Scheme | None = None
    """None: labels are tags, or there are none."""
    types: tuple[str, ...] = ()
    """The span types, or the tags."""
    defects: str = ""
    missing: tuple[str, ...] = ()
    """`language/split` pairs that do not exist."""
    treebanks: Mapping[str, str] = field(default_factory=dict)
    """The release of a freely downloadable corpus, by language: repository, tag, file stem."""
    largest_bytes: int = 0
    """A size above that of the largest download."""

    @property
    def fetchable(self) -> bool:
        """True if `corpora.fetch` can download it."""
        return bool(self.treebanks)

    def splits_of(self, language: str) -> tuple[Split, ...]:
        """Return the splits of a language."""
        return tuple(split for split in self.splits if f"{language}/{split}" not in self.missing)

    def file(self, language: str, split: Split) -> str:
        """Return a file's path under the root. Raises CorpusError for an unknown language or split."""
        if language not in self.languages:
            raise CorpusError(f"{self.name} has no language {language!r}; it has {', '.join(self.languages)}")
        if split not in self.splits_of(language):
            known = ", ".join(self.splits_of(language))
            raise CorpusError(f"{self.name} has no split {split!r} for {language}; it has {known}")
        return self.path.format(language=language, split=split)


@dataclass(frozen=True)
class FileStatus:
    """One file of a corpus.

    `present`: its digest is the catalog's, or the digest recorded when it was fetched. `unverified`: neither is known.
    `differs`: it is another version, or damaged. `absent`: there is no file.
    """

    language: str
    split: Split
    path: Path
    state: State


def _read_catalog() -> dict[str, CatalogEntry]:
    with Path(__file__).with_name("catalog.toml").open("rb") as file:
        tables = tomllib.load(file)
    return {name: CatalogEntry(name=name, **_frozen(table)) for name, table in tables.items()}


def _frozen(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _read_digests() -> dict[str, str]:
    with Path(__file__).with_name("digests.toml").open("rb") as file:
        return cast("dict[str, str]", tomllib.load(file))


CATALOG: Mapping[str, CatalogEntry] = MappingProxyType(_read_catalog())
DIGESTS: Mapping[str, str] = MappingProxyType(_read_digests())
"""SHA-256 by path under the root."""


def entry(name: str) -> CatalogEntry:
    """Return the catalog's entry. Raises CorpusError for an unknown name, with the nearest known one."""
    if name in CATALOG:
        return CATALOG[name]
    near = get_close_matches(name, CATALOG, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(CATALOG)}"
    raise CorpusError(f"no corpus {name!r} in the catalog; {hint}")


def corpora_root() -> Path | None:
    """Return the folder that `$STRUCTKD_CORPORA` names, None if it is not set."""
    value = os.environ.get(ROOT_VARIABLE)
    return Path(value).expanduser() if value else None


def source_path(name: str, language: str, split: Split, root: Path | None = None) -> Path:
    """Return the path of a corpus's file under `root` (default: `$STRUCTKD_CORPORA`); the file may be absent."""
    file = entry(name).file(language, split)
    found = root or corpora_root()
    if found is None:
        raise CorpusError(f"{file} of corpus {name!r}: no root given; {_advice(name)}")
    return found / file


def load(name: str, language: str, split: Split, *, root: Path | None = None, scheme: Scheme | None = None) -> Corpus:
    """Read a corpus and check its labels; write them in `scheme` if one is given.

    Raises CorpusError for a missing or malformed file, a label that the corpus does not have, and a `scheme` for a
    corpus whose labels are not spans. Raises SchemeError for labels that are not valid in the catalog's scheme.
    """
    found = entry(name)
    if scheme is not None and found.scheme is None:
        raise CorpusError(f"{name} has no spans to write in {scheme}; leave the scheme out")
    path = source_path(name, language, split, root)
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; {_advice(name)}")
    sentences = _read(found, path)
    _check_types(found, path, sentences)
    if found.scheme is not None and scheme not in (None, found.scheme):
        sentences = tuple(_converted(sentence, found.scheme, scheme) for sentence in sentences)
    return Corpus(language, split, sentences)


def status(name: str, root: Path) -> list[FileStatus]:
    """Return the state of each file of a corpus; reads every file for its digest."""
    found = entry(name)
    return [
        FileStatus(language, split, source_path(name, language, split, root), file_state(name, language, split, root))
        for language in found.languages
        for split in found.splits_of(language)
    ]


def file_state(name: str, language: str, split: Split, root: Path) -> State:
    """Return the state of one file; see FileStatus."""
    path = source_path(name, language, split, root)
    if not path.is_file():
        return "absent"
    origin = read_origin(path)
    known = {DIGESTS.get(entry(name).file(language, split)), origin and origin.sha256} - {None}
    if not known:
        return "unverified"
    return "present" if digest_file(path) in known else "differs"


def _advice(name: str) -> str:
    found = entry(name)
    get = f"run `structkd corpora fetch {name}`" if found.fetchable else f"obtain it from {found.origin}"
    return f"set {ROOT_VARIABLE} to the folder that holds {found.path}, or {get}"


def _read(found: CatalogEntry, path: Path) -> tuple[Sentence, ...]:
    readers: dict[str, Callable[[Path], tuple[Sentence, ...]]] = {
        "columns": lambda path: read_columns(path, scheme=found.scheme, comments="never").sentences,
        "conllu": lambda path: read_conllu(path).sentences,
        "text": lambda path: tuple(read_text(path)),
    }
    return readers[found.reader](path)


def _check_types(found: CatalogEntry, path: Path, sentences: tuple[Sentence, ...]) -> None:
    known = set(found.types)
    for number, sentence in enumerate(sentences, 1):
        names = set(sentence.labels or ())
        if found.scheme is not None:
            names = {name.partition("-")[2] for name in names if name != "O"}
        if not names <= known:
            strange = ", ".join(sorted(names - known))
            raise CorpusError(
                f"{path}: sentence {number} is labelled {strange}; {found.name} has {', '.join(found.types)}"
            )


def _converted(sentence: Sentence, source: Scheme, target: Scheme | None) -> Sentence:
    if sentence.labels is None or target is None:
        return sentence
    return Sentence(sentence.tokens, convert(sentence.labels, source, target))
