"""Cells of a grid, as tests need them."""

import polars as pl

COUNTS = pl.List(pl.UInt16)
OUTCOMES = pl.List(pl.Struct({"language": pl.String, "right": COUNTS, "predicted": COUNTS, "gold": COUNTS}))
SCORES = pl.List(pl.Struct({"language": pl.String, "score": pl.Float64}))


def f1(counts):
    """Percent, of (right, predicted, gold) by sentence."""
    right, predicted, gold = map(sum, zip(*counts, strict=True))
    return 200 * right / max(1, predicted + gold)


def cells(*runs, task="ner", system="exact"):
    """A row for each run, which is the counts (right, predicted, gold) of each sentence, by language."""
    rows = [
        {
            "key": f"{task}-{system}-{seed}",
            "task": task,
            "system": system,
            "seed": seed,
            "test": [{"language": name, "score": f1(counts)} for name, counts in run.items()],
            "outcomes": [
                {"language": name}
                | dict(zip(("right", "predicted", "gold"), map(list, zip(*counts, strict=True)), strict=True))
                for name, counts in run.items()
            ],
        }
        for seed, run in enumerate(runs, start=1)
    ]
    return pl.DataFrame(rows, schema_overrides={"test": SCORES, "outcomes": OUTCOMES})
