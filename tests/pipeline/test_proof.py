"""Teachers are compared with the baseline on dev before anybody distils from them."""

import polars as pl

from structkd.pipeline.experiment.grid import BASELINE, TEACHERS
from structkd.pipeline.results.comparisons import Entries
from structkd.pipeline.results.proof import proofs, warning
from tests.pipeline.cells import SCORES


def dev(*runs):
    rows = [
        {"seed": seed, "dev": [{"language": name, "score": score} for name, score in run.items()]}
        for seed, run in enumerate(runs, 1)
    ]
    return pl.DataFrame(rows, schema={"seed": pl.Int64, "dev": SCORES})


def test_a_teacher_below_the_mean_baseline_is_named():
    entries = Entries(
        {TEACHERS: dev({"en": 90.0, "de": 70.0, "nl": 80.0}), BASELINE: dev({"en": 80.0, "de": 69.0, "nl": 80.0},
                                                                           {"en": 84.0, "de": 73.0, "nl": 80.0})}
    )  # fmt: skip
    assert [(one.language, one.teacher, one.baseline) for one in proofs(entries)] == [
        ("en", 90.0, 82.0),
        ("de", 70.0, 71.0),
        ("nl", 80.0, 80.0),
    ]
    assert "de (70.00 against 71.00), nl (80.00 against 80.00)." in warning(entries)
    assert "en (" not in warning(entries)


def test_without_a_baseline_there_is_nothing_to_prove():
    assert proofs(Entries({TEACHERS: dev({"en": 90.0})})) == []
    assert proofs(Entries({})) == []
    assert warning(Entries({TEACHERS: dev({"en": 90.0}), BASELINE: dev({"en": 80.0})})) == ""
