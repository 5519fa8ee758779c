"""The places of experiment and grid files: below the working directory, and in the package."""

from importlib import resources
from pathlib import Path

from structkd.corpora.settings import did_you_mean
from structkd.pipeline.experiment.parsing import ExperimentError, read_toml

EXPERIMENTS = Path("experiments")
GRIDS = EXPERIMENTS / "grids"


def find(name: str, folder: Path, kind: str) -> Path:
    """Return the file of an experiment or a grid (`kind`): `name` itself if it ends in .toml, else see `search`.

    Raises:
        ExperimentError: there is none; the message lists those of both places.
    """
    found = _file(Path(name)) if name.endswith(".toml") else search(name, folder)
    if found:
        return found
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    here, packaged = (_names(root / folder) for root in _roots())
    listed = f"in {folder}: {', '.join(here) or 'none'}; with structkd: {', '.join(packaged) or 'none'}"
    raise ExperimentError(f"{path}: no such {kind}{did_you_mean(path.stem, [*here, *packaged])} ({listed})")


def search(name: str, *folders: Path) -> Path | None:
    """Return the first NAME.toml in any of `folders`: those of the working directory, then those of the package."""
    found = (_file(root / folder / f"{name}.toml") for root in _roots() for folder in folders)
    return next((path for path in found if path), None)


def is_grid(name: str) -> bool:
    """True if `name` is a grid's, not an experiment's."""
    if name.endswith(".toml"):
        return Path(name).is_file() and "tasks" in read_toml(Path(name))
    found = search(name, EXPERIMENTS, GRIDS)
    return found is not None and found.parent.name == GRIDS.name


def _roots() -> tuple[Path, Path]:
    return Path(), Path(str(resources.files("structkd")))


def _file(path: Path) -> Path | None:
    return path if path.is_file() else None


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.toml"))
