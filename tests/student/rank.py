"""What each rank does in test_ranks: `rank.py gradients|plain|dropout FOLDER [UPDATE [PAUSE]]`, by `torchrun`."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.stream import Share, StreamConfig, stream_epoch
from structkd.corpora.sentences import Corpus, Sentence
from structkd.ground.records import Resumed, Updated
from structkd.student.batches import student_batch
from structkd.student.config import DistillConfig
from structkd.student.distill import distill
from structkd.student.objectives import SYSTEMS, distillation_loss
from structkd.student.signals import ShardSignals
from structkd.tagger.config import TaggerConfig, TrainingConfig
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.model import Tagger
from structkd.tagger.ranks import ALONE, Ranks, joined
from structkd.tagger.resume import Resume
from structkd.tagger.vocabulary import Vocabulary
from tests.small import small_encoders


class Noted(ShardSignals):
    """Signals that also note the words of each batch in a file."""

    def __init__(self, path: Path, sets: list[ArtifactSet]) -> None:
        super().__init__("posterior+top-wk", [one.header for one in sets], 2, torch.device("cpu"))
        self.path = path

    def signals(self, rows):
        with self.path.open("a") as file:
            file.write(json.dumps(rows.tokens.to_pylist()) + "\n")
        return super().signals(rows)


def main(task: str, folder: Path, last: float = 0, pause: float = 0) -> None:
    torch.set_num_threads(1)
    sets = [ArtifactSet.open(folder / name) for name in ("first", "second")]
    with joined() as ranks:
        if task == "gradients":
            gradients(sets, ranks)
        else:
            train(sets, ranks, folder, dropout=0.4 if task == "dropout" else 0.0, last=last, pause=pause)


def gradients(sets: list[ArtifactSet], ranks: Ranks) -> None:
    """The combined gradient of the ranks' shares is that of the whole batch, for every system and batch."""
    labels = sets[0].header.label_set
    vocabulary = Vocabulary.build({f"{language}{n}": 1 for language in ("en", "de") for n in range(9)})
    student = Tagger(TaggerConfig(encoders=small_encoders(5, 30, 50), hidden=4, dropout=0.0), vocabulary, labels)
    ranks.copy_first(student.state_dict().values())
    sizes = set()
    for name, system in SYSTEMS.items():

        def step(share: Share, among: Ranks, name=name, system=system):
            stream = StreamConfig(batch_tokens=18, seed=1, labelled_only=system.loss is None)
            source = ShardSignals(name, [one.header for one in sets], 2, torch.device("cpu"))
            for rows in stream_epoch(sets, ["gold", *source.columns], stream, 0, share=share):
                batch = student_batch(rows, source)
                student.zero_grad()
                value = 0.0
                if len(batch):
                    chain = student(batch.tokens)
                    loss = distillation_loss(system, chain, batch.signals, temperature=2.0, weight=0.6)
                    value = loss.item()
                    loss.backward()
                sizes.add(len(batch))
                mean, total = among.mean_gradients(student.parameters(), value, len(batch))
                yield mean, total, {n: p.grad.clone() for n, p in student.named_parameters() if p.grad is not None}

        for mine, whole in zip(step(Share(ranks.rank, ranks.world), ranks), step(Share(), ALONE), strict=True):
            assert mine[1] == whole[1]
            torch.testing.assert_close(mine[0], whole[0], rtol=1e-5, atol=1e-6)
            for parameter, gradient in whole[2].items():
                torch.testing.assert_close(mine[2].get(parameter), gradient, rtol=1e-4, atol=1e-6)
    assert ranks.first or 0 in sizes, "no batch was smaller than the world"


def train(sets: list[ArtifactSet], ranks: Ranks, folder: Path, *, dropout: float, last: float, pause: float) -> None:
    """Write this rank's weights, and the words of its batches. At its first start, the last rank dies at `last`."""
    dies = ranks.rank == ranks.world - 1 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"

    def log(record):
        match record:
            case Updated(update) if update == last and dies:
                os.kill(os.getpid(), signal.SIGKILL)
            case Updated():
                time.sleep(pause)
            case Resumed(update, _, before) if ranks.first:
                (folder / "resumed").write_text(json.dumps([update, before]))

    dev = Corpus("en", "dev", (Sentence(("en0", "en1"), ("O", "B-LOC")), Sentence(("en2",), ("O",))))
    tagger, _ = distill(
        sets,
        {"en": EvaluationSet(dev, "accuracy", None)},
        system="posterior+top-wk",
        tagger=TaggerConfig(encoders=small_encoders(5, 30, 50, dropout=dropout), hidden=4, dropout=dropout),
        training=TrainingConfig(updates=24, batch_tokens=18, learning_rate=0.01, evaluate_every=6),
        config=DistillConfig(k=2, hidden_updates=9 if sets[0].header.hidden else 0),
        seed=1,
        log=log,
        resume=Resume(folder / "state", "ranks", 0.0),
        ranks=ranks,
        signals=Noted(folder / f"world{ranks.world}-rank{ranks.rank}.jsonl", sets),
    )
    save_file(dict(tagger.state_dict()), folder / f"world{ranks.world}-rank{ranks.rank}.safetensors")


main(sys.argv[1], Path(sys.argv[2]), *map(float, sys.argv[3:]))
