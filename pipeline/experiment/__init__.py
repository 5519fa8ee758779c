"""Experiments and grids: TOML files as typed settings."""
