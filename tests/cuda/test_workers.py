"""Two worker processes share one GPU, and make what one makes."""

import json
import shutil

from tests.cuda.places import needs_cuda
from tests.pipeline.tiny import structkd, write_experiment

pytestmark = needs_cuda


def run(folder, workers):
    folder.mkdir()
    write_experiment(folder)
    done = structkd(folder, "distill", "tiny", "--workers", workers)
    assert done.returncode == 0, done.stderr + done.stdout
    return {path.parent.name: json.loads(path.read_text("utf-8")) for path in folder.glob("runs/tiny/*/*/result.json")}


def test_two_workers_on_one_gpu(tmp_path):
    one, two = run(tmp_path / "one", 1), run(tmp_path / "two", 2)
    assert one.keys() == two.keys()
    for name, result in one.items():
        assert result["device"] == "cuda"
        for split in ("dev", "test"):
            assert result[split] == two[name][split], name


def test_what_the_gpu_began_the_cpu_goes_on_with(tmp_path):
    run(tmp_path / "run", 1)
    shutil.rmtree(tmp_path / "run" / "runs" / "tiny" / "students")
    done = structkd(tmp_path / "run", "distill", "tiny", "--workers", 1, env={"CUDA_VISIBLE_DEVICES": ""})
    assert done.returncode == 0, done.stderr
    found = [json.loads(path.read_text("utf-8")) for path in tmp_path.glob("run/runs/tiny/students/*/result.json")]
    assert {result["device"] for result in found} == {"cpu"}
    assert len(found) == 3
