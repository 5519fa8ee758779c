"""`structkd` that kills itself at the n-th call of a function: `mortal.py MODULE OBJECT FUNCTION N ARGUMENTS...`."""

import importlib
import os
import signal
import sys
from itertools import count

module, owner, name, last, *arguments = sys.argv[1:]
place = getattr(importlib.import_module(module), owner)
function, calls = getattr(place, name), count(1)


def mortal(*args, **kwargs):
    if next(calls) == int(last):
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*args, **kwargs)


setattr(place, name, mortal)
sys.argv = ["structkd", *arguments]
from structkd.pipeline.cli import main  # noqa: E402

main()
