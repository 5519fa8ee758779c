"""How many processor cores this process may use."""

import os


def usable_cores() -> int:
    """Those that the system lets this process run on; all of the machine's where the system does not tell."""
    if hasattr(os, "sched_getaffinity"):  # Linux; os.process_cpu_count comes with Python 3.13
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
