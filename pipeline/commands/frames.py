"""Frames as files of tables."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import polars as pl


def check_output(path: Path | None) -> None:
    """Raise BadParameter for a file of a kind that `write_frame` does not write."""
    if path and path.suffix not in (".parquet", ".csv"):
        raise typer.BadParameter(f"--output {path}: expected a name that ends in .parquet or .csv")


def write_frame(path: Path, frame: "pl.DataFrame") -> None:
    """Write a frame as Parquet or CSV, by the file's name; the file is whole or absent."""
    from structkd.ground.files import atomic_path

    with atomic_path(path) as temporary:
        if path.suffix == ".csv":
            frame.write_csv(temporary)
        else:
            frame.write_parquet(temporary)
