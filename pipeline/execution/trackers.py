"""Trackers keep scalars where TensorBoard or MLflow finds them: local files in the folder of an experiment's runs."""

import logging
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from structkd.ground.extras import needs

Kind = Literal["tensorboard", "mlflow"]
Scalars = Mapping[str, float]
Values = Mapping[str, str | int | float | bool]


class TrackerError(ValueError):
    """A tracker whose package is not installed; the message says what to install."""


class Run(Protocol):
    """A tracker's run of one piece."""

    last: int
    """The last update whose scalars it has; 0: none."""

    def log(self, scalars: Scalars, update: int) -> None:
        """Keep the scalars of an update; whoever reads the files finds them at once."""
        ...

    def finish(self, scalars: Scalars, update: int) -> None:
        """Keep the scalars of a finished piece, once."""
        ...

    def close(self) -> None:
        """Close files."""
        ...


class Tracker(Protocol):
    """A tracker opens one run for each piece."""

    def open(self, folder: Path, name: str, settings: Values, *, fresh: bool) -> Run:
        """Open the run of a piece, whatever earlier commands left of it.

        Args:
            folder: the folder of an experiment's runs; the tracker's files are in a subfolder.
            name: the piece's name, and the run's.
            settings: its parameters.
            fresh: the piece's training starts again; what the run has is of an earlier one.
        """
        ...


def open_tracker(kind: Kind) -> Tracker:
    """Return a tracker. Raises TrackerError if its package is not installed."""
    return TensorBoard() if kind == "tensorboard" else Mlflow()


class TensorBoard:
    """Event files in `tensorboard/PIECE`; each opening writes the run again, and hides what was there."""

    def __init__(self) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise TrackerError(f"--track tensorboard {needs('tensorboard', 'tensorboard')}") from None
        self._writer = SummaryWriter

    def open(self, folder: Path, name: str, settings: Values, *, fresh: bool) -> Run:
        """See `Tracker`."""
        from torch.utils.tensorboard.summary import hparams

        writer = self._writer(str(folder / "tensorboard" / name), purge_step=0)
        for summary in hparams(dict(settings), {})[:2]:
            writer.file_writer.add_summary(summary)
        return _Events(writer)


class _Events:
    def __init__(self, writer: Any) -> None:
        self._writer, self.last = writer, 0

    def log(self, scalars: Scalars, update: int) -> None:
        for tag, value in scalars.items():
            self._writer.add_scalar(tag, value, update)
        self._writer.flush()
        self.last = update

    def finish(self, scalars: Scalars, update: int) -> None:
        self.log(scalars, update)

    def close(self) -> None:
        self._writer.close()


class Mlflow:
    """A database `mlflow/mlflow.db`; a training that starts again gets a new run, and the old one is deleted."""

    def __init__(self) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read by its import
        try:
            import alembic  # noqa: F401  # which mlflow-skinny leaves to its users, and the database needs
            import sqlalchemy  # noqa: F401
            from mlflow import MlflowClient
        except ImportError:
            raise TrackerError(f"--track mlflow {needs('mlflow-skinny', 'mlflow')}") from None
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)  # a new database's migrations are many lines
        self._client = MlflowClient

    def open(self, folder: Path, name: str, settings: Values, *, fresh: bool) -> Run:
        """See `Tracker`."""
        from filelock import FileLock

        place = (folder / "mlflow").resolve()
        place.mkdir(parents=True, exist_ok=True)
        client = self._client(tracking_uri=f"sqlite:///{place / 'mlflow.db'}")
        with FileLock(place / ".lock"):  # commands side by side would make two experiments of one name
            return self._run(client, place, folder.name, name, settings, fresh=fresh)

    def _run(self, client: Any, place: Path, group: str, name: str, settings: Values, *, fresh: bool) -> Run:
        known = client.get_experiment_by_name(group)
        experiment = known.experiment_id if known else client.create_experiment(group, (place / "files").as_uri())
        found = [run for run in client.search_runs([experiment]) if run.data.tags.get(_PIECE) == name]
        for run in found if fresh else ():
            client.delete_run(run.info.run_id)
        if found and not fresh:
            return _MlflowRun(client, found[0])
        run = client.create_run(experiment, run_name=name, tags={_PIECE: name})
        for key, value in settings.items():
            client.log_param(run.info.run_id, _plain(key), value)
        return _MlflowRun(client, run)


_PIECE = "structkd.piece"


class _MlflowRun:
    def __init__(self, client: Any, run: Any) -> None:
        self._client, self._id, self._finished = client, run.info.run_id, run.info.status == "FINISHED"
        steps = [metric.step for name in run.data.metrics for metric in client.get_metric_history(self._id, name)]
        self.last = max(steps, default=0)

    def log(self, scalars: Scalars, update: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(_plain(tag), value, now, update) for tag, value in scalars.items()]
        self._client.log_batch(self._id, metrics)
        self.last = update

    def finish(self, scalars: Scalars, update: int) -> None:
        if not self._finished:
            self.log(scalars, update)
            self._client.set_terminated(self._id)
            self._finished = True

    def close(self) -> None:
        pass


def _plain(name: str) -> str:
    """Return a name that MLflow takes."""
    return re.sub(r"[^\w\-. :/]", "_", name)
