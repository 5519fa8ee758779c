"""The tagger that `make bench` measures can be opened, exported and not, and reads its text."""

from benchmarks.untrained import untrained
from structkd.tagger.opening import open_tagger


def test_its_folders_can_be_opened():
    with untrained() as made:
        line, *rest = made.text.read_text("utf-8").splitlines()
        assert len(rest) == 999
        for folder in (made.tagger, made.exported, made.int8):
            assert open_tagger(folder).tag([line])[0].labels
    assert not made.tagger.exists()
