"""Opening a finished tagger. Nothing here loads torch until a tagger needs it."""

from pathlib import Path

from structkd.runtime.tagging import TextTagger


def open_tagger(folder: Path) -> TextTagger:
    """Open a trained tagger for texts: on the GPU if there is one, else on the CPU.

    Raises:
        CheckpointError: it is missing, damaged, or needs an encoder that has changed.
        EncoderError: a pretrained encoder that is not there.
    """
    from structkd.tagger.texts import load_text_tagger

    return load_text_tagger(folder)
