"""The package as people install it: wheel, sdist and editable, beside packages whose names once clashed with ours.

Real virtual environments. They see the heavy dependencies of the one that runs the tests by a path file, which pip,
whose work is on structkd and the packages beside it alone, does not.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.pipeline.tiny import write_experiment
from tests.runtime.wheels import OWN

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
ROOT = Path(__file__).parents[1]
BESIDE = ("pytorch-crf==0.7.2", "artifacts==20260421")  # they bring the packages `crf` and `artifacts`
EXPERIMENT = """
title = "tiny"
languages = ["en", "de"]
corpus = { name = "demo", train = { en = 20, de = 20 }, dev = 5, test = 5 }
teacher = { held_out = false, tagger = { hidden = 4 }, training = { updates = 3 }, annotation = { k = 2 } }
student = { systems = ["baseline", "exact"], tagger = { hidden = 4 }, training = { updates = 3 } }
"""
API = """
import sys
from pathlib import Path
import torch
import structkd

assert Path(structkd.__file__).is_relative_to(sys.argv[1]), structkd.__file__
chain = structkd.LinearChain(emissions=torch.zeros(1, 2, 3), transitions=torch.zeros(3, 3), start=torch.zeros(3),
                             end=torch.zeros(3), lengths=torch.tensor([2]))
assert chain.viterbi().shape == (1, 2)
experiment = structkd.load_experiment("tiny")
assert structkd.result_table(experiment).height == 12
assert structkd.ArtifactSet.open(structkd.run_teachers(experiment)[0]).polars().height == 20
student = structkd.load(structkd.run_students(experiment)["exact", 1])
print(structkd.__version__, *(word.text for word in student.tag(["Ada ran"])[0].words))
"""
TYPED = """
from pathlib import Path

import structkd


def words(folder: Path) -> list[str]:
    return [word.text for tagged in structkd.load(folder).tag(["Ada ran"]) for word in tagged.words]


def height(experiment: structkd.Experiment) -> int:
    return structkd.result_table(experiment).height
"""
MISTYPED = "import structkd\nnumber: int = structkd.load_experiment('demo')\n"


class Environment:
    """A virtual environment without pip of its own."""

    def __init__(self, folder):
        self.folder = folder
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        self.bin = folder / "bin"
        self.site = next(folder.glob("lib/python*/site-packages"))
        self._path_file = self.site / "heavy.pth"

    def pip(self, *arguments):
        self._path_file.unlink(missing_ok=True)
        run(sys.executable, "-m", "pip", "--quiet", "--python", self.bin / "python", *arguments)
        self._path_file.write_text(sysconfig.get_path("purelib"), "utf-8")

    def packages(self):
        return {path.name for path in self.site.iterdir()} - {self._path_file.name, "__pycache__"}


def run(*command, cwd=None, returncode=0):
    """What a process prints, run without this repository on its path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == returncode, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def use(environment, folder, package):
    """Run both stages by the command line, and use what comes out by the API and the command line."""
    folder.mkdir()
    structkd = environment.bin / "structkd"
    assert len(run(structkd, "corpora", "export", "demo", "en", "dev", cwd=folder).splitlines()) == 200
    run(structkd, "reproduce", "capped", "--table", "none", cwd=folder, returncode=1)
    write_experiment(folder, EXPERIMENT)
    assert "│ exact" in run(structkd, "distill", "tiny", "--workers", "2", cwd=folder)
    assert run(environment.bin / "python", "-c", API, package, cwd=folder) == "0.1.0 Ada ran\n"
    sets = sorted((folder / "runs" / "tiny" / "artifacts").iterdir())
    assert "labelled" in run(structkd, "inspect", *sets, cwd=folder)
    assert run(structkd, "verify", *sets, cwd=folder).count("whole") == len(sets)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The files of the repository, and no others."""
    place = tmp_path_factory.mktemp("tree")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in listed.split("\0"):
        if name and os.path.lexists(ROOT / name):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name, follow_symlinks=False)
    return place


@pytest.fixture(scope="module")
def sdist(tree, tmp_path_factory):
    """The source distribution."""
    place = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", place, tree)
    return next(place.iterdir())


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory):
    """The wheel that is built from the tree."""
    place = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", place, tree)
    return next(place.iterdir())


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment with the wheel in it."""
    environment = Environment(tmp_path_factory.mktemp("installed"))
    before = environment.packages()
    environment.pip("install", "--no-deps", "--no-index", wheel)
    added = environment.packages() - before
    assert added == {"structkd", "structkd-0.1.0.dist-info"}
    return environment


