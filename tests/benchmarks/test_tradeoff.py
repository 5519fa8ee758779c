"""The pictures of score against size and speed, from the rows and models in results/."""

from pathlib import Path

from benchmarks.tradeoff import Tradeoff, charts, main
from structkd.pipeline.experiment.parsing import read_toml

MODELS = Path("results/tradeoff.toml")


def test_every_model_has_its_scores_and_its_place_in_both_charts():
    tradeoff = Tradeoff.model_validate(read_toml(MODELS))
    drawn = charts(tradeoff)
    for what, chart in drawn.items():
        assert [line.name for line in chart.lines] == [model.name for model in tradeoff.models]
        for line, model in zip(chart.lines, tradeoff.models, strict=True):
            (point,) = line.points
            assert point.x == {"size": model.megabytes, "speed": model.words}[what]
            assert all(0 < value < 100 for value in point.values)


def test_two_pictures_are_written(tmp_path):
    main(MODELS, tmp_path)
    found = sorted(path.name for path in tmp_path.iterdir())
    assert found == ["tradeoff-size.png", "tradeoff-speed.png"]
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in found)
