"""Damage, byte by byte: an ArtifactError that names the file and the cause, or the values that were written."""

import json
import random
import shutil

import pytest

from structkd.artifacts.describing import footer_of
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.verification import verify
from structkd.ground.files import digest_json
from tests.artifacts.examples import write_set

SHARD, OTHER = "part-00000.parquet", "part-00001.parquet"
EVERY = pytest.mark.slow
BITS = [1 << bit for bit in range(8)]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("original"), sentences={"en": 6}, shard_rows=4, row_group_rows=2)


@pytest.fixture(scope="module")
def rows(original):
    return original.table().to_pylist()


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original.folder, tmp_path / "set")


def read(folder, *, verified):
    return ArtifactSet.open(folder, verify=verified).table().to_pylist()


def refused(folder, file, *, verified):
    """The error by which a set is refused; None where its values are read."""
    try:
        read(folder, verified=verified)
    except ArtifactError as error:
        assert str(error).startswith(f"{folder / file}: ")  # noqa: PT017
        return str(error)
    return None


def flipped(content, place, mask):
    return content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :]


def sample(whole, size, seed):
    return random.Random(seed).sample(whole, min(size, len(whole)))


def check_flips(folder, rows, flips, *, verified):
    path = folder / SHARD
    content = path.read_bytes()
    for place, mask in flips:
        path.write_bytes(flipped(content, place, mask))
        if refused(folder, SHARD, verified=verified) is None:
            assert not verified, f"byte {place} ^ {mask} was not found by the SHA-256"
            assert read(folder, verified=False) == rows, f"byte {place} ^ {mask} gives other values"


@pytest.mark.parametrize(
    ("verified", "masks", "size"),
    [
        pytest.param(True, [255], 1000, id="sample-verified"),
        pytest.param(False, BITS, 1500, id="sample-unverified"),
        pytest.param(True, [1, 255], None, id="every-verified", marks=EVERY),
        pytest.param(False, [*BITS, 255], None, id="every-unverified", marks=EVERY),
    ],
)
def test_a_flipped_byte_of_a_shard_is_an_error_or_changes_no_value(folder, rows, verified, masks, size):
    length = (folder / SHARD).stat().st_size
    flips = [(place, mask) for place in range(length) for mask in masks]
    check_flips(folder, rows, flips if size is None else sample(flips, size, 0), verified=verified)


def test_a_flipped_byte_of_the_footer_is_found_though_no_shard_was_verified(folder):
    path = folder / SHARD
    content = path.read_bytes()
    end = len(footer_of(content))
    for place in sample(range(len(content) - end, len(content)), 500, 1):
        path.write_bytes(flipped(content, place, 255))
        assert "found footer" in refused(folder, SHARD, verified=False)


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=EVERY)])
def test_a_shard_cut_at_any_length_is_refused(folder, verified, step):
    content = (folder / SHARD).read_bytes()
    for length in range(0, len(content), step):
        (folder / SHARD).write_bytes(content[:length])
        assert "; restore it from a copy" in refused(folder, SHARD, verified=verified)


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("added", [b"\0", b"PAR1", bytes(5000)])
def test_a_shard_with_something_after_it_is_refused(folder, verified, added):
    with (folder / SHARD).open("ab") as file:
        file.write(added)
    assert refused(folder, SHARD, verified=verified)


@pytest.mark.parametrize("verified", [True, False])
def test_swapped_shards_are_refused(folder, verified):
    (folder / SHARD).rename(folder / "aside")
    (folder / OTHER).rename(folder / SHARD)
    (folder / "aside").rename(folder / OTHER)
    assert refused(folder, SHARD, verified=verified)


@pytest.mark.parametrize("verified", [True, False])
def test_a_shard_of_another_set_is_refused(folder, tmp_path, verified):
    other = write_set(tmp_path / "other", sentences={"en": 6}, shard_rows=4, row_group_rows=2, teacher="u")
    assert (other.folder / SHARD).stat().st_size == (folder / SHARD).stat().st_size
    shutil.copy(other.folder / SHARD, folder / SHARD)
    assert refused(folder, SHARD, verified=verified)


@pytest.mark.parametrize("verified", [True, False])
def test_a_shard_that_is_gone_or_no_file_is_refused(folder, verified):
    (folder / SHARD).unlink()
    assert refused(folder, SHARD, verified=verified)
    (folder / SHARD).mkdir()
    assert refused(folder, SHARD, verified=verified)


