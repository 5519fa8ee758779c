"""The commands, a module for each thing a person wants: run, look, use, manage corpora."""
