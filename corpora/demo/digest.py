"""The generator's digest: it names a demo corpus without generating it."""

from importlib.metadata import version
from pathlib import Path

from structkd.corpora.files import digest_file, digest_json

_SUFFIXES = (".py", ".toml")


def generator_digest() -> str:
    """SHA-256 of what determines the bytes: this package's sources and language files, and Faker's version.

    Two generators of equal digest give equal corpora for equal (language, split, sentences, seed). Faker's
    version is read from its metadata, because importing Faker takes far longer than this whole call.
    """
    here = Path(__file__).parent
    files = sorted(file for file in here.rglob("*") if file.suffix in _SUFFIXES)
    sources = [[file.relative_to(here).as_posix(), digest_file(file)] for file in files]
    return digest_json({"faker": version("faker"), "sources": sources})
