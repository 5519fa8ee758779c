"""Whoever changes what comes out of a room raises its number."""

import copy

import pytest

from structkd.pipeline.plan.versions import VERSIONS
from tests.results import recorded
from tests.results.rooms import ROOMS


@pytest.mark.parametrize("room", ROOMS)
def test_results_are_those_on_record(room, tmp_path):
    results, known = ROOMS[room](tmp_path), recorded.read()[room]
    if room == "demo" and not results.keys() & known["results"].keys():
        pytest.skip("another version of Faker, which the corpora's name carries, than those on record")
    assert not (fault := recorded.fault(room, results, known)), fault


def test_every_room_that_has_a_number_is_on_record():
    assert {*VERSIONS} < {*ROOMS} == {*recorded.read()}


def test_a_change_names_the_room_and_the_number(tmp_path):
    known = recorded.read()["crf"]
    results = copy.deepcopy(known["results"])
    results["free_viterbi_exact"][0][0] += 1
    results["bound_entropy_close"][0] += 0.01
    assert recorded.fault("crf", results, known) == (
        "results of crf have changed (bound_entropy_close, free_viterbi_exact): raise its number in VERSIONS in "
        "pipeline/plan/versions.py, and put them on record, `python -m tests.results crf`. If a room below has changed "
        "too, raise that one's number alone"
    )


def test_rounding_is_no_change():
    known = recorded.read()["crf"]
    near = [entropy + 1e-5 for entropy in known["results"]["free_entropy_close"]]
    assert not recorded.fault("crf", known["results"] | {"free_entropy_close": near}, known)


def test_a_raised_number_asks_for_a_new_record(monkeypatch):
    monkeypatch.setattr(recorded, "VERSIONS", {**VERSIONS, "corpora": 99})
    known = recorded.read()
    for room in ("corpora", "tagger", "student"):
        assert recorded.fault(room, known[room]["results"], known[room]).startswith("numbers were raised")
    assert not recorded.fault("crf", known["crf"]["results"], known["crf"])
