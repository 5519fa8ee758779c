"""From words to vectors: encoders that a tagger stacks by configuration."""
