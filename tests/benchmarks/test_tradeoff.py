"""The picture of score against size and speed, from the rows and models in results/."""

from pathlib import Path

from benchmarks.tradeoff import Tradeoff, chart, main
from structkd.pipeline.experiment.parsing import read_toml

MODELS = Path("results/tradeoff.toml")


def test_every_model_has_its_scores_at_its_size():
    tradeoff = Tradeoff.model_validate(read_toml(MODELS))
    for line, model in zip(chart(tradeoff).lines, tradeoff.models, strict=True):
        (point,) = line.points
        assert line.name.startswith(model.name)
        assert point.x == model.megabytes
        assert point.values
        assert all(0 < value < 100 for value in point.values)


def test_the_picture_is_written_in_light_and_dark(tmp_path):
    main(MODELS, tmp_path / "tradeoff.svg")
    for name, scheme in {"tradeoff.svg": "light", "tradeoff-dark.svg": "dark"}.items():
        text = (tmp_path / name).read_text("utf-8")
        assert f"svg {{ color-scheme: {scheme}; }}" in text
        assert all(model.name in text for model in Tradeoff.model_validate(read_toml(MODELS)).models)