def contents(archive):
    with zipfile.ZipFile(archive) as files:
        return {name: files.read(name) for name in files.namelist() if not name.endswith("/")}


def test_the_wheel_has_every_file_of_the_rooms(tree, wheel):
    found = {name for name in contents(wheel) if not name.startswith("structkd-0.1.0.dist-info/")}
    expected = {
        str((Path(folder) / name).relative_to(tree))
        for folder, _, names in os.walk(tree / "structkd", followlinks=True)
        for name in names
    }
    assert found == expected - {f"structkd/runtime/{name}" for name in OWN}
    assert {"structkd/py.typed", "structkd/experiments/demo.toml", "structkd/experiments/grids/capped.toml"} < found
    assert "structkd-0.1.0.dist-info/licenses/LICENSE" in contents(wheel)


def test_the_sdist_has_packages_for_links_and_builds_an_equal_wheel(sdist, wheel, tmp_path):
    with tarfile.open(sdist) as archive:
        assert not [member.name for member in archive if member.issym() or member.islnk()]
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    assert (unpacked / "structkd" / "crf" / "chain.py").is_file()
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path / "dist", unpacked)
    (again,) = (tmp_path / "dist").iterdir()
    assert contents(again) == contents(wheel)


def test_it_works_beside_packages_with_the_rooms_names_and_without_them(installed, tmp_path):
    mine = installed.packages()
    installed.pip("install", "--no-deps", *BESIDE)
    assert {"crf", "artifacts"} <= installed.packages() - mine
    use(installed, tmp_path / "beside", installed.site)
    installed.pip("uninstall", "--yes", *(name.partition("=")[0] for name in BESIDE))
    assert not {"crf", "artifacts"} & installed.packages()
    use(installed, tmp_path / "alone", installed.site)


def test_torchrun_starts_it_as_a_module(installed, tmp_path):
    write_experiment(tmp_path, EXPERIMENT)
    torchrun = (installed.bin / "python", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    assert "│ exact" in run(*torchrun, "-m", "structkd", "distill", "tiny", cwd=tmp_path)


def check_types(environment, folder):
    """A project of somebody else is checked strictly against ours."""
    mypy = (sys.executable, "-m", "mypy", "--strict", "--python-executable", environment.bin / "python")
    (folder / "typed.py").write_text(TYPED, "utf-8")
    (folder / "mistyped.py").write_text(MISTYPED, "utf-8")
    run(*mypy, "typed.py", cwd=folder)
    run(*mypy, "--allow-untyped-calls", *sorted((ROOT / "examples").glob("*.py")), cwd=folder)  # of torch
    assert 'has type "Experiment"' in run(*mypy, "mistyped.py", cwd=folder, returncode=1)


def test_another_projects_types_are_checked_against_ours(installed, tmp_path):
    check_types(installed, tmp_path)


def test_an_editable_install_is_used_and_type_checked_as_the_wheel_is(tree, tmp_path):
    environment = Environment(tmp_path / "environment")
    environment.pip("install", "--no-deps", "--editable", tree)
    use(environment, tmp_path / "used", tree)
    (tmp_path / "project").mkdir()
    check_types(environment, tmp_path / "project")
