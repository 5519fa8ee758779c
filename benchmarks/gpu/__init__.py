"""Benchmarks on a GPU: `make gpu`."""
