"""Sentences from rows that hold a list of words and a list of labels, as Parquet and JSON lines have them."""

from collections.abc import Mapping, Sequence
from typing import Any

from structkd.corpora.sentences import CorpusError, Sentence


def listed_sentence(
    where: str, values: Mapping[str, Any], tokens: str, labels: str | None, names: Sequence[str] | None
) -> Sentence:
    """Return the sentence of a row; unlabelled if its labels are null, or if `labels` is None.

    White space at the ends of a word or label is removed.

    Args:
        where: the row's place, for errors.
        tokens, labels: the keys of both lists.
        names: what labels that are integers stand for.

    Raises:
        CorpusError: values that are no such lists.
    """
    words = values[tokens]
    if not words:
        raise CorpusError(f"{where}: {tokens!r} is {'null' if words is None else 'empty'}; remove the row")
    tokens_found = tuple(_word(where, place, word) for place, word in enumerate(words))
    given = values.get(labels) if labels is not None else None
    if given is None:
        return Sentence(tokens_found)
    if len(given) != len(words):
        raise CorpusError(f"{where}: {len(words)} words but {len(given)} labels")
    return Sentence(tokens_found, tuple(_label(where, place, value, names) for place, value in enumerate(given)))


def _word(where: str, place: int, value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise CorpusError(f"{where}: word {place} is {value!r}, expected text")
    word = (value or "").strip()
    if not word:
        raise CorpusError(f"{where}: word {place} is null or empty")
    return word


def _label(where: str, place: int, value: Any, names: Sequence[str] | None) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    if value is None or isinstance(value, str):
        raise CorpusError(f"{where}: label {place} is null or empty")
    if not isinstance(value, int) or isinstance(value, bool):
        raise CorpusError(f"{where}: label {place} is {value!r}, expected text or an integer")
    if names is None:
        raise CorpusError(
            f"{where}: label {place} is the integer {value} and the file stores no names; list them in the order of "
            "their numbers as label_names (evaluate: --label-names O,B-PER,...)"
        )
    if not 0 <= value < len(names):
        raise CorpusError(f"{where}: label {place} is {value}; there are {len(names)} names")
    return names[value].strip()
