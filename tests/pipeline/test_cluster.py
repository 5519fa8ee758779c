"""Stage one on a Ray cluster of two nodes on this machine, whose workers, nodes and driver are killed."""

import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from io import StringIO
from pathlib import Path
from threading import Thread

import pytest
from rich.console import Console

from structkd.ground.records import Resumed, Taken
from structkd.pipeline.execution import cluster
from structkd.pipeline.execution.claims import TakenError
from structkd.pipeline.execution.cluster import Cluster, Site, _versions
from structkd.pipeline.execution.engines import EngineError, EngineKind, choose_engine
from structkd.pipeline.execution.progress import choose_display
from structkd.pipeline.execution.schedule import Job, Schedule
from structkd.pipeline.execution.stages import run_teachers
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.plan.pieces import make_plan
from tests.pipeline.test_kill import EXPERIMENT, results
from tests.pipeline.tiny import TINY, structkd, write_experiment

KILLS = 30


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Nodes:
    """A head and a node, started in a folder of their own, as on other machines."""

    def __init__(self, folder):
        self.folder, self.address = folder, f"127.0.0.1:{free_port()}"
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        small = ("--num-cpus", "1", "--object-store-memory", "80000000", "--temp-dir")
        port = self.address.rpartition(":")[2]
        self.head = self.start("--head", "--port", port, "--include-dashboard", "false", *small, f"/tmp/r{port}")
        self.place = ("--address", self.address, "--node-ip-address", "127.0.0.2", *small[:-1])
        self.add()

    def start(self, *arguments):
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats", *arguments]
        environment = os.environ | self.environment
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        return subprocess.Popen(list(map(str, command)), cwd=self.folder, env=environment, **quiet)

    def add(self):
        """Start the second node, perhaps again."""
        self.node = self.start(*self.place)

    def end(self, process):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def nodes(tmp_path):
    pytest.importorskip("ray", reason="needs the extra ray")
    (tmp_path / "home").mkdir()
    found = Nodes(tmp_path / "home")
    yield found
    found.end(found.node)
    found.end(found.head)
    for one in workers():
        os.kill(one, signal.SIGKILL)


def workers():
    """The processes that run our tasks."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.read_bytes().startswith(b"ray::_work"):
                found.append(int(path.parent.name))
    return found


def drive(folder, nodes):
    """Start stage one on the cluster, once it answers."""
    host, port = nodes.address.split(":")
    while True:
        assert nodes.head.poll() is None
        with suppress(OSError):
            socket.create_connection((host, int(port))).close()
            break
        time.sleep(0.2)
    command = [Path(sys.executable).with_name("structkd"), "teachers", "tiny", "--engine", "ray"]
    command += ["--address", nodes.address]
    with (folder / "log").open("a") as log:
        return subprocess.Popen(
            list(map(str, command)), cwd=folder, env=os.environ | nodes.environment, stdout=log, stderr=log
        )


def test_a_cluster_that_starts_here_makes_the_bytes_of_one_process(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="needs the extra ray")
    for kind in EngineKind:
        (tmp_path / kind).mkdir()
        monkeypatch.chdir(tmp_path / kind)
        write_experiment(tmp_path / kind, TINY.replace('["en", "de"]', '["en"]'))
        run_teachers(
            [make_plan(load_experiment("tiny"))], choose_engine(1, kind), choose_display(Console(file=StringIO()))
        )
    assert results(tmp_path / "ray") == results(tmp_path / "processes") != {}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_workers_nodes_and_drivers_do_not_change_a_byte(tmp_path, nodes):
    for name in ("one", "many"):
        (tmp_path / name).mkdir()
        write_experiment(tmp_path / name, EXPERIMENT)
    assert structkd(tmp_path / "one", "teachers", "tiny").returncode == 0
    wanted, rng, kills = results(tmp_path / "one"), random.Random(0), 0
    starts = 1
    driver = drive(tmp_path / "many", nodes)
    while driver.poll() is None or driver.returncode:
        if driver.poll() is not None:
            assert starts < 2 * KILLS, (tmp_path / "many" / "log").read_text()
            starts += 1
            driver = drive(tmp_path / "many", nodes)
        time.sleep(rng.uniform(0, 3))
        running = workers()
        if kills >= KILLS or not running:
            continue
        kills += 1
        match rng.choice(["worker", "worker", "node", "driver"]):
            case "worker":
                with suppress(ProcessLookupError):
                    os.kill(rng.choice(running), signal.SIGKILL)
            case "node":
                nodes.end(nodes.node)
                nodes.add()
            case "driver":
                driver.kill()
                driver.wait()
    assert kills >= 3
    assert results(tmp_path / "many") == wanted


def die(log):
    os._exit(1)


def refuse(log):
    raise ValueError("bad text")


@pytest.mark.slow
def test_errors_name_the_job(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="needs the extra ray")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EngineError, match="teacher en: its worker died 4 times"):
        Cluster().run([Job("teacher en", die)], lambda title, record: None)
    with pytest.raises(ValueError, match="bad text"):
        Cluster().run([Job("teacher en", refuse)], lambda title, record: None)
    assert list((tmp_path / "runs").iterdir()) == []


class Counted(Schedule):
    """A schedule that counts how often it is asked for a job while all are postponed."""

    asked = 0

    def take(self):
        job = super().take()
        Counted.asked += job is None and bool(self)
        return job


def be_taken_once(log):
    if not Path("taken").exists():
        Path("taken").touch()
        raise TakenError("teacher en", "process 1 on a")


@pytest.mark.slow
def test_while_other_processes_do_all_jobs_it_sleeps(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="needs the extra ray")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cluster, "Schedule", Counted)
    records = []
    Cluster(most=1).run([Job("teacher en", be_taken_once)], lambda title, record: records.append(record))
    assert Taken("process 1 on a") in records
    assert 1 <= Counted.asked <= 2


def tell_late(log):
    """Leave a thread that tells a record once this job is settled."""

    def tell():
        wait_for("settled")
        with suppress(Exception):  # if the process ends
            log(Resumed(1))
        Path("late").touch()

    Thread(target=tell).start()


def settled():
    Path("settled").touch()
    return ()


def wait_for(name):
    while not Path(name).exists():
        time.sleep(0.05)


def await_late(log):
    wait_for("late")


@pytest.mark.slow
def test_a_record_that_comes_after_its_job_was_settled_is_dropped(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="needs the extra ray")
    monkeypatch.chdir(tmp_path)
    told = []
    jobs = [Job("teacher en", tell_late, then=settled), Job("teacher de", await_late)]
    Cluster(most=2).run(jobs, lambda title, record: told.append(title))
    assert told.count("teacher en") == 2  # its start and its end


def test_where_nobody_listens_there_is_no_cluster():
    pytest.importorskip("ray", reason="needs the extra ray")
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:\d+: no Ray cluster answers there"):
        Cluster(f"127.0.0.1:{free_port()}").run([], lambda title, record: None)


def test_an_address_alone_is_refused():
    with pytest.raises(EngineError, match="add --engine ray"):
        choose_engine(1, address="127.0.0.1:6379")


def test_a_node_must_share_the_folder_and_the_code(tmp_path):
    mark = tmp_path / "mark"
    same = Site(tmp_path, mark, {}, _versions())
    with pytest.raises(EngineError, match=r"node a: .* expected a disk that all nodes share"):
        same.check("node a")
    mark.touch()
    same.check("node a")
    other = same._replace(versions=_versions() | {"torch": "1.0"})
    with pytest.raises(EngineError, match=r"node a: found torch 2\S+, expected torch 1\.0, as here"):
        other.check("node a")
