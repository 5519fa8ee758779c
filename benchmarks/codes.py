"""The costs of codes of log-posteriors: bytes per word, nats, and a student's score.

    structkd teachers benchmarks/codes.toml
    python -m benchmarks.codes benchmarks/codes.toml [--seeds 3] [--workers 2]

The experiment's teachers must have written float32 (`posteriors = "float32"`); what another code would have kept is
made from that, so that nothing else differs. Its students are `posterior` ones.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import typer
from jaxtyping import Float32
from rich.console import Console

from structkd.artifacts.posteriors import CODES, Code
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.pipeline.experiment.experiment import Experiment, load_experiment
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import make_plan
from structkd.student.distill import distill
from structkd.student.objectives import Signals
from structkd.student.signals import ShardSignals, SignalSource
from structkd.tagger.evaluation import EvaluationSet

Posteriors = Float32[np.ndarray, "N L"]
TEMPERATURES = (1.0, 4.0)


@dataclass(frozen=True)
class Candidate:
    """A code: the columns that would be stored, and what is read from them."""

    stored: Callable[[Posteriors], list[pa.Array]]
    kept: Callable[[Posteriors], Posteriors]


def _coded(code: Code) -> Candidate:
    return Candidate(
        stored=lambda values: [pa.array(code.encode(values).ravel())],
        kept=lambda values: code.decode(code.encode(values)),
    )


def _sparse(m: int) -> Candidate:
    """The m most probable labels in float16, the rest of the probability spread evenly over the others."""

    def best(values: Posteriors) -> np.ndarray:
        return np.argsort(-values, axis=1, kind="stable")[:, :m]

    def stored(values: Posteriors) -> list[pa.Array]:
        places = best(values)
        scores = np.take_along_axis(values, places, 1).astype(np.float16)
        return [pa.array(places.astype(np.uint8).ravel()), pa.array(scores.ravel())]

    def kept(values: Posteriors) -> Posteriors:
        places = best(values)
        scores = np.take_along_axis(values, places, 1).astype(np.float16).astype(np.float32)
        rest = np.maximum(1.0 - np.exp(scores).sum(1, keepdims=True), 1e-7)
        spread = np.log(rest / max(1, values.shape[1] - m))
        found = np.broadcast_to(spread, values.shape).astype(np.float32)
        np.put_along_axis(found, places, scores, 1)
        return found

    return Candidate(stored, kept)


CANDIDATES = {str(name): _coded(code) for name, code in CODES.items()} | {
    f"top {m}, rest spread": _sparse(m) for m in (2, 4)
}


def posteriors_of(sets: list[ArtifactSet]) -> Posteriors:
    """The log-posteriors of all words of all sets."""

    def words() -> Iterator[Posteriors]:
        for artifact_set in sets:
            if artifact_set.header.posteriors != "float32":
                raise typer.BadParameter(
                    f"{artifact_set.folder}: found {artifact_set.header.posteriors} log-posteriors, expected float32: "
                    'set posteriors = "float32" under [teacher.annotation]'
                )
            for rows in artifact_set.row_groups(["tokens", "log_posteriors"]):
                found = DecodedRows(rows)
                yield found.log_posteriors[found.mask]

    return np.concatenate(list(words()))


def bytes_a_word(candidate: Candidate, values: Posteriors) -> float:
    """In Parquet as the writer makes it, of the columns that hold the posteriors."""
    with TemporaryDirectory() as folder:
        for number, column in enumerate(candidate.stored(values)):
            path = Path(folder) / f"{number}.parquet"
            bytewise = column.type == pa.uint8()
            pq.write_table(pa.table({"values": column}), path, compression="zstd", use_dictionary=bytewise)
        return sum(file.stat().st_size for file in Path(folder).iterdir()) / len(values)


def divergence(candidate: Candidate, values: Posteriors, temperature: float) -> float:
    """Mean KL(teacher || what the code keeps) over words, in nats, both softened."""
    exact, kept = (
        (torch.from_numpy(scores).double().clamp_min(-1e4) / temperature).log_softmax(-1)
        for scores in (values, candidate.kept(values))
    )
    return float((exact.exp() * (exact - kept)).sum(-1).mean())


@dataclass(frozen=True)
class Recoded:
    """Signals of shards whose log-posteriors were kept in another code."""

    source: SignalSource
    code: Candidate

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the shards."""
        return self.source.columns

    def signals(self, rows: DecodedRows) -> Signals:
        """What the code keeps of the log-posteriors, and all else as the shards have it."""
        found = self.source.signals(rows)
        assert found.log_posteriors is not None
        kept = self.code.kept(found.log_posteriors.flatten(0, 1).numpy())
        return replace(found, log_posteriors=torch.from_numpy(kept).view_as(found.log_posteriors))


def train(experiment: Experiment, folders: list[Path], code: str, temperature: float, seed: int) -> float:
    """The mean test score over languages of a student that saw what the code keeps."""
    torch.set_num_threads(1)
    data, settings = Data(experiment), experiment.student

    def evaluation(split: str) -> dict[str, EvaluationSet]:
        return {
            language: EvaluationSet(data.load(language, split)[0], data.metric, data.scheme)  # type: ignore[arg-type]
            for language in experiment.languages
        }

    sets, config = [ArtifactSet.open(folder) for folder in folders], settings.distill
    shards = ShardSignals("posterior", [one.header for one in sets], config.k, torch.device("cpu"))
    tagger, _ = distill(
        sets,
        evaluation("dev"),
        system="posterior",
        tagger=settings.tagger,
        training=settings.training,
        config=config.model_copy(update={"temperature": temperature}),
        seed=seed,
        log=lambda record: None,
        signals=Recoded(shards, CANDIDATES[code]),
    )
    return fmean(corpus.score(tagger) for corpus in evaluation("test").values())


def main(
    experiment: Annotated[str, typer.Argument(help="A name or a file; its teachers must be done.")],
    seeds: Annotated[int, typer.Option(help="Students of each code and temperature; 0 trains none.")] = 3,
    workers: Annotated[int, typer.Option(help="Students trained at once.")] = 2,
) -> None:
    """Print one row a code: bytes, divergences, and test scores with their standard deviations over seeds."""
    loaded = load_experiment(experiment)
    folders = [
        folder
        for teacher in make_plan(loaded).teachers
        for folder in teacher.artifacts.values()
        if isinstance(folder, Path)
    ]
    values = posteriors_of([ArtifactSet.open(folder) for folder in folders])
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        scores = {
            (code, temperature): [pool.submit(train, loaded, folders, code, temperature, seed) for seed in range(seeds)]
            for code in CANDIDATES
            for temperature in TEMPERATURES
        }
        rows = []
        for code, candidate in CANDIDATES.items():
            row: dict[str, object] = {"code": code, "bytes a word": round(bytes_a_word(candidate, values), 2)}
            for temperature in TEMPERATURES:
                row[f"KL, T = {temperature:g}"] = f"{divergence(candidate, values, temperature):.1e}"
            for temperature in TEMPERATURES:
                found = [score.result() for score in scores[code, temperature]]
                if found:
                    spread = f" ({stdev(found):.2f})" if len(found) > 1 else ""
                    row[f"score, T = {temperature:g}"] = f"{fmean(found):.2f}{spread}"
            rows.append(row)
    console = Console()
    with pl.Config(tbl_formatting="MARKDOWN", tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True):
        console.print(str(pl.DataFrame(rows)), soft_wrap=True)
    console.print(f"{len(values)} words, {values.shape[1]} labels, {seeds} seeds; experiment {loaded.digest[:12]}")


if __name__ == "__main__":
    typer.run(main)
