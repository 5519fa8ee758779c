"""Words a second of a training, beside the bare minimum of its work and beside flair.

    python -m benchmarks.training [--flair PYTHON] [--encoder FOLDER]

A teacher of 200 LSTM units learns the demo corpus, as `structkd teachers` would; one thread, processor time. The bare
minimum is the BiLSTM's forward and backward passes over the same batches, or those of the pretrained encoder (four
layers, padded by transformers' tokeniser). flair has no convolution over characters, so both settings with characters
stand beside its LSTM over characters. Its training is a tagger of the same sizes, dropout as flair sets it, over the
same batches, with torch's fused AdamW.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from statistics import median
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table

from structkd.corpora.demo import demo_corpus
from structkd.corpora.labels import LabelSet
from structkd.corpora.schemes import convert, spans
from structkd.corpora.sentences import Corpus, Sentence, label_names
from structkd.ground.records import Updated
from structkd.runtime.batches import length_batches
from structkd.runtime.spans import Scheme
from structkd.tagger.bilstm import BiLSTM
from structkd.tagger.config import (
    CharacterCNNConfig,
    CharacterLSTMConfig,
    TaggerConfig,
    TrainingConfig,
    TransformerConfig,
    WordsConfig,
)
from structkd.tagger.encoders.transformer import TransformerBody
from structkd.tagger.evaluation import EvaluationSet
from structkd.teachers.train import train_teacher

HIDDEN, WORDS = 200, WordsConfig()
SCHEME: Scheme = "BIOES"
EPOCHS = 4  # the first one warms up
Batches = list[list[Sentence]]

_FLAIR = """
import json, sys, tempfile, time
import torch
torch.set_num_threads(1)
from flair.data import Dictionary, Sentence
from flair.embeddings import CharacterEmbeddings, OneHotEmbeddings, StackedEmbeddings
from flair.models import SequenceTagger
given = json.load(open(sys.argv[1], encoding="utf-8"))
words, letters, labels = Dictionary(), Dictionary(), Dictionary(add_unk=False)
labels.span_labels = True
batches = []
for batch in given["batches"]:
    batches.append([])
    for tokens, found in batch:
        sentence = Sentence(tokens)
        for start, end, kind in found:
            sentence[start:end].add_label("ner", kind)
            labels.add_item(kind)
        for word in tokens:
            words.add_item(word)
            for letter in word:
                letters.add_item(letter)
        batches[-1].append(sentence)
with tempfile.NamedTemporaryFile() as kept:
    letters.save(kept.name)
    parts = [OneHotEmbeddings(words, embedding_length=100), CharacterEmbeddings(kept.name, 25, 25)]
model = SequenceTagger(
    StackedEmbeddings(parts), labels, "ner", tag_format="BIOES", use_crf=True, hidden_size=given["hidden"],
    rnn_layers=1, reproject_embeddings=False,
)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, fused=True)
model.train()
def epoch():
    for batch in batches:
        optimizer.zero_grad(set_to_none=True)
        loss, count = model.forward_loss(batch)
        (loss / count).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        for sentence in batch:
            sentence.clear_embeddings()
epoch()
begun = time.process_time()
epoch()
print(json.dumps({"seconds": time.process_time() - begun}))
"""


def labelled(sentences: int) -> Corpus:
    """Return sentences of the demo corpus with the labels of the scheme."""
    corpus = demo_corpus("en", "train", sentences=sentences, seed=0)
    found = (Sentence(one.tokens, convert(one.labels or (), "IOB2", SCHEME)) for one in corpus)
    return replace(corpus, sentences=tuple(found))


def batches_of(corpus: Corpus, batch_tokens: int) -> Batches:
    """Return the corpus in the batches of a training."""
    places = length_batches([len(sentence) for sentence in corpus], batch_tokens)
    return [[corpus[place] for place in group] for group in places]


def training_speed(corpus: Corpus, tagger: TaggerConfig, batches: int) -> float:
    """Return words a second of a teacher's training, the median of its epochs."""
    ends: list[float] = []

    def log(record: object) -> None:
        if isinstance(record, Updated) and record.update % batches == 0:
            ends.append(time.process_time())

    updates = EPOCHS * batches
    training = TrainingConfig(updates=updates, evaluate_every=updates)
    dev = EvaluationSet(Corpus("en", "dev", corpus.sentences[:1]), "spans", SCHEME)
    labels = LabelSet.union(label_names([corpus]))
    train_teacher(corpus, dev, labels, tagger=tagger, training=training, seed=1, log=log)
    return corpus.tokens / median(end - begun for begun, end in pairwise(ends))


