"""`structkd schema`: the settings of experiments and grids, for editors."""

import json
from typing import Annotated, Literal

import typer

from structkd.pipeline.commands.console import write


def schema(
    kind: Annotated[Literal["experiment", "grid"], typer.Argument(help="The kind of file.")] = "experiment",
) -> None:
    """Print the JSON Schema of experiment files or grids: names, types, defaults and meanings of settings."""
    write(schema_text(kind))


def schema_text(kind: Literal["experiment", "grid"]) -> str:
    """Return the JSON Schema of a kind of file. A file has no `name`: its own is taken."""
    from structkd.pipeline.experiment.experiment import Experiment
    from structkd.pipeline.experiment.grid import Grid

    found = (Experiment if kind == "experiment" else Grid).model_json_schema()
    found["required"] = [key for key in found["required"] if key != "name"]
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | found, indent=2, ensure_ascii=False)
