"""Small sizes for quick tests."""

from structkd.tagger.config import CharacterCNNConfig, WordsConfig


def small_encoders(words=5, characters=3, filters=4, dropout=0.0):
    """Word embeddings beside a character CNN."""
    return (WordsConfig(dim=words, dropout=dropout), CharacterCNNConfig(dim=characters, filters=filters))
