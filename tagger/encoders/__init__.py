"""Encoders, from words to vectors; a tagger stacks them by configuration."""
