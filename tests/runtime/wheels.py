"""The small distribution, built from a copy of its folder."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
OWN = {"pyproject.toml", "README.md", "LICENSE", "Dockerfile", ".dockerignore"}
"""Files in its folder that are about the distribution, not in the package."""


def build_wheel(folder: Path) -> Path:
    """Build the wheel below `folder`."""
    made = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")  # by others
    shutil.copytree(ROOT / "runtime", folder / "source", ignore=made)
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--wheel",
        "--outdir",
        folder / "dist",
        folder / "source",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (folder / "dist").iterdir()
    return wheel


def unpack(wheel: Path, folder: Path) -> Path:
    """Put the wheel's content where an installation would."""
    with zipfile.ZipFile(wheel) as files:
        files.extractall(folder)
    return folder
