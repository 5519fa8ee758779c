"""The entry point of `python -m structkd`, and of `torchrun ... -m structkd`."""

from structkd.pipeline.cli import main

if __name__ == "__main__":  # worker processes import this module under another name
    main()