def check_manifest(folder, original):
    """The changed manifest is an error that names it, or says what it said."""
    try:
        found = ArtifactSet.open(folder, verify=False)
    except ArtifactError as error:
        assert str(error).startswith(f"{folder / 'manifest.json'}: ")  # noqa: PT017
    else:
        assert found.manifest == original.manifest


@pytest.mark.parametrize("masks", [[255], pytest.param([*BITS, 255], marks=EVERY)], ids=["inverted", "every"])
def test_a_flipped_byte_of_the_manifest_is_an_error_or_changes_nothing(folder, original, masks):
    path = folder / "manifest.json"
    content = path.read_bytes()
    for mask in masks:
        for place in range(len(content)):
            path.write_bytes(flipped(content, place, mask))
            check_manifest(folder, original)


@pytest.mark.parametrize("character", [*'0123456789eE+-.,:"\\{}[] ntfuN', "9" * 5000, "\n", "[" * 100_000])
def test_a_character_put_anywhere_into_the_manifest_is_an_error_or_changes_nothing(folder, original, character):
    path = folder / "manifest.json"
    content = path.read_text("utf-8")
    for place in sample(range(len(content)), 60, character):
        path.write_text(content[:place] + character + content[place + (len(character) == 1) :], "utf-8")
        check_manifest(folder, original)


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=EVERY)])
def test_a_manifest_cut_at_any_length_is_refused(folder, original, step):
    path = folder / "manifest.json"
    content = path.read_bytes()
    for length in range(0, len(content) - 1, step):  # the last byte is a line's end
        path.write_bytes(content[:length])
        assert "manifest.json: not JSON" in refused(folder, "manifest.json", verified=False)


def signed(folder, change):
    """Edit the manifest, and give it the digest of what it then says."""
    path = folder / "manifest.json"
    value = json.loads(path.read_bytes())
    change(value)
    del value["digest"]
    path.write_text(json.dumps(value | {"digest": digest_json(value)}), "utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda value: value.update(schema_version=4), "found schema_version 4, expected 3"),
        (lambda value: value.update(schema_version=2), "found schema_version 2, expected 3"),
        (lambda value: value.update(schema_version="3"), "found schema_version '3', expected 3"),
        (lambda value: value["shards"][0].update(file="../other.parquet"), r"shards.0.file: String should match"),
        (lambda value: value["shards"].reverse(), "found the shards part-00001.parquet, part-00000.parquet"),
        (lambda value: value.update(identity="0" * 64), "identity or totals are not those of its header"),
        (lambda value: value.update(rows=7), "identity or totals are not those of its header"),
        (lambda value: value["header"]["labels"].reverse(), "identity or totals are not those of its header"),
        (lambda value: value["header"].update(start=[]), "start has 0 entries, expected 4"),
        (lambda value: value["header"].update(labels=[]), "a label set is empty"),
    ],
)
@pytest.mark.parametrize("verified", [True, False])
def test_an_edited_manifest_is_refused_even_where_its_digest_was_edited_too(folder, change, message, verified):
    signed(folder, change)
    with pytest.raises(ArtifactError, match=f"{folder / 'manifest.json'}: .*{message}"):
        read(folder, verified=verified)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", '"\\ud800"'])
def test_values_that_no_manifest_holds_are_refused(folder, text):
    path = folder / "manifest.json"
    content = path.read_text("utf-8")
    path.write_text(content.replace('"rows": 6', f'"rows": {text}'), "utf-8")
    with pytest.raises(ArtifactError, match=r"manifest.json: found what no file of ours holds"):
        ArtifactSet.open(folder)


def test_verify_names_every_bad_file(folder):
    shutil.copy(folder / SHARD, folder / "part-00007.parquet")
    (folder / SHARD).write_bytes(b"")
    found = {check.file: check.error and str(check.error).partition("; ")[0] for check in verify(folder)}
    assert found == {
        SHARD: f"{folder / SHARD}: found bytes 0, expected {next(verify(folder)).bytes}",
        OTHER: None,
        "part-00007.parquet": f"{folder / 'part-00007.parquet'}: found a shard that the manifest does not name",
    }
