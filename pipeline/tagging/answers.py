"""The answer to a text as fields, for JSON lines and Parquet."""

from typing import Any

from structkd.runtime.records import record
from structkd.runtime.tagging import Tagged, Wanted

FIELDS = ("text", "tokens", "offsets", "labels", "probabilities", "entities")


def answer_fields(wanted: Wanted, under: str | None) -> frozenset[str]:
    """Return the names of the fields that are added to an input."""
    return frozenset((under,) if under else (*FIELDS, *(("labelings",) if wanted.k else ())))


def answer(tagged: Tagged, wanted: Wanted, known: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the fields of an answer without those that are `known`; every answer has the same."""
    found = record(tagged) | ({"labelings": []} if wanted.k and not tagged.labelings else {})
    return {name: value for name, value in found.items() if name not in known}
