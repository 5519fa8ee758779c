"""Label sets: ordered names, mapped by name and never by position."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from structkd.corpora.sentences import CorpusError


@dataclass(frozen=True)
class LabelSet:
    """The labels of a task in their order; a label's id is its place here."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names:
            raise CorpusError("a label set is empty: the corpora hold no labelled sentence")
        if len(set(self.names)) != len(self.names):
            raise CorpusError(f"a label set names a label twice: {', '.join(self.names)}")

    @classmethod
    def union(cls, *names: Iterable[str]) -> "LabelSet":
        """Return the ordered union: O first, then by type (the part after the first '-'), then by prefix.

        Raises CorpusError for labels that look the same in print.
        """
        found = tuple(sorted(set().union(*names), key=_order))
        _check_looks(found)
        return cls(found)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each name."""
        return {name: place for place, name in enumerate(self.names)}

    def encode(self, labels: Sequence[str]) -> np.ndarray:
        """Return label ids, int64 `[T]`. Raises CorpusError for a label that is not in the set."""
        try:
            return np.fromiter(map(self.ids.__getitem__, labels), np.int64, len(labels))
        except KeyError as error:
            raise CorpusError(
                f"label {error.args[0]!r} is not in the label set ({', '.join(self.names)}); "
                "build the set as the union over all languages"
            ) from None

    def decode(self, ids: Iterable[int]) -> tuple[str, ...]:
        """Return the names of label ids."""
        return tuple(self.names[place] for place in ids)


def _check_looks(names: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(_look(name), name)
        if other != name:
            raise CorpusError(
                f"the labels {other!a} and {name!a} look the same in print; write one of them throughout the corpora"
            )


def _look(name: str) -> str:
    """Return a label as it looks in print: blanks for white space, composed, without invisible characters."""
    shown = (" " if one.isspace() else one for one in unicodedata.normalize("NFKC", name))
    return "".join(one for one in shown if unicodedata.category(one) not in ("Cc", "Cf")).strip()


def _order(name: str) -> tuple[bool, str, str]:
    prefix, dash, kind = name.partition("-")
    return (name != "O", kind if dash else name, prefix if dash else "")
