"""What a tagger says of a text as plain data, for JSON lines, Parquet and the server."""

from typing import Any

from .tagging import Entity, Tagged

DIGITS = 4


def record(tagged: Tagged) -> dict[str, Any]:
    """Return a text's record: `text`, `tokens`, `offsets`, `labels`, `probabilities` and `entities`.

    Offsets count characters of the text. Probabilities are rounded to four digits. `labelings` (the k best, each with
    `labels` and `probability`) and `marginals` (a row for each token) are there if they were wanted.
    """
    found: dict[str, Any] = {
        "text": tagged.text,
        "tokens": [word.text for word in tagged.words],
        "offsets": [[word.start, word.end] for word in tagged.words],
        "labels": list(tagged.labels),
        "probabilities": [round(chance, DIGITS) for chance in tagged.probabilities],
        "entities": [_entity(entity) for entity in tagged.entities],
    }
    if tagged.labelings:
        found["labelings"] = [
            {"labels": list(one.labels), "probability": round(one.probability, DIGITS)} for one in tagged.labelings
        ]
    if tagged.marginals is not None:
        found["marginals"] = tagged.marginals.round(DIGITS).tolist()
    return found


def _entity(entity: Entity) -> dict[str, Any]:
    return {
        "type": entity.type,
        "text": entity.text,
        "start": entity.start,
        "end": entity.end,
        "probability": round(entity.probability, DIGITS),
    }
