"""A neural tagger (encoder and linear chain), the one training loop, checkpoints and scores."""
