"""Trackers: what they wrote is read back, as a person's TensorBoard and MLflow would read it."""

import json
import math
import os
import subprocess
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest

from structkd.ground.records import DevScored, Finished, LeftAside, Restarted, Resumed, Started, Updated, read_journal
from structkd.pipeline.execution.tracking import Tracked, curve
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.plan.pieces import make_plan
from tests.pipeline.tiny import TINY, contents, structkd, write_experiment

pytestmark = pytest.mark.slow  # minutes: whole runs, killed and resumed, by both trackers

ROOT, MORTAL = Path(__file__).parents[2], Path(__file__).with_name("mortal.py")
SMALL = TINY.replace("updates = 20\n", "updates = 20\ncheckpoint_seconds = 0\n").replace(
    '["baseline", "posterior+top-wk", "exact"]', '["baseline", "posterior+top-wk"]'
)
ONE = SMALL.replace('["baseline", "posterior+top-wk"]', '["baseline"]').replace('["en", "de"]', '["en"]')
COSTS = ("seconds", "peak_memory", "digest")


def of_tensorboard(runs):
    """Each run's points by tag, and its settings."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    found = {}
    for folder in (runs / "tensorboard").iterdir():
        events = EventAccumulator(str(folder)).Reload()
        points = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
        content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        settings = HParamsPluginData.FromString(content).session_start_info.hparams
        found[folder.name] = (
            points,
            {name: value.string_value or value.number_value for name, value in settings.items()},
        )
    return found


def of_mlflow(runs):
    """The same of MLflow, for all runs that are not deleted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of SQLAlchemy, about MLflow
        from mlflow import MlflowClient

        client, found = MlflowClient(tracking_uri=f"sqlite:///{runs / 'mlflow/mlflow.db'}"), {}
        for run in client.search_runs([client.get_experiment_by_name(runs.name).experiment_id]):
            name, key = run.info.run_name, run.info.run_id
            assert name not in found
            history = {tag: client.get_metric_history(key, tag) for tag in run.data.metrics}
            points = {tag: sorted((m.step, m.value) for m in metrics) for tag, metrics in history.items()}
            found[name] = points, run.data.params
    return found


READERS = {"tensorboard": of_tensorboard, "mlflow": of_mlflow}
PACKAGES = {"tensorboard": "tensorboard", "mlflow": "mlflow"}


@pytest.fixture(params=READERS)
def tracker(request):
    """A tracker's name, and what reads its files."""
    pytest.importorskip(PACKAGES[request.param], reason=f"the extra {request.param} is not installed")
    return request.param, READERS[request.param]


def check(folder, found):
    """Every piece has one run, with all points of its journal and all scores and costs of its result."""
    pieces = {path.parent.name: path.parent for path in (folder / "runs/tiny").rglob("result.json")}
    assert found.keys() == pieces.keys()
    for name, piece in pieces.items():
        points, settings = found[name]
        told = {record.update: record for record in read_journal(piece / "log.jsonl") if isinstance(record, DevScored)}
        for field in ("loss", "dev", "best", "words_per_second", "epoch"):
            expected = [(update, pytest.approx(getattr(told[update], field), rel=1e-6)) for update in sorted(told)]
            if field == "words_per_second":  # a run that was killed may have done an update twice
                assert [step for step, _ in points[f"training/{field}"]] == sorted(told)
            else:
                assert points[f"training/{field}"] == expected
        result = json.loads((piece / "result.json").read_text())
        for split in ("dev", "test", "zero_shot"):
            for language, score in result[split].items():
                assert points[f"{split}/{language}"] == [(result["updates"], pytest.approx(score, rel=1e-6))]
        for field in ("seconds", "parameters", "peak_memory", "best_dev", "test_mean", "words"):
            assert points[f"result/{field}"] == [(result["updates"], pytest.approx(result[field], rel=1e-6))]
        assert all(math.isfinite(value) for values in points.values() for _, value in values)
        assert int(settings["teacher.training.updates"]) == 20
        assert ("student.tagger.hidden" in settings) == ("system" in settings) == (piece.parent.name == "students")
        if "system" not in settings:
            written = [tag for tag in points if tag.startswith("set written/")]
            assert len(written) == 3
            assert all(tag.endswith("/seconds") for tag in written)


def results(folder):
    """The weights, shards and scores of a run, without what it cost."""
    found = contents(folder / "runs")
    kinds = ("result.json", ".safetensors", ".parquet")
    found = {name: content for name, content in found.items() if name.endswith(kinds)}
    return {
        name: {key: value for key, value in json.loads(content).items() if key not in COSTS}
        if name.endswith("result.json")
        else content
        for name, content in found.items()
    }


