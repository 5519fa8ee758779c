"""What is written of a finished teacher or student is read as it was, or not at all."""

import json
import random
from functools import partial

import pytest

from structkd.ground.sealed import write_sealed
from structkd.pipeline.results.result import Result, ResultError, SentenceCounts, load_result, save_result

COUNTS = SentenceCounts(right=(1, 0), predicted=(1, 2), gold=(2, 1))
RESULT = Result(
    experiment="tiny",
    system="exact",
    seed=1,
    dev={"sd": 70.5, "mean": 60.0},
    test={"sd": 71.25},
    zero_shot={},
    outcomes={"sd": COUNTS},
    best_dev=65.25,
    best_update=10,
    updates=20,
    words=1234,
    curve=[(10, 2.5, 65.25), (20, 1.5, 64.0)],
    seconds=3.5,
    parameters=99,
    device="cpu",
    peak_memory=None,
    digests={"settings": "ab"},
    versions={"torch": "2.13"},
)


def test_a_result_is_read_as_it_was_written(tmp_path):
    save_result(tmp_path, RESULT)
    assert load_result(tmp_path) == RESULT
    assert json.loads((tmp_path / "result.json").read_text("utf-8"))["test"] == {"sd": 71.25}


def refused(folder, match=None):
    with pytest.raises(ResultError, match=match) as error:
        load_result(folder)
    assert str(folder / "result.json") in str(error.value)
    assert f"delete the folder {folder} and run the command again" in str(error.value)


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", "{", '"a"', "NaN", "[" * 100_000, "\ufeff{}"])
def test_what_is_no_result_is_named_with_what_to_do(tmp_path, content):
    (tmp_path / "result.json").write_text(content, "utf-8")
    refused(tmp_path)


def test_a_changed_bit_is_found(tmp_path):
    """Of 400, drawn: each is an error that names the file, or leaves the values as they were."""
    save_result(tmp_path, RESULT)
    whole, draw, errors = (tmp_path / "result.json").read_bytes(), random.Random(1), 0
    for _ in range(400):
        content = bytearray(whole)
        content[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        (tmp_path / "result.json").write_bytes(content)
        try:
            found = load_result(tmp_path)
        except ResultError:
            refused(tmp_path)
            errors += 1
        else:
            assert found == RESULT
    assert errors > 300


def changed(value, *place, to=None):
    """A copy of a JSON object without what is at `place`, or with another value there."""
    copy = json.loads(json.dumps(value))
    *parents, last = place
    inner = copy
    for name in parents:
        inner = inner[name]
    if to is None:
        del inner[last]
    else:
        inner[last] = to
    return copy


SEALED = RESULT.model_dump(mode="json")
OF_ANOTHER_KIND = {
    "no score on test": (partial(changed, SEALED, "test"), "test: field required"),
    "no curve": (partial(changed, SEALED, "curve"), "curve: field required"),
    "a score that is a text": (partial(changed, SEALED, "dev", "sd", to="70.5"), r"dev\.sd: .*number"),
    "scores in a list": (partial(changed, SEALED, "dev", to=[70.5]), "dev: .*object"),
    "a seed that is a truth": (partial(changed, SEALED, "seed", to=True), "seed: .*integer"),
    "a seed beyond 64 bits": (partial(changed, SEALED, "seed", to=1 << 64), "seed: .*less than"),
    "counts of other sentences": (partial(changed, SEALED, "outcomes", "sd", "gold", to=[1]), "different sentences"),
    "counts of no test": (partial(changed, SEALED, "outcomes", "sd"), "test has sd, outcomes have"),
    "a negative count": (partial(changed, SEALED, "outcomes", "sd", "gold", to=[1, -1]), "gold.1: .*greater"),
    "a point without a score": (partial(changed, SEALED, "curve", 0, to=[10, 2.5]), r"curve\.0\.2: field required"),
}


@pytest.mark.parametrize("name", OF_ANOTHER_KIND)
def test_a_whole_file_that_is_no_result_of_this_version_is_named_with_what_to_do(tmp_path, name):
    make, match = OF_ANOTHER_KIND[name]
    write_sealed(tmp_path / "result.json", make())
    refused(tmp_path, match)
