"""What comes out of each room on small fixed inputs, as JSON.

Inputs come from formulas rather than random generators, and no dropout is drawn, so that other processors give the
same up to rounding. A key ends in what its values are: `_exact`, `_close` (numbers), or `_labels` (of a training).
"""

from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from structkd.artifacts.annotations import Annotations
from structkd.artifacts.codec import encode
from structkd.artifacts.posteriors import CODES
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import shard_schema
from structkd.artifacts.stream import StreamConfig, stream_epoch
from structkd.corpora.augment import augment
from structkd.corpora.config import FileFormat
from structkd.corpora.demo import demo_corpus
from structkd.corpora.folds import fold_numbers
from structkd.corpora.labelled import read_labelled
from structkd.corpora.labels import LabelSet
from structkd.corpora.lengths import limit_lengths
from structkd.corpora.sentences import Corpus, Sentence
from structkd.corpora.text import read_text
from structkd.crf import LinearChain
from structkd.student.config import DistillConfig
from structkd.student.distill import distill
from structkd.student.objectives import SYSTEMS
from structkd.tagger.config import (
    CharacterCNNConfig,
    TaggerConfig,
    TrainingConfig,
    TransformerConfig,
    WordsConfig,
)
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.model import Tagger
from structkd.tagger.prediction import best_labels, token_batches
from structkd.tagger.scoring import Outcomes
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.training import train
from structkd.tagger.vocabulary import Vocabulary
from structkd.teachers.annotate import annotate, text_rows
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.sources.tagger import TaggerSource
from structkd.teachers.train import train_teacher
from tests.artifacts.examples import write_set

Results = dict[str, object]
LABELS = LabelSet(("O", "S-LOC", "B-PER", "E-PER"))
SMALL = TaggerConfig(
    encoders=(WordsConfig(dim=5, dropout=0.0), CharacterCNNConfig(dim=3, filters=4)), hidden=6, dropout=0.0
)
TRAINING = TrainingConfig(updates=9, batch_tokens=24, learning_rate=0.05, evaluate_every=3)


def wave(*shape: int, size: float = 1.0, step: float = 1.7) -> np.ndarray:
    """Numbers without a pattern that matters, from -size to size."""
    return size * np.sin(step * np.arange(1, 1 + np.prod(shape))).reshape(shape)


def corpus(language: str = "en", split: str = "train") -> Corpus:
    """Sixteen sentences of people and places."""
    title, verb, preposition = {"en": ("Mrs", "sees", "near"), "de": ("Frau", "sieht", "bei")}[language]
    names = ["Jordan", "Paris", "Florence", "Chelsea"]
    made = []
    for a in names:
        for b in names:
            if a < b:
                made.append(Sentence((title, a, b, verb, b, "."), ("O", "B-PER", "E-PER", "O", "S-LOC", "O")))
            else:
                made.append(Sentence((verb, preposition, a, "."), ("O", "O", "S-LOC", "O")))
    return Corpus(language, split, tuple(made))


def crf(folder: Path) -> Results:
    """Every answer of a chain, with and without forbidden transitions."""
    transitions = wave(4, 4, step=0.9)
    forbidden = transitions.copy()
    forbidden[1, 2] = forbidden[2, 1] = -np.inf
    free, bound = (_chain(scores) for scores in (transitions, forbidden))
    found: Results = {}
    for name, chain in {"free": free, "bound": bound}.items():
        paths, log_probs, counts = chain.kbest(5)
        found |= {
            f"{name}_viterbi_exact": chain.viterbi().tolist(),
            f"{name}_kbest_exact": [paths.tolist(), counts.tolist()],
            f"{name}_log_probs_close": log_probs.tolist(),
            f"{name}_log_partition_close": chain.log_partition.tolist(),
            f"{name}_marginals_close": chain.marginals.tolist(),
            f"{name}_edge_counts_close": chain.edge_counts.tolist(),
            f"{name}_entropy_close": chain.entropy().tolist(),
        }
    (gradient,) = torch.autograd.grad(free.log_marginals.square().sum(), free.emissions)
    return found | {"kl_close": bound.kl(free).tolist(), "gradient_close": gradient.tolist()}


def _chain(transitions: np.ndarray) -> LinearChain:
    scores = {"emissions": wave(3, 5, 4, size=2), "transitions": transitions, "start": wave(4), "end": wave(4, step=3)}
    tensors = {name: torch.tensor(values, dtype=torch.float32) for name, values in scores.items()}
    tensors["emissions"].requires_grad_()
    return LinearChain(**tensors, lengths=torch.tensor([5, 1, 3]))


