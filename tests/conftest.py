"""Settings that every test runs under.

`make test` draws the same random examples every time, so that a failure is one of the change at hand. `make test-all`
draws new ones, and more (`--hypothesis-profile=new`).
"""

import torch
from hypothesis import settings

torch.set_num_threads(1)
# No deadline: a busy machine is not a failure.
settings.register_profile("same", deadline=None, derandomize=True, database=None, max_examples=40)
settings.register_profile("new", deadline=None)
settings.load_profile("same")
