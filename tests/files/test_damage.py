"""Damage to small files: an error that names the file, or the values that were written."""

import json
import os
import random
import shutil
import socket
from hashlib import sha256
from io import BytesIO

import pytest
import torch

from structkd.ground.sealed import seal
from structkd.tagger import checkpoint
from structkd.tagger.resume import MAGIC
from tests.files import writers
from tests.files.readers import ERRORS, FILES, OTHERS
from tests.pipeline.tiny import contents

ANY_SIZE = [0, 1, -1, 7, 10**6, 10**12, 10**30, 1.5, -0.0, 1e300]
ANY_TEXT = ["", "x", "en", "../x", "\x00", "é" * 99, "0" * 64]
ANY_VALUE = [None, True, False, *ANY_SIZE, *ANY_TEXT, [], {}, [[]], [None], {"": None}, ["O", "O"]]
MANY = pytest.mark.parametrize("count", [25, pytest.param(1500, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
SMALL = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
ALL = pytest.mark.parametrize("file", FILES + OTHERS, ids=lambda file: file.name)


@pytest.fixture
def folder(tmp_path, file):
    file.write(tmp_path / "folder")
    return tmp_path / "folder"


def outcome(folder, file, expected, *, equal=True):
    """How a changed file is taken: `refused` by an error that names the file or its folder, or read as `equal`."""
    try:
        found = file.read(folder)
    except ERRORS as error:
        assert str(error).startswith(str(folder)), error  # noqa: PT017
        return "refused"
    # A journal has no digest: only costs are read from it.
    assert not equal or file.name == "log.jsonl" or found == expected
    return "equal"


def corrupted(content, rng):
    """Other bytes: a bit flipped, a part gone, doubled, zeroed or made up, or an end cut off."""
    place, size = rng.randrange(len(content)), rng.choice([1, 1, 2, 8, 64])
    head, part, tail = content[:place], content[place : place + size], content[place + size :]
    flipped = bytes([part[0] ^ 1 << rng.randrange(8)]) + part[1:]
    made_up = rng.randbytes(len(part))
    return rng.choice([head + flipped + tail] * 3 + [head, head + tail, head + part * 2 + tail, head + made_up + tail])


@MANY
@SMALL
def test_changed_bytes_are_an_error_or_change_nothing(folder, file, count):
    path, expected = folder / file.name, file.read(folder)
    content, rng = path.read_bytes(), random.Random(file.name)
    kept = {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}
    found = []
    for _ in range(count):
        for name, whole in kept.items():
            (folder / name).write_bytes(whole)
        path.write_bytes(corrupted(content, rng))
        found.append(outcome(folder, file, expected))
    print(f"{file.name}: {count} changes, {found.count('refused')} refused, {found.count('equal')} equal")  # noqa: T201


def places(value, path=()):
    """The paths of all values inside a JSON value."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in children:
        yield (*path, key)
        yield from places(inner, (*path, key))


def edited(value, rng):
    """A JSON object with one value replaced by one of any type, removed, or added."""
    value = json.loads(json.dumps(value))
    *above, key = rng.choice(list(places(value)))
    holder = value
    for step in above:
        holder = holder[step]
    what = rng.choice(["replace", "replace", "replace", "remove", "add"])
    if what == "remove":
        del holder[key]
    elif what == "add" and isinstance(holder, dict):
        holder[rng.choice(ANY_TEXT)] = rng.choice(ANY_VALUE)
    else:
        holder[key] = rng.choice([*ANY_VALUE, [holder[key]], str(holder[key])])
    return value


def signed(file, content, rng):
    """The file with an edited value, under a digest that fits."""
    if file.name == "training.state":
        return signed_state(content, rng)
    if file.name.endswith(".safetensors"):
        return edited_header(content, rng)
    value = json.loads(content)
    del value["digest"]
    return json.dumps(seal(edited(value, rng))).encode()


def edited_header(content, rng):
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(edited(json.loads(content[8 : 8 + size]), rng)).encode()
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def signed_state(content, rng):
    begin = len(MAGIC) + 32
    changed = rng.choice([lambda: corrupted(content[begin:], rng), lambda: saved(edited_state(rng))])()
    return MAGIC + sha256(changed).digest() + changed


def edited_state(rng):
    identity = f"same torch {torch.__version__}"
    state = {"identity": identity, "codes": [""], "world": 1, "state": {"weights": {"a": list(range(99))}}}
    return rng.choice([edited(state, rng), rng.choice(ANY_VALUE)])


def saved(value):
    file = BytesIO()
    torch.save(value, file)
    return file.getvalue()


SIGNED = [file for file in FILES if not file.name.endswith((".parquet", ".jsonl"))]


@MANY
@pytest.mark.parametrize("file", SIGNED, ids=lambda file: file.name)
def test_edits_under_a_digest_that_fits_are_an_error_or_change_nothing_that_another_file_knows(folder, file, count):
    path, expected = folder / file.name, file.read(folder)
    content, rng = path.read_bytes(), random.Random(file.name)
    kept = {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}
    found = []
    for _ in range(count):
        for name, whole in kept.items():
            (folder / name).write_bytes(whole)
        path.write_bytes(signed(file, content, rng))
        found.append(outcome(folder, file, expected, equal=file.bound))
    print(f"{file.name}: {count} edits, {found.count('refused')} refused, {found.count('equal')} taken")  # noqa: T201


def pipe(path):
    os.mkfifo(path)


def listening(path):
    with socket.socket(socket.AF_UNIX) as one, pytest.MonkeyPatch.context() as patch:
        patch.chdir(path.parent)  # a socket's path is short
        one.bind(path.name)


IN_PLACE = {
    "a named pipe": pipe,
    "a socket": listening,
    "a folder": lambda path: path.mkdir(),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path),
    "nothing": lambda path: None,
}


@ALL
@pytest.mark.parametrize("kind", IN_PLACE)
def test_what_stands_in_place_of_a_file_is_an_error_and_nobody_waits_for_it(folder, file, kind):
    expected = file.read(folder)
    (folder / file.name).unlink()
    IN_PLACE[kind](folder / file.name)
    try:
        found = file.read(folder)
    except ERRORS as error:
        assert str(error).startswith(str(folder))  # noqa: PT017
    else:  # what may be absent is made anew
        assert file.name in ("log.jsonl", "training.state", "grid.parquet", "a.origin.json")
        assert found is None or len(found) < len(expected)


def test_a_damaged_record_of_an_unfinished_set_is_not_followed(tmp_path):
    writers.write_set(tmp_path / "whole")
    path = writers.write_unfinished(tmp_path / "set")
    path.write_bytes(path.read_bytes()[:-9])
    writers.write_set(tmp_path / "set")
    assert contents(tmp_path / "set") == contents(tmp_path / "whole")


def test_parts_of_two_taggers_do_not_belong_together(tmp_path):
    file = FILES[0]
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        file.write(folder)
    value = json.loads((other / "tagger.json").read_text("utf-8"))
    value.pop("digest")
    value["labels"] = ["O", "S-PER"]
    (other / "tagger.json").write_text(json.dumps(seal(value)), "utf-8")
    assert outcome(other, file, None) == "refused"
    shutil.copy(other / "tagger.json", one / "tagger.json")
    assert outcome(one, file, None) == "refused"


@pytest.mark.parametrize(
    "change",
    [
        {"hidden": 10**12},
        {"layers": 10**9},
        {"hidden": 10**30},
        {"encoders": [{"kind": "words", "dim": 10**15}]},
        {"encoders": [{"kind": "ngrams", "buckets": 10**15}]},
    ],
    ids=str,
)
def test_sizes_that_the_weights_do_not_have_take_no_memory(tmp_path, monkeypatch, change):
    """Even where weights and description name each other."""
    file = FILES[0]
    file.write(tmp_path)
    value = json.loads((tmp_path / "tagger.json").read_text("utf-8"))
    value.pop("digest")
    value["config"] |= change
    (tmp_path / "tagger.json").write_text(json.dumps(seal(value)), "utf-8")
    described = checkpoint.describe(tmp_path, checkpoint._Description)
    monkeypatch.setattr(checkpoint, "_metadata", lambda content: {"tagger": described.tagger})
    with pytest.raises(checkpoint.CheckpointError, match=str(tmp_path)):
        checkpoint.load_tagger(tmp_path)
