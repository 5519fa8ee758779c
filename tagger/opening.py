"""Opening a finished tagger. Nothing here loads torch until a tagger needs it."""

from pathlib import Path

from structkd.runtime.folder import is_exported, load
from structkd.runtime.tagging import TextTagger


def open_tagger(folder: Path) -> TextTagger:
    """Open a tagger for texts: an exported one, or a trained one on the GPU if there is one, else on the CPU.

    Raises:
        FolderError: an exported tagger that is damaged.
        CheckpointError: it is missing, damaged, or needs an encoder that has changed.
        EncoderError: a pretrained encoder that is not there.
    """
    if is_exported(folder):
        return load(folder)
    from structkd.tagger.texts import load_text_tagger

    return load_text_tagger(folder)
