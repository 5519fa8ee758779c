"""The results that are on record, and how new ones differ from them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from structkd.corpora import augment
from structkd.corpora.demo import digest as demo
from structkd.pipeline.plan.versions import VERSIONS
from structkd.tagger.encoders import pretrained

FILE = Path(__file__).with_name("recorded.json")
TOLERANCE = 5e-4  # relative and absolute; with AVX-512, AVX2 or SSE alone, all numbers agree to 1e-6
_BASE = ("crf", "corpora", "tagger")
STANDS_ON = {
    "tagger": ("crf", "corpora"),
    "artifacts": ("corpora",),
    "teachers": (*_BASE, "artifacts"),
    "student": (*_BASE, "artifacts"),
}
RECORD = "python -m tests.results"


@dataclass(frozen=True)
class Number:
    """The number of a room, or of a thing that has one of its own: what it is, and where it stands."""

    value: int
    place: str


def number_of(room: str) -> Number:
    """A room's number."""
    own = {
        "demo": Number(demo.VERSION, "VERSION in corpora/demo/digest.py"),
        "augmented": Number(augment.VERSION, "VERSION in corpora/augment.py"),
        "features": Number(pretrained.FEATURES, "FEATURES in tagger/encoders/pretrained.py"),
    }
    return own[room] if room in own else Number(VERSIONS[room], "VERSIONS in pipeline/plan/versions.py")


def numbers_of(room: str) -> dict[str, int]:
    """The numbers of a room and of those that it stands on."""
    return {name: number_of(name).value for name in (*STANDS_ON.get(room, ()), room)}


def read() -> dict[str, Any]:
    """What is on record of each room: `numbers` and `results`."""
    return json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}


def as_read(results: Any) -> Any:
    """Results as they are when they have been written and read again."""
    return json.loads(json.dumps(results))


def fault(room: str, results: dict[str, Any], recorded: dict[str, Any]) -> str:
    """What to do where a room's results are not those on record; empty where they are."""
    differ = list(differences(as_read(results), recorded["results"]))
    if numbers_of(room) != recorded["numbers"]:
        return f"numbers were raised: put the new results on record, `{RECORD} {room}`"
    if not differ:
        return ""
    return (
        f"results of {room} have changed ({', '.join(differ[:5])}): raise its number in {number_of(room).place}, and "
        f"put them on record, `{RECORD} {room}`. If a room below has changed too, raise that one's number alone"
    )


def differences(found: dict[str, Any], expected: dict[str, Any]) -> Iterator[str]:
    """The keys of results that differ."""
    for key in sorted(found.keys() | expected.keys()):
        if key not in found or key not in expected or not _same(key, found[key], expected[key]):
            yield key


def _same(key: str, found: Any, expected: Any) -> bool:
    if key.endswith("_exact"):
        return bool(found == expected)
    if key.endswith("_labels"):  # after a training: nearly all
        pairs = list(zip(" ".join(found).split(), " ".join(expected).split(), strict=True))
        return sum(one == other for one, other in pairs) >= 0.9 * len(pairs)
    one, other = _numbers(found), _numbers(expected)
    return one.shape == other.shape and np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)


def _numbers(values: Any) -> np.ndarray:
    """The numbers in nested lists, in their order."""
    if isinstance(values, list):
        return np.concatenate([_numbers(value) for value in values] or [np.zeros(0)])
    return np.array([values], float)