COLUMNS = "x Ada I-PER\nx Bo B-PER\nx ran O\n\nx Oslo I-LOC\nx Bergen I-LOC\nx and O\nx Rome I-LOC\nx too O\n"
CONLLU = "# a\n1-2\tdel\t_\t_\t_\t_\t_\t_\t_\t_\n1\tde\t_\tADP\t_\t_\t_\t_\t_\t_\n2\tel\t_\tDET\t_\t_\t_\t_\t_\t_\n\n"


def corpora(folder: Path) -> Results:
    """What readers, schemes, limits, samples and folds make of text."""
    for name, text in {"a.conll": COLUMNS, "a.conllu": CONLLU, "a.txt": "It rains .\nNo\n"}.items():
        (folder / name).write_text(text, "utf-8")
    columns = FileFormat(token_column=1, scheme="IOB1")
    trees = FileFormat(reader="conllu", metric="accuracy")
    labelled = read_labelled(columns, folder / "a.conll", "en", "train", "BIOES")
    kept, report = limit_lengths(labelled, 3, "cut", scheme="BIOES")
    large = corpus()
    return {
        "columns_exact": _listed(labelled),
        "conllu_exact": _listed(read_labelled(trees, folder / "a.conllu", "en", "train", None)),
        "text_exact": [list(sentence.tokens) for sentence in read_text(folder / "a.txt")],
        "cut_exact": [_listed(kept), report.pieces],
        "iob2_exact": _listed(read_labelled(columns, folder / "a.conll", "en", "train", "IOB2")),
        "sample_exact": _listed(large.sample(4, 1)),
        "folds_exact": fold_numbers(large, 3, 1).tolist(),
        "labels_exact": list(LabelSet.union(["O", "S-LOC", "B-PER", "E-PER", "O"]).names),
    }


def _listed(text: Corpus) -> list[list[str]]:
    return [[" ".join(sentence.tokens), " ".join(sentence.labels or ())] for sentence in text]


def tagger(folder: Path) -> Results:
    """A tagger as it is made, what training makes of it, and its scores."""
    sentences, gold = corpus(), torch.zeros(16, 6, dtype=torch.long)
    for place, sentence in enumerate(sentences):
        gold[place, : len(sentence)] = torch.from_numpy(LABELS.encode(sentence.labels).astype(np.int64))
    tokens = TokenBatch.from_sentences(sentence.tokens for sentence in sentences)
    torch.manual_seed(1)
    counts = Counter(word for sentence in sentences for word in sentence.tokens)
    made = Tagger(SMALL, Vocabulary.build(counts), LABELS)
    before = made.eval()(tokens).emissions[:2].tolist()
    result = train(
        made,
        lambda epoch, start: [_Whole()] * 3,
        lambda tagger, batch, done: -tagger(tokens).log_prob(gold).mean(),
        EvaluationSet(sentences, "spans", "BIOES").score,
        TRAINING,
        lambda record: None,
    )
    return {
        "before_close": before,
        "losses_close": [loss for _, loss, _ in result.curve],
        "after_labels": _predicted(made),
        "score_exact": _counts(EvaluationSet(sentences, "spans", "BIOES").outcomes_of(_half_right(sentences))),
    }


def _counts(found: Outcomes) -> dict[str, tuple[int, ...]]:
    return {"right": found.right, "predicted": found.predicted, "gold": found.gold}


def _half_right(sentences: Corpus) -> list[tuple[str, ...]]:
    """Gold labels, and those of the sentence before, by turns."""
    pairs = zip(sentences, [sentences[-1], *sentences], strict=False)
    return [
        one.labels if place % 2 or len(one) != len(before) else before.labels
        for place, (one, before) in enumerate(pairs)
    ]


class _Whole:
    words = 80

    def __len__(self) -> int:
        return 16


def _predicted(made: Tagger) -> list[str]:
    return list(map(" ".join, best_labels(made, token_batches([sentence.tokens for sentence in corpus()]))))


