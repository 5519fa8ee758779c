"""Exported taggers: a trained tagger as an ONNX graph and a folder that `structkd.runtime` reads without torch."""
