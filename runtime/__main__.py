"""`python -m structkd_runtime`."""

from .command import main

main()