def run(folder, *arguments):
    done = structkd(folder, "distill", "tiny", *arguments)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The results of a run without a tracker."""
    folder = tmp_path_factory.mktemp("plain")
    write_experiment(folder, SMALL)
    run(folder)
    return results(folder)


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_every_scalar_is_there_and_results_are_those_without_a_tracker(tmp_path, plain, tracker, workers):
    kind, read = tracker
    write_experiment(tmp_path, SMALL)
    done = run(tmp_path, "--track", kind, "--workers", workers)
    assert "tracking" not in done.stdout
    assert done.stderr == ""
    found = read(tmp_path / "runs/tiny")
    check(tmp_path, found)
    assert results(tmp_path) == plain
    run(tmp_path, "--track", kind)  # nothing is left to do
    assert read(tmp_path / "runs/tiny") == found


def test_a_run_that_is_killed_goes_on_as_one_run(tmp_path, tracker):
    kind, read = tracker
    write_experiment(tmp_path, ONE)
    command = [sys.executable, MORTAL, "torch.optim", "Adam", "step", 15, "distill", "tiny", "--workers", 1]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    killed = [*map(str, command), "--track", kind]
    assert subprocess.run(killed, cwd=tmp_path, env=environment, capture_output=True).returncode == -9
    (points, _), *others = read(tmp_path / "runs/tiny").values()
    assert not others
    assert [step for step, _ in points["training/loss"]] == [10]
    run(tmp_path, "--track", kind)
    check(tmp_path, read(tmp_path / "runs/tiny"))


@pytest.mark.slow
def test_what_an_earlier_command_did_without_a_tracker_is_there(tmp_path, tracker):
    kind, read = tracker
    write_experiment(tmp_path, ONE)
    run(tmp_path)
    (next((tmp_path / "runs/tiny/artifacts").glob("*train*")) / "manifest.json").unlink()
    structkd(tmp_path, "teachers", "tiny", "--track", kind)  # it annotates, and trains nothing
    ((name, (points, _)),) = read(tmp_path / "runs/tiny").items()
    assert name.startswith("en-")
    assert [step for step, _ in points["training/loss"]] == [10, 20]
    assert "test/en" in points


@pytest.mark.slow
def test_pieces_that_are_made_again_replace_their_runs(tmp_path, tracker):
    kind, read = tracker
    write_experiment(tmp_path, ONE)
    run(tmp_path, "--track", kind)
    run(tmp_path, "--track", kind, "--redo")
    check(tmp_path, read(tmp_path / "runs/tiny"))


@pytest.mark.parametrize("kind", READERS)
def test_a_tracker_that_is_not_installed_is_an_error_before_anything_is_done(tmp_path, kind):
    write_experiment(tmp_path, ONE)
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{PACKAGES[kind]!r}] = None\n", "utf-8")
    environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = structkd(tmp_path, "distill", "tiny", "--track", kind, env=environment)
    assert done.returncode == 1
    assert f"--track {kind} needs the package" in done.stderr
    assert f"pip install 'structkd[{kind}]'" in done.stderr
    assert not (tmp_path / "runs").exists()


class Listening:
    """A display that keeps what it is told."""

    def __init__(self):
        self.told = []

    @contextmanager
    def watch(self, heading, titles):
        yield lambda title, record: self.told.append(record)


class Full:
    """A tracker on a full disk."""

    def open(self, folder, name, settings, *, fresh):
        raise OSError(28, "No space left on device")


def test_a_tracker_that_fails_says_so_once_and_the_training_goes_on(tmp_path, monkeypatch):
    write_experiment(tmp_path, ONE)
    monkeypatch.chdir(tmp_path)
    display, told = Listening(), [Started(), Updated(1, 20), scored(10, 1.0), scored(20, 0.5), Finished(1.0)]
    with Tracked(display, Full(), [make_plan(load_experiment("tiny"))]).watch("Stage one", ["teacher en"]) as listen:
        for record in told:
            listen("teacher en", record)
    warnings = [record for record in display.told if isinstance(record, LeftAside)]
    assert [record for record in display.told if record not in warnings] == told
    assert len(warnings) == 1
    assert "No space left on device" in warnings[0].reason


def scored(update, loss):
    return DevScored(update, epoch=0, loss=loss, dev=1.0, best=1.0, words_per_second=9.0)


def test_a_curve_has_no_update_twice():
    killed = [scored(10, 3.0), scored(20, 2.0), scored(30, 1.0), Resumed(15), scored(20, 2.5)]
    assert curve(killed) == [scored(10, 3.0), scored(20, 2.5)]
    assert curve([*killed, Restarted("damaged"), scored(10, 4.0)]) == [scored(10, 4.0)]
