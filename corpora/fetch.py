"""Download of the corpora that are free to download: the Universal Dependencies treebanks of release 2.5."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from structkd.corpora.catalog import DIGESTS, CatalogEntry, entry, file_state, source_path
from structkd.corpora.conllu import read_conllu
from structkd.corpora.origins import Origin, read_origin, write_origin
from structkd.corpora.sentences import CorpusError, Sentence, Split
from structkd.ground.files import atomic_path, digest_bytes, digest_file

BASE_URL = "https://raw.githubusercontent.com/UniversalDependencies"

_RELEASE = "conllu"  # the corpus of the treebanks as released, from which `ud` is made
_CARVE_SEED = 2020


def fetch(
    name: str,
    root: Path,
    *,
    languages: Sequence[str] | None = None,
    base_url: str | None = None,
    progress: Callable[[Path], None] | None = None,
) -> list[Path]:
    """Download a corpus into its place under `root`; return all its files, including those that were already there.

    `ud` is made from `conllu`, which is fetched with it. `base_url` is a mirror's address, in place of `BASE_URL`;
    `progress` is called with each finished file. A file is whole or absent. A download is checked against the catalog's
    SHA-256, or if the catalog has none, against the SHA-256 that an earlier fetch recorded beside the file.

    Raises CorpusError for a corpus that is not free to download (the message names its source), a failed download,
    unexpected bytes, and an existing file of another version, which is never overwritten.
    """
    found = entry(name)
    if not found.fetchable:
        raise CorpusError(_elsewhere(found, root))
    get = _fetch_release if name == _RELEASE else _fetch_tags
    chosen = found.languages if languages is None else tuple(languages)
    for language in chosen:
        found.file(language, found.splits[0])  # an unknown language is an error before anything is downloaded
    done = []
    for language in chosen:
        for split in found.splits_of(language):
            done.append(get(language, split, root, base_url or BASE_URL))
            if progress is not None:
                progress(done[-1])
    return done


def carve_dev(sentences: Sequence[Sentence]) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    """Split a train set into train and dev: a tenth, drawn with a fixed seed, becomes dev; both keep the order."""
    order = list(range(len(sentences)))
    Random(_CARVE_SEED).shuffle(order)
    tenth = len(sentences) // 10
    dev, train = sorted(order[:tenth]), sorted(order[tenth:])
    return tuple(sentences[place] for place in train), tuple(sentences[place] for place in dev)


def _elsewhere(found: CatalogEntry, root: Path) -> str:
    terms = found.licence if found.redistributable else f"{found.licence}; it may not be passed on"
    return (
        f"{found.name} cannot be downloaded by this command ({terms}): obtain it from {found.origin} "
        f"and put its files at {root / found.path}"
    )


def _fetch_release(language: str, split: Split, root: Path, base_url: str) -> Path:
    """Fetch one file of a treebank as released."""
    path = source_path(_RELEASE, language, split, root)
    if _have(_RELEASE, language, split, root):
        return path
    found = entry(_RELEASE)
    address = f"{base_url.rstrip('/')}/{found.treebanks[language]}-{split}.conllu"
    recorded = read_origin(path)
    expected = DIGESTS.get(found.file(language, split)) or (recorded.downloaded_sha256 if recorded else None)
    data = _download(address, expected)
    digest = digest_bytes(data)
    _place(path, data, Origin(address, digest, digest, _today()))
    return path


def _fetch_tags(language: str, split: Split, root: Path, base_url: str) -> Path:
    """Make one file of words and their UPOS tags from the release."""
    path = source_path("ud", language, split, root)
    if _have("ud", language, split, root):
        return path
    carved = "dev" not in entry(_RELEASE).splits_of(language)
    released = _fetch_release(language, "train" if carved and split == "dev" else split, root, base_url)
    sentences = read_conllu(released).sentences
    note = "words and UPOS of the release; spaces inside a word became no-break spaces"
    if carved and split != "test":
        train, dev = carve_dev(sentences)
        sentences = dev if split == "dev" else train
        note += f"; the release has no dev: a tenth of its train was drawn with seed {_CARVE_SEED}"
    data = _columns(sentences).encode()
    source = read_origin(released)
    digest = digest_file(released)
    _place(path, data, Origin(source.address if source else "", digest, digest_bytes(data), _today(), note))
    return path


def _have(name: str, language: str, split: Split, root: Path) -> bool:
    """True if a file is there and right. Raises CorpusError if another file is in its place."""
    state = file_state(name, language, split, root)
    if state in ("present", "absent"):
        return state == "present"
    path = source_path(name, language, split, root)
    raise CorpusError(
        f"{path}: the file there is neither the catalog's version nor one fetched before; it was left as it is: "
        "move it away to fetch the release"
    )


def _download(address: str, known: str | None) -> bytes:
    """Download an address; check that it is CoNLL-U, ends at the end of a sentence, and has the known SHA-256."""
    from structkd.corpora.download import download  # loads pooch

    data = download(address, known=known, most=entry(_RELEASE).largest_bytes)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "file"
        path.write_bytes(data)
        try:
            read_conllu(path)
        except CorpusError as error:
            raise CorpusError(f"{address}: what came is not a treebank: {error}") from error
    if not data.endswith(b"\n\n"):
        raise CorpusError(f"{address}: the file ends inside a sentence; fetch it again")
    return data


def _place(path: Path, data: bytes, origin: Origin) -> None:
    # The record goes first: a file without one could not be told from a stranger's.
    write_origin(path, origin)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def _columns(sentences: Sequence[Sentence]) -> str:
    r"""Return `word\ttag` lines, a blank line after each sentence; tools that split at spaces can read them too."""
    return "".join(
        "".join(
            f"{token.replace(' ', chr(0xA0))}\t{label}\n"
            for token, label in zip(sentence.tokens, sentence.labels or (), strict=True)
        )
        + "\n"
        for sentence in sentences
    )


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
