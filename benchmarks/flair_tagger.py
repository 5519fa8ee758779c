"""flair's tagger of the compact student's LSTM, trained on the same sentences, for the picture of score against size.

    for language in en nl es ru tr; do for split in train dev test; do
        structkd corpora export absa.toml $language $split > corpora/$language.$split
    done; done
    FLAIR_PYTHON benchmarks/flair_tagger.py corpora

`FLAIR_PYTHON` is an interpreter that has flair, which need not have structkd. One tagger of all languages: trained
vectors of the words that occur twice in train, flair's character features (an LSTM), a BiLSTM of 64 units, a CRF.
The best dev score chooses the weights. The last line has strict span F1 on test by language, the size of the file that
flair saves, seconds of training, and raw words tagged in a second, both of one processor.
"""

import json
import sys
import time
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import flair
import torch
from flair.data import Corpus, Dictionary, Sentence
from flair.datasets import FlairDatapointDataset
from flair.embeddings import CharacterEmbeddings, OneHotEmbeddings, StackedEmbeddings
from flair.models import SequenceTagger
from flair.trainers import ModelTrainer
from flair.trainers.plugins import LinearSchedulerPlugin

EPOCHS, LEARNING_RATE, SENTENCES = 8, 0.01, 32
SPEED_SENTENCES = 160  # of each language


def read(path: Path) -> list[Sentence]:
    """Return the sentences of a file that `structkd corpora export` has written."""
    return [_sentence(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def _sentence(tokens: list[str], gold: list[str]) -> Sentence:
    sentence = Sentence(tokens)
    for place, label in enumerate(gold):
        if label[0] in "BS":
            start = place
        if label[0] in "ES":
            sentence[start : place + 1].add_label("ner", label[2:])
    return sentence


def train(corpus: Corpus, folder: Path) -> SequenceTagger:
    """Return flair's tagger with its best weights on dev."""
    words = OneHotEmbeddings.from_corpus(corpus, min_freq=2, embedding_length=64)
    letters = Dictionary()
    for sentence in corpus.train:
        for letter in sentence.to_tokenized_string():
            letters.add_item(letter)
    tagger = SequenceTagger(
        StackedEmbeddings([words, CharacterEmbeddings(letters)]),
        corpus.make_label_dictionary("ner", add_unk=False),
        "ner",
        tag_format="BIOES",
        hidden_size=64,
        dropout=0.0,
        word_dropout=0.05,
        locked_dropout=0.5,
    )
    ModelTrainer(tagger, corpus).train(
        folder,
        optimizer=torch.optim.Adam,
        learning_rate=LEARNING_RATE,
        mini_batch_size=SENTENCES,
        max_epochs=EPOCHS,
        plugins=[LinearSchedulerPlugin(warmup_fraction=0.0)],
        attach_default_scheduler=False,
        embeddings_storage_mode="none",
    )
    return tagger  # the trainer has put the best weights back


def words_a_second(tagger: SequenceTagger, texts: list[str]) -> float:
    """Return raw words tagged in a second of the processor, the best of three."""
    seconds = []
    for _ in range(3):
        begun = time.process_time()
        tagger.predict([Sentence(text) for text in texts], mini_batch_size=256)
        seconds.append(time.process_time() - begun)
    return sum(len(text.split()) for text in texts) / min(seconds)


def main(folder: Path) -> None:
    """Train, score and measure."""
    torch.set_num_threads(1)
    flair.set_seed(1)
    languages = sorted(path.stem for path in folder.glob("*.train"))
    splits = {name: [read(folder / f"{one}.{name}") for one in languages] for name in ("train", "dev", "test")}
    whole = {name: FlairDatapointDataset([one for part in parts for one in part]) for name, parts in splits.items()}
    with TemporaryDirectory() as kept:
        begun = time.process_time()
        tagger = train(Corpus(**whole, sample_missing_splits=False), Path(kept))
        seconds = time.process_time() - begun
        megabytes = (Path(kept) / "best-model.pt").stat().st_size / 1e6
    scores = {
        language: round(100 * tagger.evaluate(test, "ner", mini_batch_size=64).main_score, 2)
        for language, test in zip(languages, splits["test"], strict=True)
    }
    texts = [one.to_tokenized_string() for test in splits["test"] for one in test[:SPEED_SENTENCES]]
    found = scores | {
        "mean": round(fmean(scores.values()), 2),
        "parameters": sum(weights.numel() for weights in tagger.parameters()),
        "megabytes": round(megabytes, 1),
        "training seconds": round(seconds),
        "words a second": round(words_a_second(tagger, texts)),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
