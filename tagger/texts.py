"""A trained tagger as a tagger of texts: torch gives the scores, the runtime does the rest."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from structkd.crf import LinearChain
from structkd.runtime.chain import Chain
from structkd.runtime.spans import Scheme
from structkd.runtime.tagging import TextTagger
from structkd.tagger.calibration import read_temperature
from structkd.tagger.checkpoint import load_tagger
from structkd.tagger.description import scored
from structkd.tagger.devices import found_device
from structkd.tagger.model import CHAIN, Tagger
from structkd.tagger.tokens import TokenBatch


class TorchScorer:
    """See `structkd.runtime.tagging.Scorer`.

    Args:
        tagger: it is put into evaluation mode.
        scheme: IOB2 or BIOES; None for labels of words.
    """

    def __init__(self, tagger: Tagger, scheme: Scheme | None, temperature: float = 1.0) -> None:
        self.tagger, self.scheme = tagger.eval(), scheme
        self.labels = tagger.labels.names
        transitions, start, end = (getattr(tagger, name).detach().cpu().numpy() for name in CHAIN)
        self.chain = Chain(transitions, start, end, temperature)

    def emissions(self, sentences: Sequence[Sequence[str]]) -> Float[np.ndarray, "B T L"]:
        """See `Scorer`."""
        with torch.inference_mode():
            chain: LinearChain = self.tagger(TokenBatch.from_sentences(sentences))
        return chain.emissions.cpu().numpy()


def load_text_tagger(folder: Path) -> TextTagger:
    """Open a trained tagger for texts at its temperature, on the GPU if there is one.

    Raises CheckpointError, EncoderError.
    """
    tagger = load_tagger(folder).to(found_device())
    return TextTagger(TorchScorer(tagger, scheme_of(folder), read_temperature(folder)))


def scheme_of(folder: Path) -> Scheme | None:
    """Return the scheme in which a trained tagger's labels write spans; None for labels of words."""
    known = scored(folder)
    return None if known.metric == "accuracy" or known.scheme == "IOB1" else known.scheme