def artifacts(folder: Path) -> Results:
    """What the codec makes of annotations, by each code of posteriors; the order in which a set is read."""
    found: Results = {}
    for code in CODES:
        posteriors = torch.tensor(wave(3, 4, 4, size=3)).log_softmax(-1).numpy().astype(np.float32)
        rows = encode(
            shard_schema(4, code),
            sentence_ids=range(3),
            language="en",
            teacher="t",
            seen=[True, False, None],
            tokens=[["a"] * n for n in (4, 1, 2)],
            gold=[np.array([0, 1, 2, 3]), None, np.array([1, 1])],
            annotations=Annotations(
                lengths=np.array([4, 1, 2]),
                paths=(np.arange(24).reshape(3, 2, 4) * 7) % 4,
                counts=np.array([2, 1, 2]),
                log_probs=np.array([[-0.5, -1.5], [-0.25, -9], [-1, -1.25]], np.float32),
                log_posteriors=posteriors,
                emissions=wave(3, 4, 4).astype(np.float32),
                log_partition=np.array([1.5, 0.25, -2], np.float32),
            ),
        ).to_pydict()
        numbers = {name: rows.pop(name) for name in ("path_weights", "log_posteriors", "emissions")}
        found |= {f"{code}_rows_exact": rows, f"{code}_numbers_close": list(numbers.values())}
    sets = [write_set(folder / name, sentences={name: 12}, teacher=name) for name in ("en", "de")]
    config = StreamConfig(batch_tokens=30, seed=3)
    batches = [stream_epoch(sets, ("tokens",), config, epoch) for epoch in (0, 1)]
    found["order_exact"] = [[" ".join(rows["tokens"].to_pylist()[0]) for rows in epoch] for epoch in batches]
    return found


def teachers(folder: Path) -> Results:
    """A teacher's training, and what it writes."""
    made, result = train_teacher(
        corpus(),
        EvaluationSet(corpus(), "spans", "BIOES"),
        LABELS,
        tagger=SMALL,
        training=TRAINING,
        seed=1,
        log=lambda record: None,
    )
    made.set_weights({name: _spread(weights) for name, weights in made.weights().items()})
    config = AnnotationConfig(k=3, row_group_rows=5, shard_rows=10, posteriors="float32")
    rows = text_rows([corpus()], {corpus()[0].tokens})
    annotate(TaggerSource(made), rows, folder / "set", name="en", config=config, provenance={}, log=lambda record: None)
    table = ArtifactSet.open(folder / "set").table().to_pydict()
    exact = {name: table[name] for name in ("sentence_id", "seen", "gold", "paths")}
    close = [table[name] for name in ("path_log_probs", "path_weights", "log_posteriors", "emissions")]
    return {
        "losses_close": [loss for _, loss, _ in result.curve],
        "rows_exact": exact,
        "numbers_close": close,
    }


def _spread(weights: torch.Tensor) -> torch.Tensor:
    """Fixed weights in place of trained ones, so that no two of the listed paths are nearly as good as each other."""
    return torch.tensor(wave(*weights.shape, size=0.7, step=1.3 + weights.numel() % 7), dtype=weights.dtype)


def student(folder: Path) -> Results:
    """The losses of a few updates by each system, and what the students say."""
    sets = [write_set(folder / name, sentences={name: 12}, teacher=name) for name in ("en", "de")]
    dev = EvaluationSet(Corpus("en", "dev", (Sentence(("en0", "en1"), ("O", "B-LOC")),)), "spans", "IOB2")
    found: Results = {}
    for system in SYSTEMS:
        made, result = distill(
            sets,
            {"en": dev},
            system=system,
            tagger=SMALL,
            training=TrainingConfig(updates=4, batch_tokens=40, learning_rate=0.02, evaluate_every=2),
            config=DistillConfig(k=2, temperature=2.0),
            seed=1,
            log=lambda record: None,
        )
        emissions = made(TokenBatch.from_sentences([("en0", "en1", "de2")])).emissions
        found[f"{system}_close"] = [[loss for _, loss, _ in result.curve], emissions.tolist()]
    return found


def demo(folder: Path) -> Results:
    """The generated corpora, as this version of Faker has names."""
    made = {name: demo_corpus(name, "train", sentences=20, seed=1).digest for name in ("en", "de", "nl", "es")}
    return {f"Faker {version('faker')}_exact": made}


def augmented(folder: Path) -> Results:
    """Text made from text."""
    return {"text_exact": augment(corpus(), copies=2, replace=0.2, mask=0.2, join=0.3, seed=1).digest}


def features(folder: Path) -> Results:
    """What a frozen encoder says of words, whole or in windows."""
    from structkd.tagger.encoders.transformer import Frozen
    from tests.tagger.encoders.tiny_bert import save_tiny_bert

    made = save_tiny_bert(folder / "bert")
    sentences = [("berlin", "and", "london"), tuple("abcdefghij" * 4)]
    found: Results = {}
    for subwords in ("first", "mean"):
        encoder = Frozen(TransformerConfig(model=str(made), layers=(1, 3), subwords=subwords, precision="float32"))
        found[f"{subwords}_close"] = encoder.eval()(TokenBatch.from_sentences(sentences))[:, ::7].tolist()
    return found


ROOMS: dict[str, Callable[[Path], Results]] = {
    "crf": crf,
    "corpora": corpora,
    "tagger": tagger,
    "artifacts": artifacts,
    "teachers": teachers,
    "student": student,
    "demo": demo,
    "augmented": augmented,
    "features": features,
}
