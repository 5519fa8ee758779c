"""`import structkd` is the public API: cheap to import, and enough to run an experiment and to use what comes out."""

import subprocess
import sys

import pytest
import torch
from jaxtyping import TypeCheckError

import structkd
from tests.pipeline.tiny import structkd as command
from tests.pipeline.tiny import write_experiment

EXPERIMENT = """
title = "api"
languages = ["en", "de"]
corpus = { name = "demo", train = { en = 30, de = 20 }, dev = 8, test = 8, unlabelled = 5 }
teacher = { tagger = { hidden = 4 }, training = { updates = 5 }, annotation = { k = 3 } }
student = { systems = ["baseline", "exact"], tagger = { hidden = 4 }, training = { updates = 5 } }
"""
HEAVY = ("torch", "pyarrow", "polars", "pydantic", "numpy", "typer")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with an experiment in it."""
    folder = tmp_path_factory.mktemp("api")
    write_experiment(folder, EXPERIMENT, "api")
    return folder


@pytest.fixture(scope="module")
def experiment(place):
    """The experiment, run through both stages."""
    loaded = structkd.load_experiment(place / "experiments" / "api.toml")
    structkd.distill(loaded, runs=place / "runs")
    return loaded


def loaded_by(code):
    """The packages that some code loads."""
    program = f"import sys\n{code}\nprint(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_import_loads_nothing():
    assert loaded_by("import structkd; dir(structkd); structkd.__version__") == []


def test_the_chain_needs_torch_alone():
    assert "pyarrow" not in loaded_by("import structkd; structkd.LinearChain")


def test_an_experiment_is_loaded_without_torch():
    assert "torch" not in loaded_by("import structkd; structkd.load_experiment('demo'); structkd.run_teachers")


@pytest.mark.parametrize("name", structkd.__all__)
def test_every_name_is_there_and_documented(name):
    found = getattr(structkd, name)
    assert name == "__version__" or found.__doc__
    assert name in dir(structkd)


def test_what_is_not_offered_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'structkd' has no attribute 'tagg'"):
        structkd.tagg  # noqa: B018


def test_the_version_is_that_of_the_command(tmp_path):
    assert command(tmp_path, "--version").stdout == f"structkd {structkd.__version__}\n"


def test_shapes_and_types_are_checked_under_pytest():
    scores = {"emissions": torch.zeros(1, 2, 3), "start": torch.zeros(3), "end": torch.zeros(3)}
    with pytest.raises(TypeCheckError):
        structkd.LinearChain(**scores, transitions=torch.zeros(3, 2), lengths=torch.tensor([2]))


def test_a_change_takes_the_place_of_the_files_settings(place):
    path = place / "experiments" / "api.toml"
    changed = structkd.load_experiment(path, {"student": {"seeds": [1, 2]}})
    assert changed.student.seeds == (1, 2)
    assert changed.teacher == structkd.load_experiment(path).teacher
    with pytest.raises(ValueError, match=r"api\.toml, changed:\n  student\.sedes: unknown key; did you mean seeds\?"):
        structkd.load_experiment(path, {"student": {"sedes": [1, 2]}})


def test_both_stages_end_in_one_table(experiment, place):
    table = structkd.result_table(experiment, runs=place / "runs")
    assert table.columns == ["system", "seed", "language", "split", "score"]
    expected = {
        (system, 1, language, split)
        for system in ("teachers", "baseline", "exact")
        for language in ("en", "de")
        for split in ("dev", "test")
    }
    assert set(table.select("system", "seed", "language", "split").iter_rows()) == expected
    assert table["score"].is_between(0, 100).all()


def test_what_is_not_run_has_an_empty_table(experiment, tmp_path):
    assert structkd.result_table(experiment, runs=tmp_path).is_empty()


def test_what_is_done_is_kept(experiment, place):
    def written():
        return {path: path.stat().st_mtime_ns for path in (place / "runs").rglob("*")}

    before = written()
    assert len(structkd.run_teachers(experiment, runs=place / "runs")) == 6  # train, unlabelled, held out
    assert set(structkd.run_students(experiment, runs=place / "runs")) == {("baseline", 1), ("exact", 1)}
    assert written() == before


def test_a_set_is_read_as_arrow_or_polars(experiment, place):
    folder = structkd.run_teachers(experiment, runs=place / "runs")[0]
    artifacts = structkd.ArtifactSet.open(str(folder))
    assert artifacts.polars().columns == artifacts.table().column_names
    assert artifacts.polars().height == artifacts.rows == 30
    columns = ["tokens", "gold", "path_log_probs"]
    assert artifacts.polars(columns).to_dicts() == artifacts.table(columns).to_pylist()


def test_a_students_scores_are_those_of_the_table(experiment, place):
    student = structkd.load(structkd.run_students(experiment, runs=place / "runs")["exact", 1])
    table = structkd.result_table(experiment, runs=place / "runs").filter(system="exact", split="test")
    assert structkd.score(student, experiment) == dict(table.select("language", "score").iter_rows())


def test_texts_and_sentences_are_tagged_in_their_order(experiment, place):
    student = structkd.load(str(structkd.run_students(experiment, runs=place / "runs")["exact", 1]))
    texts = ["Ada flew to Oslo.", "", "Yes"]
    found = student.tag(iter(texts), structkd.Wanted(k=2))
    assert [one.text for one in found] == texts
    assert [len(one.labels) for one in found] == [5, 0, 1]
    for one in found:
        assert len(one.labels) == len(one.probabilities) == len(one.words)
        assert set(one.labels) <= set(student.labels)
        assert all(0 < p <= 1 for p in one.probabilities)
        assert all(one.text[entity.start : entity.end] == entity.text for entity in one.entities)
    assert [len(one.labelings) for one in found] == [2, 0, 2]
    split = [["Ada", "flew", "to", "Oslo", "."], ["Yes"]]
    assert [one.labels for one in student.tag_sentences(split)] == [found[0].labels, found[2].labels]
    assert student.tag([]) == []


def test_one_string_is_neither_texts_nor_words(experiment, place):
    student = structkd.load(structkd.run_students(experiment, runs=place / "runs")["exact", 1])
    with pytest.raises(TypeError, match=r"found the string 'Ada flew', expected texts"):
        student.tag("Ada flew")
    with pytest.raises(TypeError, match=r"sentence 1: found the string 'Ada flew', expected its words"):
        student.tag_sentences([["Yes"], "Ada flew"])


def test_an_objective_by_name_trains_the_experiments_student(experiment, place):
    folders = structkd.run_students(experiment, runs=place / "runs")
    structkd.train_student(experiment, "exact", place / "again", runs=place / "runs")
    weights = "model.safetensors"
    assert (place / "again" / weights).read_bytes() == (folders["exact", 1] / weights).read_bytes()
    assert command(place, "tag", "again", input="Ada flew.\n").returncode == 0


def test_an_objective_of_ones_own_is_what_is_minimised(experiment, place):
    asked = []

    def from_the_teachers_marginals(student, signals, temperature):
        asked.append((signals.marginals.shape, signals.edge_counts.shape[0]))
        return student.cross_entropy_from(signals.marginals, signals.edge_counts)

    system = structkd.System(("emissions",), from_the_teachers_marginals, chains=True)
    structkd.train_student(experiment, system, place / "own", runs=place / "runs")
    folders = structkd.run_students(experiment, runs=place / "runs")
    assert len(asked) == 5
    weights = "model.safetensors"
    assert (place / "own" / weights).read_bytes() == (folders["exact", 1] / weights).read_bytes()
