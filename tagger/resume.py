"""A training's state on disk. With it, a killed training continues as if it had not been killed."""

import io
import random
import time
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from structkd.ground.faults import explained
from structkd.ground.files import atomic_path, clear_temporaries, open_regular

MAGIC = b"structkd training state 2\n"
SPARE = 20  # a save may take a twentieth of the time at most

State = dict[str, Any]


class ResumeError(RuntimeError):
    """A state from which this process cannot continue; the message says what to do."""


class Resume:
    """One training's state: the file `path`, whole or absent.

    Args:
        path: the state file.
        identity: digest of everything that determines the training. A state of another identity is not used.
        seconds: shortest time between two saves; 0 saves after every update. Slow saves are less frequent, so they
        never take more than a twentieth of the time.
        code: digest of the training code. A state of other code is used, and `earlier` then names that code.
    """

    def __init__(self, path: Path, identity: str, seconds: float, code: str = "") -> None:
        self.path = path
        self.earlier: tuple[str, ...] = ()
        """Earlier code of the training."""
        self._code = code
        self._identity = f"{identity} torch {torch.__version__}"
        self._seconds = seconds
        self._cost, self._last = 0.0, time.monotonic()

    @property
    def due(self) -> bool:
        """True if it is time to save."""
        wait = max(self._seconds, SPARE * self._cost) if self._seconds else 0.0
        return time.monotonic() - self._last >= wait

    def save(self, state: State) -> None:
        """Replace the state atomically. `state` contains tensors, numbers, strings, and lists and dicts of them."""
        began, buffer = time.monotonic(), io.BytesIO()
        codes = [*self.earlier, self._code]
        torch.save({"identity": self._identity, "codes": codes, "state": state}, buffer)
        content = buffer.getbuffer()
        with atomic_path(self.path) as temporary, temporary.open("wb") as file:
            file.write(MAGIC + sha256(content).digest())
            file.write(content)
        self._last = time.monotonic()
        self._cost = self._last - began

    def load(self) -> tuple[State | None, str]:
        """Return the state, on the CPU; or None and, if there is an unusable file, the reason."""
        clear_temporaries(self.path.parent, self.path.name)
        if not self.path.is_file():
            return None, ""
        head, content = self._read()
        if head != MAGIC + sha256(content).digest():
            return None, f"{self.path}: damaged, its content does not have the SHA-256 that it names"
        found = _loaded(content)
        if found is None:
            return None, f"{self.path}: holds no state of a training"
        if found["identity"] != self._identity:
            return None, f"{self.path}: of other inputs, found {found['identity']}, expected {self._identity}"
        self.earlier = tuple(code for code in found["codes"] if code != self._code)
        state: State = found["state"]
        return state, ""

    def _read(self) -> tuple[bytes, bytes]:
        size = len(MAGIC) + sha256().digest_size
        with open_regular(self.path) as file, explained(self.path, "read"):
            return file.read(size), file.read()

    def misfit(self, error: Exception) -> ResumeError:
        """Return the error for a state whose content does not match a training of this identity."""
        said = " ".join(str(error).split())
        return ResumeError(
            f"{self.path}: not a state of this training ({type(error).__name__}: {said}); delete the file to start "
            "again"
        )

    def delete(self) -> None:
        """Delete the state, after the training's result is written."""
        with explained(self.path, "written"):
            self.path.unlink(missing_ok=True)


def _loaded(content: bytes) -> State | None:
    """Return the object that `save` gave to torch; None if it is something else."""
    try:
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:  # of zip files, pickles and torch: there is no common kind
        return None
    kinds = {"identity": str, "codes": list, "state": dict}
    if not isinstance(found, dict) or not all(isinstance(found.get(key), kind) for key, kind in kinds.items()):
        return None
    return found if all(isinstance(code, str) for code in found["codes"]) else None


def random_state() -> State:
    """Return the states of the global random number generators: torch's, CUDA's, numpy's and Python's."""
    kind, keys, *place = cast("tuple[Any, ...]", np.random.get_state(legacy=True))
    return {
        "torch": torch.get_rng_state(),
        "cuda": [torch.cuda.get_rng_state()] if torch.cuda.is_available() else [],
        "numpy": [kind, torch.from_numpy(keys.astype(np.int64)), *place],
        "python": random.getstate(),
    }


def set_random_state(state: State) -> None:
    """Set the global random number generators to a `random_state`."""
    torch.set_rng_state(state["torch"])
    for one in state["cuda"]:  # of the GPU that this process used, for the one that it uses now
        torch.cuda.set_rng_state(one)
    kind, keys, *place = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *place))
    random.setstate(state["python"])
