"""A token classification model of Hugging Face transformers as a teacher."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from corpora.labels import LabelSet
from crf import LinearChain
from tagger.tokens import length_batches
from teachers.sources.base import Passage, SoftmaxSource, SourceError, listed
from teachers.sources.config import HuggingFaceConfig, TaskScheme
from teachers.sources.mapping import LabelMapping
from teachers.sources.subwords import Subwords

_NO_LIMIT = 1 << 20  # subwords; tokenizers that know no limit say 10^30


class TokenClassificationSource(SoftmaxSource):
    """An `AutoModelForTokenClassification`, asked about words that are split already.

    A word's distribution is that of its subwords, as `config.subword` has it. A sentence longer than the model's window
    is read in overlapping windows, each subword in that where it is most central. A word for which the tokenizer has no
    subword is read as its unknown token.

    Args:
        config: its `model` is taken as it stands.
        labels: the task's, with their scheme (None for tags).
        device: where the model runs; chains are on the CPU.

    Raises:
        SourceError: transformers is not installed; a model that is not there, is not trained for token classification
            or has a slow tokenizer; a window that the model does not have; labels that do not fit.
    """

    def __init__(
        self,
        config: HuggingFaceConfig,
        labels: LabelSet,
        scheme: TaskScheme | None,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(labels)
        self._config = config
        self._tokenizer, model = _load(config)
        self._model = model.to(device).eval()
        self._window, self._overlap = self._windows()
        self._mapping = LabelMapping(self._names(), labels, scheme, config, config.model)

    @torch.no_grad()
    def chain(self, passage: Passage) -> LinearChain:
        """A softmax chain over the task's labels.

        Raises SourceError for a word that the tokenizer can neither split nor call unknown.
        """
        encoded, subwords = self._encode(passage)
        logits = self._logits(encoded)[torch.from_numpy(subwords.window), torch.from_numpy(subwords.place)]
        probabilities = subwords.by_word(logits.softmax(-1).numpy(), self._config.subword)
        return self._chain(self._mapping(probabilities, passage), passage.lengths)

    def _encode(self, passage: Passage) -> tuple[Any, Subwords]:
        words = [list(sentence.tokens) for sentence in passage.sentences]
        encoded, subwords = self._split(words, passage)
        silent = np.setdiff1d(np.arange(passage.lengths.sum()), subwords.word)
        if not len(silent):
            return encoded, subwords
        unknown = self._tokenizer.unk_token
        if unknown is None:
            raise SourceError(
                f"{self._config.model}: {passage.where(int(silent[0]))}: its tokenizer splits the word into nothing "
                "and has no unknown token to read instead; take the word out of the corpus, or replace it"
            )
        ends = np.cumsum(passage.lengths)
        rows = np.searchsorted(ends, silent, side="right")
        for row, word in zip(rows.tolist(), (silent - (ends - passage.lengths)[rows]).tolist(), strict=True):
            words[row][word] = unknown
        return self._split(words, passage)

    def _split(self, words: list[list[str]], passage: Passage) -> tuple[Any, Subwords]:
        encoded = self._tokenizer(
            words,
            is_split_into_words=True,
            truncation=True,
            max_length=self._window,
            stride=self._overlap,
            return_overflowing_tokens=True,
        )
        step = self._window - self._tokenizer.num_special_tokens_to_add() - self._overlap
        word_ids = [encoded.word_ids(window) for window in range(len(encoded["input_ids"]))]
        sentence = np.array(encoded["overflow_to_sample_mapping"], np.int64)
        return encoded, Subwords.most_central(word_ids, sentence, passage.lengths, step)

    def _logits(self, encoded: Any) -> Float64[Tensor, "W S M"]:
        """The model's scores at each place of each window, garbage past its end."""
        names = [name for name in self._tokenizer.model_input_names if name in encoded]
        sizes = [len(ids) for ids in encoded["input_ids"]]
        scores: Float[Tensor, "W S M"] = torch.zeros(len(sizes), max(sizes), len(self._mapping.names)).double()
        for group in length_batches(sizes, self._config.batch_subwords):
            inputs = {name: self._padded(name, [encoded[name][window] for window in group]) for name in names}
            found = self._model(**inputs).logits
            scores[torch.from_numpy(group), : found.shape[1]] = found.double().cpu()
        return scores

    def _padded(self, name: str, rows: list[list[int]]) -> Tensor:
        filler = (self._tokenizer.pad_token_id or 0) if name == "input_ids" else 0
        padded = pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=filler)
        return padded.to(self._model.device)

    def _names(self) -> tuple[str, ...]:
        settings = self._model.config
        given = tuple(str(settings.id2label[place]) for place in range(settings.num_labels))
        if self._config.labels is None:
            return given
        if len(self._config.labels) != len(given):
            raise SourceError(
                f"{self._config.model}: `labels` names {len(self._config.labels)} ({listed(self._config.labels)}), but "
                f"the model has {len(given)} ({listed(given)})"
            )
        return self._config.labels

    def _windows(self) -> tuple[int, int]:
        """Subwords in a window, special tokens included, and how many of them it shares with the next."""
        limit = _limit(self._model, self._tokenizer)
        window = self._config.window or limit
        if window > limit:
            raise SourceError(f"{self._config.model}: takes {limit} subwords at once; `window` is {window}")
        capacity = window - self._tokenizer.num_special_tokens_to_add()
        overlap = max(capacity, 0) // 2 if self._config.overlap is None else self._config.overlap
        if overlap >= capacity:
            raise SourceError(
                f"{self._config.model}: a window of {window} holds {capacity} subwords beside special tokens; they "
                f"must be more than the {overlap} that it shares with the next: set a larger `window` or a smaller "
                "`overlap`"
            )
        return window, overlap


def _limit(model: Any, tokenizer: Any) -> int:
    """How many positions the model knows: RoBERTa's table has some that count padding, BERT's has not."""
    tables = [
        module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
        for name, module in model.named_modules()
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding)
    ]
    stated = getattr(model.config, "max_position_embeddings", None) or _NO_LIMIT
    return int(min(*tables, stated, tokenizer.model_max_length, _NO_LIMIT))


def _load(config: HuggingFaceConfig) -> tuple[Any, Any]:
    """Tokenizer and model, in float32."""
    try:
        import transformers
    except ImportError:
        raise SourceError(
            f"{config.model}: a teacher of Hugging Face needs transformers: pip install 'structkd[transformers]'"
        ) from None
    try:
        with _quiet(transformers.utils.logging):
            # Words that were split at blanks follow one, for byte-level tokenizers too.
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                config.model, revision=config.revision, add_prefix_space=True
            )
            model, report = transformers.AutoModelForTokenClassification.from_pretrained(
                config.model, revision=config.revision, dtype=torch.float32, output_loading_info=True
            )
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{config.model}: cannot be loaded: {error}; give a local folder with a tokenizer and a model for token "
            "classification, or a name that huggingface.co or the local cache has"
        ) from error
    if report["missing_keys"]:
        raise SourceError(
            f"{config.model}: has no weights for {listed(sorted(report['missing_keys']))}, so it is not trained for "
            "token classification; name a model that is"
        )
    if not tokenizer.is_fast:
        raise SourceError(
            f"{config.model}: its tokenizer ({type(tokenizer).__name__}) does not say which word a subword belongs to; "
            "write its probabilities to a file and give that as a source of kind 'predictions'"
        )
    return tokenizer, model


@contextmanager
def _quiet(logging: Any) -> Iterator[None]:
    """Without transformers' bars and reports, which a library must not print."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
