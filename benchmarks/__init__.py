"""Measurements of speed and memory; `make bench` runs them. All ratios come from within one run."""
