"""Annotation and training, in words a second, by sentences a batch: on a GPU and on one thread of the CPU."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import torch
from torch import Tensor

from structkd.corpora.demo import demo_corpus
from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, label_names
from structkd.ground.records import Record, Updated
from structkd.pipeline.execution.memory import forget_peak, peak_memory
from structkd.tagger.config import CharacterLSTMConfig, TaggerConfig, TrainingConfig, TransformerConfig, WordsConfig
from structkd.tagger.model import Tagger
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.training import train
from structkd.tagger.vocabulary import Vocabulary
from structkd.teachers.annotate import annotate, text_rows
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.sources.tagger import TaggerSource
from structkd.teachers.train import LabelledBatch

SENTENCES = (64, 256, 1024)
WARM_UP = 2


@dataclass(frozen=True)
class Speed:
    """Words a second, and the most memory that was in use: the GPU's, or the process's."""

    words: float
    memory: int


def taggers(encoder: str | None) -> dict[str, TaggerConfig]:
    """What is measured: a BiLSTM, and a pretrained encoder whole and in part where there is one."""
    bilstm = TaggerConfig(encoders=(WordsConfig(), CharacterLSTMConfig()), hidden=256)
    found = {"words + char-lstm, BiLSTM of 256": bilstm}
    if encoder:
        for layers, name in ((-1, "all layers"), (4, "4 layers")):
            tuned = TransformerConfig(model=encoder, layers=(layers,), frozen=False, precision="bfloat16")
            found[f"{Path(encoder).name}, {name}, bfloat16"] = TaggerConfig(encoders=(tuned,), hidden=0, dropout=0.1)
    return found


def text(sentences: int) -> Corpus:
    """Labelled sentences of the demo corpus, shortest first, so that a batch's are of similar length."""
    found = demo_corpus("en", "train", sentences=sentences, seed=0)
    return Corpus("en", "train", tuple(sorted(found, key=lambda sentence: len(sentence.tokens))))


def make_tagger(config: TaggerConfig, corpus: Corpus, device: str) -> Tagger:
    """One with random weights, beside what is pretrained."""
    torch.manual_seed(0)
    words = Vocabulary.build(Counter(word for sentence in corpus for word in sentence.tokens))
    return Tagger(config, words, LabelSet.union(label_names([corpus]))).to(device)


def annotation(tagger: Tagger, corpus: Corpus, sentences: int) -> Speed:
    """Forward pass, posteriors, 10 best paths, and writing, `sentences` at a time."""
    config = AnnotationConfig(batch_tokens=1 << 30, row_group_rows=sentences)
    source, rows = TaggerSource(tagger.eval()), text_rows([corpus], None)
    with TemporaryDirectory() as folder:
        write = partial(annotate, source, name="en", config=config, provenance={}, log=lambda record: None)
        write(rows[-sentences:], Path(folder) / "first")
        _forget(tagger)
        began = perf_counter()
        write(rows, Path(folder) / "second")
        return Speed(corpus.tokens / (perf_counter() - began), _peak(tagger))


def training(tagger: Tagger, corpus: Corpus, sentences: int, updates: int) -> Speed:
    """Updates by gold labels, batches of `sentences` prepared on the way."""
    labels, times, words = tagger.labels, [], []
    groups = [corpus.sentences[first : first + sentences] for first in range(0, len(corpus), sentences)]

    def batches(epoch: int, start: int) -> Iterator[LabelledBatch]:
        for group in groups[start:]:
            tokens = TokenBatch.from_sentences(sentence.tokens for sentence in group)
            batch = LabelledBatch(tokens, [labels.encode(sentence.labels or ()) for sentence in group])
            words.append(batch.words)
            yield batch

    def loss(student: Tagger, batch: LabelledBatch, done: float) -> Tensor:
        value: Tensor = -student(batch.tokens).log_prob(batch.gold.to(student.device)).mean()
        return value

    def log(record: Record) -> None:
        if isinstance(record, Updated):
            times.append(perf_counter())  # the loss has been read: the device has done its work

    _forget(tagger)
    config = TrainingConfig(updates=WARM_UP + updates, evaluate_every=WARM_UP + updates)
    train(tagger, batches, loss, lambda student: 0.0, config, log)
    return Speed(sum(words[WARM_UP : WARM_UP + updates]) / (times[-1] - times[WARM_UP - 1]), _peak(tagger))


def _forget(tagger: Tagger) -> None:
    if tagger.device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    else:
        forget_peak()


def _peak(tagger: Tagger) -> int:
    on_gpu = tagger.device.type == "cuda"
    return torch.cuda.max_memory_allocated() if on_gpu else peak_memory() or 0
