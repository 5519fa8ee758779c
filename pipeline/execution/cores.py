"""The number of processor cores that this process may use."""

import os


def usable_cores() -> int:
    """Return the number of cores allowed to this process, or of the machine's cores if the system does not tell."""
    if hasattr(os, "sched_getaffinity"):  # Linux; os.process_cpu_count comes with Python 3.13
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