def bare_speed(corpus: Corpus, passes: Callable[[], None]) -> float:
    """Return words a second of a function that makes the passes over a corpus."""
    taken = []
    for _ in range(EPOCHS):
        begun = time.process_time()
        passes()
        taken.append(time.process_time() - begun)
    return corpus.tokens / median(taken[1:])


def bare_bilstm(batches: Batches, dim: int) -> None:
    """Run the BiLSTM over random vectors, forward and backward."""
    context = BiLSTM(dim, HIDDEN, 1, 0.0)
    for batch in batches:
        lengths = torch.tensor([len(sentence) for sentence in batch])
        vectors = torch.randn(len(batch), int(lengths.max()), dim, requires_grad=True)
        context(vectors, lengths).sum().backward()


def bare_encoder(batches: Batches, body: TransformerBody) -> None:
    """Run the pretrained encoder forward and backward, without its embeddings."""
    tokenizer: Any = body.pieces.tokenizer
    for batch in batches:
        words = [list(sentence.tokens) for sentence in batch]
        given = tokenizer(words, is_split_into_words=True, padding=True, return_tensors="pt")
        body.model(**given).last_hidden_state.sum().backward()


def flair_speed(corpus: Corpus, batches: Batches, python: str) -> float | None:
    """Return words a second of flair's training; None without flair."""
    given = [
        [(one.tokens, [(s.start, s.end, s.type) for s in spans(one.labels or (), SCHEME)]) for one in batch]
        for batch in batches
    ]
    with NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as file:
        json.dump({"batches": given, "hidden": HIDDEN}, file)
        file.flush()
        command = [python, "-c", _FLAIR, file.name]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    if done.returncode:
        return None
    return corpus.tokens / float(json.loads(done.stdout.splitlines()[-1])["seconds"])


def main(
    flair: Annotated[str, typer.Option(help="An interpreter that has flair.")] = sys.executable,
    encoder: Annotated[str | None, typer.Option(help="A pretrained encoder, of which four layers are trained.")] = None,
    sentences: Annotated[int, typer.Option(min=100, help="Of the demo corpus.")] = 2000,
) -> None:
    """Print words a second, and the share of the bare minimum's."""
    torch.set_num_threads(1)
    corpus = labelled(sentences)
    batch_tokens = TrainingConfig().batch_tokens
    batches = batches_of(corpus, batch_tokens)
    table = Table("what is trained", "words/s", "bare, words/s", "of the bare", "flair, words/s", "times flair")
    beside = flair_speed(corpus, batches, flair)
    for name, characters in {"char-cnn": CharacterCNNConfig(), "char-lstm": CharacterLSTMConfig()}.items():
        tagger = TaggerConfig(encoders=(WORDS, characters), hidden=HIDDEN)
        speed = training_speed(corpus, tagger, len(batches))
        bare = bare_speed(corpus, partial(bare_bilstm, batches, 150))
        ours = f"{speed:,.0f}", f"{bare:,.0f}", f"{speed / bare:.2f}"
        table.add_row(f"words + {name}", *ours, *((f"{beside:,.0f}", f"{speed / beside:.1f}") if beside else ()))
    if encoder:
        tuned = TransformerConfig(model=encoder, layers=(4,), frozen=False, precision="float32")
        speed = training_speed(corpus, TaggerConfig(encoders=(tuned,), hidden=0), len(batches))
        bare = bare_speed(corpus, partial(bare_encoder, batches, TransformerBody(tuned)))
        table.add_row("4 fine-tuned layers", f"{speed:,.0f}", f"{bare:,.0f}", f"{speed / bare:.2f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
