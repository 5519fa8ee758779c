"""Results versions: a number for each room that determines results, and the digest of the code behind it.

A piece's name contains the numbers of the rooms that make it, not their code: a comment renames nothing. If you change
the results of a room, raise its number here; earlier pieces are then made again, under other names. `tests/results`
contains the results of each room on small inputs, and fails if they change.

Three things inside the rooms have their own numbers, because fewer pieces depend on them: the demo corpus
(`corpora.demo.digest`), augmented text (`corpora.augment`) and features of frozen encoders
(`tagger.encoders.pretrained`).
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from structkd.ground.files import digest_bytes, digest_json

VERSIONS: Mapping[str, int] = MappingProxyType(
    {"crf": 1, "corpora": 2, "tagger": 2, "artifacts": 1, "teachers": 1, "student": 1}
)
TEACHING = ("crf", "corpora", "tagger", "teachers")  # the rooms that determine a teacher
ANNOTATION = (*TEACHING, "artifacts")  # an artifact set
LEARNING = ("crf", "corpora", "tagger", "artifacts", "student")  # a student


def versions_of(rooms: tuple[str, ...]) -> str:
    """Return the results versions of some rooms, as in "crf 1, corpora 2"."""
    return ", ".join(f"{room} {VERSIONS[room]}" for room in rooms)


@lru_cache
def code_digest(*rooms: str) -> str:
    """Return the SHA-256 of the source of some rooms."""
    root = Path(__file__).parents[2]
    sources = sorted(path for room in rooms for path in (root / room).rglob("*") if _is_source(path))
    return digest_json([[str(path.relative_to(root)), digest_bytes(path.read_bytes())] for path in sources])


def _is_source(path: Path) -> bool:
    return path.suffix in (".py", ".toml")
