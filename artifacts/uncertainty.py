"""Sentences without labels, ranked by their teachers' uncertainty: those that are worth labelling next.

The measure is -log p(best path), divided by the sentence's words: whoever labels pays by the word (docs/audit.md
compares measures).
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows

COLUMNS = ["sentence_id", "language", "seen", "tokens", "gold", "path_log_probs"]
SCHEMA: dict[str, type[pl.DataType]] = {
    "language": pl.String,
    "sentence_id": pl.Int64,
    "words": pl.Int64,
    "p_best": pl.Float64,
    "nats_a_word": pl.Float64,
    "sentence": pl.String,
    "set": pl.String,
    "row": pl.Int64,
}


def most_uncertain(sets: Sequence[ArtifactSet], limit: int | None = None) -> pl.DataFrame:
    """Return the sentences without labels of which their teachers are least sure, these first; columns as in `SCHEMA`.

    `p_best` is the probability of the best path, `nats_a_word` is -log p_best divided by `words`. Of sentences with the
    same words one is kept; none is if their teacher was trained on these words. Reads one row group at a time, and
    keeps `limit` sentences; if it is None, all.
    """
    found = [pl.DataFrame(schema=SCHEMA)]
    for artifacts in sets:
        row = 0
        for table in artifacts.row_groups(COLUMNS):
            found.append(_measured(artifacts, table, row))
            row += len(table)
            if limit is not None:
                found = [_ranked(found).head(limit)]
    return _ranked(found)


def _ranked(found: Sequence[pl.DataFrame]) -> pl.DataFrame:
    once = pl.concat(found).unique(["language", "sentence"], keep="first", maintain_order=True)
    return once.sort("nats_a_word", descending=True, maintain_order=True)


def _measured(artifacts: ArtifactSet, table: pa.Table, first: int) -> pl.DataFrame:
    rows = DecodedRows(table)
    places = np.flatnonzero(~rows.has_gold & np.array([seen is not True for seen in rows.seen], bool))
    texts = [" ".join(rows.tokens[place].as_py()) for place in places]
    log_probs = rows.path_log_probs[places, 0].astype(np.float64)
    columns = {
        "language": [rows.language[place] for place in places],
        "sentence_id": rows.sentence_id[places],
        "words": rows.lengths[places],
        "p_best": np.exp(log_probs),
        "nats_a_word": -log_probs / rows.lengths[places],
        "sentence": texts,
        "set": [str(artifacts.folder)] * len(places),
        "row": first + places,
    }
    return pl.DataFrame(columns, SCHEMA)
