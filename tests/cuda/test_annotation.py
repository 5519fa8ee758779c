"""What a teacher on the GPU writes is what it writes on the CPU, up to rounding."""

import numpy as np

from structkd.artifacts.reader import ArtifactSet
from structkd.teachers.annotate import annotate
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.sources.tagger import TaggerSource
from tests.cuda.places import needs_cuda
from tests.teachers.test_annotate import ROWS, make_teacher

pytestmark = needs_cuda


def write(folder, device):
    config = AnnotationConfig(k=4, row_group_rows=3, shard_rows=6)
    teacher = TaggerSource(make_teacher().to(device))
    annotate(teacher, ROWS, folder, name="me", config=config, provenance={}, log=lambda record: None)
    return ArtifactSet.open(folder)


def numbers(found, column):
    return np.array([value for values in found[column].to_pylist() for value in np.ravel(values)], np.float64)


def test_the_same_set(tmp_path):
    there, here = (write(tmp_path / device, device).table() for device in ("cuda", "cpu"))
    for column in ("tokens", "gold", "paths"):
        assert there[column].to_pylist() == here[column].to_pylist()
    for column in ("path_log_probs", "path_weights", "log_partition"):
        np.testing.assert_allclose(numbers(there, column), numbers(here, column), atol=1e-4)


def test_a_set_is_the_same_bytes_each_time(tmp_path):
    sets = [write(tmp_path / name, "cuda") for name in ("first", "second")]
    assert sets[0].identity == sets[1].identity
