"""Peak memory is that of a job, not of those before it in the same process."""

import ctypes
import subprocess
import sys

import pytest

MEASURE = """
from structkd.pipeline.execution.memory import forget_peak, peak_memory
forget_peak()
before = peak_memory()
blocks = [bytearray(20_000) for _ in range(10_000)]
held = peak_memory()
last = blocks[-1]  # the heap cannot shrink below it
del blocks
forget_peak()
print(before, held, peak_memory())
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc")
def test_what_an_earlier_job_freed_does_not_count():
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    before, held, after = map(int, done.stdout.split())
    assert held - before > 190_000_000
    assert after - before < 20_000_000
