"""`structkd tag`: what is read, and how the answers are written."""
