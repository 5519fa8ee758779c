"""A token classification model of Hugging Face transformers as a teacher."""

from typing import Any

import torch

from structkd.corpora.labels import LabelSet
from structkd.crf import LinearChain
from structkd.tagger.devices import mixed_precision
from structkd.tagger.encoders.loading import library, load_tokenizer, make_pieces
from structkd.tagger.encoders.pieces import by_word, inputs
from structkd.tagger.encoders.pretrained import find_pretrained
from structkd.tagger.tokens import TokenBatch
from structkd.teachers.sources.base import Passage, SoftmaxSource, listed
from structkd.teachers.sources.config import HuggingFaceConfig, SourceError, TaskScheme
from structkd.teachers.sources.mapping import LabelMapping


class TokenClassificationSource(SoftmaxSource):
    """An `AutoModelForTokenClassification` as a source, for text that is already split into words.

    A word's distribution comes from its subwords by `config.subwords`. `tagger.encoders.pieces.Pieces` cuts words into
    subwords, and long sentences into overlapping windows.

    Args:
        config: its settings; `{language}` in `model` is not replaced.
        labels: the task's labels, with their scheme (None for tags).
        device: the device of the model; chains are on the CPU.

    Raises:
        EncoderError: transformers is not installed, or the model is missing, cannot be loaded, or has no such window.
        SourceError: a model that is not trained for token classification, or labels that do not fit.
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
        tokenizer, model = _load(config)
        self._model = model.to(device).eval()
        self._pieces = make_pieces(model, tokenizer, config.window)
        self._mapping = LabelMapping(self._names(), labels, scheme, config, config.model)

    @torch.no_grad()
    def chain(self, passage: Passage) -> LinearChain:
        """Return a softmax chain over the task's labels. Raises EncoderError for an unreadable word."""
        tokens = TokenBatch.from_sentences(sentence.tokens for sentence in passage.sentences)
        windows, device = self._pieces.windows(tokens), self._model.device
        with mixed_precision(device, self._config.precision):
            logits = [self._model(**inputs(grid, device)).logits.flatten(0, 1) for grid in windows.grids]
        pieces = torch.cat(logits).double().softmax(-1)
        probabilities = by_word(pieces.cpu(), windows, self._config.subwords).numpy()
        return self._chain(self._mapping(probabilities, passage), passage.lengths)

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


def _load(config: HuggingFaceConfig) -> tuple[Any, Any]:
    """Load tokeniser and model, with weights in float32."""
    folder = find_pretrained(config.model)
    with library(config.model) as transformers:
        tokenizer = load_tokenizer(transformers, folder)
        model, report = transformers.AutoModelForTokenClassification.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
        )
    if report["missing_keys"]:
        raise SourceError(
            f"{config.model}: has no weights for {listed(sorted(report['missing_keys']))}, so it is not trained for "
            "token classification; name a model that is"
        )
    return tokenizer, model
