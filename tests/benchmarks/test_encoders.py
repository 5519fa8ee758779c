"""The benchmark of encoders runs."""

from benchmarks.encoders import BARE, save_encoder, timings


def test_every_way_is_timed(tmp_path):
    save_encoder(tmp_path)
    found = timings([["a", "bc"], ["def"]], tmp_path, 10, 3)
    assert next(iter(found)) == BARE
    assert list(found)[-1] == "features from disk"
    assert all(timing.median > 0 for timing in found.values())
