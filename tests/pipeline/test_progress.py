"""What a log without a terminal says."""

from io import StringIO

import pytest

from structkd.ground.records import Annotated, Finished, Prepared, Started, Updated
from structkd.pipeline.commands.console import make_console
from structkd.pipeline.execution import progress


def test_a_log_hears_of_every_job_now_and_then(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    console = make_console(file=StringIO())
    with progress.Lines(console).watch("Stage one", ["a", "b"]) as listen:
        for title in ("a", "b"):
            listen(title, Started())
        for update in range(1, 101):
            now[0] += 10
            listen("a", Updated(update, 100))
        listen("b", Annotated(50, 200))
        now[0] += 60
        listen("b", Annotated(100, 200))
        listen("a", Finished(1000.0))
    lines = console.file.getvalue().splitlines()
    assert lines[1] == "  a: update 3 of 100, some 16 min left"
    assert len([line for line in lines if line.startswith("  a: update")]) == 33
    assert lines[-2:] == ["  b: sentence 100 of 200, 0.8 a second, some 2 min left", "  a: finished in 1000 s (1 of 2)"]


@pytest.mark.parametrize("terminal", [False, True])
def test_a_text_that_is_prepared_shows_its_sentences_and_their_pace(monkeypatch, terminal):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    console = make_console(file=StringIO(), force_terminal=terminal, width=120)
    with progress.choose_display(console).watch("Stage one", ["text en"]) as listen:
        listen("text en", Started())
        for shard in range(1, 5):
            now[0] += 20
            listen("text en", Prepared(4096 * shard))
    shown = console.file.getvalue()
    assert "16384/?" in shown if terminal else "  text en: 8,192 sentences, 204.8 a second" in shown
