"""Stage one, first half: train a monolingual teacher."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, CorpusError
from structkd.crf import LinearChain
from structkd.ground.records import Log
from structkd.runtime.batches import length_batches
from structkd.tagger.config import TaggerConfig, TrainingConfig
from structkd.tagger.evaluation import Judge
from structkd.tagger.features import FeatureSet
from structkd.tagger.model import Tagger
from structkd.tagger.resume import Resume
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.training import TrainingResult, log_vectors, train
from structkd.tagger.vocabulary import Vocabulary


class LabelledBatch:
    """Sentences with their gold label ids `[B, T]`, 0 at padding."""

    def __init__(self, tokens: TokenBatch, labels: list[np.ndarray]) -> None:
        self.tokens = tokens
        self.gold = torch.zeros(tokens.index.shape, dtype=torch.long)
        inside = torch.arange(self.gold.shape[1]) < tokens.lengths[:, None]
        self.gold[inside] = torch.from_numpy(np.concatenate(labels))

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def words(self) -> int:
        """The number of words without padding."""
        return self.tokens.word_count


def train_teacher(
    corpus: Corpus,
    dev: Judge,
    labels: LabelSet,
    *,
    tagger: TaggerConfig,
    training: TrainingConfig,
    seed: int,
    log: Log,
    device: torch.device | str = "cpu",
    resume: Resume | None = None,
    features: Sequence[FeatureSet] = (),
) -> tuple[Tagger, TrainingResult]:
    """Train a tagger on gold labels, by negative log-likelihood; return it with its best dev weights.

    With `resume`, a killed training continues from its saved state. Frozen encoders read stored `features`.

    Raises:
        CorpusError: an unlabelled sentence, or a label that is not in `labels`.
    """
    torch.manual_seed(seed)
    gold = [_encode(corpus, place, labels) for place in range(len(corpus))]
    lengths = [len(sentence) for sentence in corpus]

    def batches(epoch: int, start: int) -> Iterator[LabelledBatch]:
        generator = np.random.default_rng([seed, epoch])
        order = generator.permutation(len(corpus))  # sentences of one length meet others in every epoch
        groups = length_batches([lengths[place] for place in order], training.batch_tokens)
        for group in generator.permutation(len(groups))[start:]:
            places = order[groups[group]]
            tokens = TokenBatch.from_sentences(corpus[place].tokens for place in places)
            yield LabelledBatch(tokens, [gold[place] for place in places])

    def loss(teacher: Tagger, batch: LabelledBatch, done: float) -> Tensor:
        chain: LinearChain = teacher(batch.tokens)
        return -chain.log_prob(batch.gold.to(teacher.device)).mean()

    counts = Counter(word for sentence in corpus for word in sentence.tokens)
    teacher = Tagger(tagger, Vocabulary.build(counts, min_count=tagger.min_count), labels).to(device)
    teacher.attach(features)
    log_vectors(teacher, list(counts), log)
    return teacher, train(teacher, batches, loss, dev.score, training, log, resume=resume)


def _encode(corpus: Corpus, place: int, labels: LabelSet) -> np.ndarray:
    sentence = corpus[place]
    if sentence.labels is None:
        raise CorpusError(
            f"{corpus.language} {corpus.split}: sentence {place} has no labels; a teacher learns from labelled text"
        )
    return labels.encode(sentence.labels)
