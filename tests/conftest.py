"""Settings that every test runs under."""

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("structkd", deadline=None)  # a busy machine is not a failure
settings.load_profile("structkd")
