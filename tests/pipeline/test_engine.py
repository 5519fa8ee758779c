"""Jobs run here or in processes, and nothing that goes wrong is swallowed."""

import os
import signal
import time
from functools import partial
from io import StringIO

import pytest
import torch

from structkd.artifacts.comparison import compare
from structkd.artifacts.inspection import sentence_view, summary
from structkd.ground.files import write_json
from structkd.ground.records import (
    Annotated,
    DevScored,
    FeaturesRead,
    Finished,
    LabelsUnknown,
    LeftAside,
    LengthLimited,
    Started,
    Updated,
    VectorsFound,
)
from structkd.pipeline.commands.console import make_console
from structkd.pipeline.execution.engines import EngineError, InProcess, Processes, default_workers
from structkd.pipeline.execution.progress import Bars, Lines, choose_display
from structkd.pipeline.execution.schedule import Job
from structkd.pipeline.report.views import difference_view, sentence_panel, summary_table
from tests.artifacts.examples import write_set
from tests.artifacts.test_comparison import write as write_small
from tests.pipeline.test_workers import is_alive

pytestmark = pytest.mark.long

ENGINES = pytest.mark.parametrize("engine", [InProcess(), Processes(2)], ids=["here", "processes"])


def write(path, text, log):
    log(LeftAside(text))
    path.write_text(text, "utf-8")


def fail(log):
    raise ValueError("the reason")


def die(log):
    os.kill(os.getpid(), signal.SIGKILL)


@ENGINES
def test_every_job_runs_and_reports(engine, tmp_path):
    heard = []
    jobs = [Job(name, partial(write, tmp_path / name, name * 2)) for name in "abc"]
    engine.run(jobs, lambda title, record: heard.append((title, record)))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "aa", "b": "bb", "c": "cc"}
    for name in "abc":
        first, note, last = (record for title, record in heard if title == name)
        assert (first, note) == (Started(), LeftAside(name * 2))
        assert isinstance(last, Finished)


def count(log):
    for name in "ab":
        for sentence in range(1, 6):
            log(Annotated(sentence, 5, name))


@ENGINES
def test_the_last_sentences_of_each_set_are_told(engine):
    heard = []
    engine.run([Job("counts", count)], lambda title, record: heard.append(record))
    assert [(one.sentences, one.of) for one in heard if isinstance(one, Annotated)][-1] == (10, 10)


@ENGINES
def test_an_error_in_a_job_comes_out(engine):
    with pytest.raises(ValueError, match="the reason"):
        engine.run([Job("bad", fail)], lambda title, record: None)


def fail_when(path, log):
    while not path.exists():
        time.sleep(0.01)
    raise ValueError("the reason")


def stay(path, log):
    write_json(path, os.getpid())
    time.sleep(600)


def test_an_error_ends_the_jobs_beside_it(tmp_path):
    path = tmp_path / "number"
    with pytest.raises(ValueError, match="the reason"):
        Processes(2).run([Job("stays", partial(stay, path)), Job("bad", partial(fail_when, path))], lambda *_: None)
    assert not is_alive(int(path.read_text()))


def fill(log):
    raise torch.OutOfMemoryError("tried to allocate 20 GiB")


@ENGINES
def test_a_full_gpu_is_an_error_that_says_what_to_do(engine):
    with pytest.raises(EngineError, match=r"big: the GPU's memory is too small \(tried to allocate .*fewer --workers"):
        engine.run([Job("big", fill)], lambda title, record: None)


def test_workers_are_as_many_as_gpus_or_else_as_cores(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    assert default_workers() == 3
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert default_workers() == len(os.sched_getaffinity(0))


def test_a_killed_worker_is_an_error_that_says_what_to_do():
    with pytest.raises(EngineError, match=r"a worker process died.*run the command again"):
        Processes(2).run([Job("dies", die)], lambda title, record: None)


RECORDS = [
    Started(),
    Updated(1, of=3),
    Annotated(2, of=5),
    LengthLimited("en", "train", 9, "cut", long_sentences=2, long_tokens=25, pieces=4, dropped_tokens=0, cut_spans=1),
    LeftAside("en-x.safetensors: it was cut"),
    LabelsUnknown("dev", 3),
    VectorsFound("cc.de.vec", words=44, known=0),
    DevScored(1, epoch=0, loss=2.5, dev=71.0, best=72.0, words_per_second=1234.5),
    FeaturesRead(4, bytes=2_500_000, seconds=71.4),
    Finished(12.0),
]


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_as_bars_or_lines(terminal):
    console = make_console(record=True, force_terminal=terminal, width=160, file=StringIO())
    display = choose_display(console)
    assert isinstance(display, Bars if terminal else Lines)
    with display.watch("Stage", ["job"]) as listen:
        for record in RECORDS:
            listen("job", record)
    shown = console.export_text(styles=terminal)
    assert "2 sentences longer than 9 words" in shown
    assert "left aside: en-x.safetensors: it was cut" in shown
    assert "dev: 3 sentences have a label that no training corpus has" in shown
    assert "cc.de.vec has 0 of 44 words" in shown
    assert "finished in 12 s" in shown
    assert terminal or "\x1b" not in shown


def test_an_artifact_set_is_shown(tmp_path):
    artifacts = write_set(tmp_path / "set", labelled=1.0)
    console = make_console(record=True, width=200, file=StringIO())
    console.print(summary_table(artifacts, summary(artifacts)))
    view = sentence_view(artifacts, 3)
    console.print(sentence_panel(view, paths=2))
    shown = console.export_text()
    assert artifacts.identity in shown
    assert all(word in shown for word in view.tokens)
    assert f"{view.paths[0].probability:.4f}" in shown
    assert "B-LOC" in shown


def test_a_difference_is_shown(tmp_path):
    one, same = (write_small(tmp_path / name, range(4)) for name in "ab")
    other = write_small(tmp_path / "c", range(4), labels=("O", "Y"), provenance={"teacher": "[bold]"})
    console = make_console(record=True, width=250, file=StringIO())
    console.print(difference_view(one, same, compare(one, same)))
    console.print(difference_view(one, other, compare(one, other)))
    shown = console.export_text()
    assert "the sets have the same identity: what made them is equal" in shown
    assert "4 sentences, 8 words" in shown
    assert "the label sets differ: scores and paths are not compared" in shown
    assert "O, Y" in shown
    assert "[bold]" in shown
