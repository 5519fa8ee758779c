"""Exported folders: damage is refused by name, and nothing of the big packages is loaded."""

import json
import shutil
import subprocess
import sys

import pytest

from structkd.ground.faults import FileError
from structkd.runtime.command import main
from structkd.runtime.folder import DIGESTS, SETTINGS, FolderError, describe, is_exported, load, seal
from structkd.tagger.config import CharacterCNNConfig, WordsConfig
from structkd.tagger.exporting.folder import exported_files, write_folder
from structkd.tagger.opening import open_tagger
from tests.tagger.exporting.exported import untrained


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "tagger"
    scorer = untrained((WordsConfig(dim=5), CharacterCNNConfig(dim=3, filters=4)))
    write_folder(folder, exported_files(scorer, {"metric": "spans"}) | {"README.md": b"A card.\n"})
    return folder


@pytest.fixture
def copy(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "copy")


def test_a_damaged_byte_of_any_file_is_refused(copy):
    for file in sorted(copy.iterdir()):
        content = file.read_bytes()
        for place in {0, len(content) // 2, len(content) - 1}:
            file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            with pytest.raises(FolderError, match=file.name):
                load(copy)
        file.write_bytes(content)
    load(copy)


def test_a_missing_file_is_named(copy, whole):
    for file in sorted(copy.iterdir()):
        file.unlink()
        with pytest.raises(FolderError, match=file.name):
            load(copy)
        shutil.copy(whole / file.name, copy)
    assert is_exported(copy)


def test_a_folder_that_lost_its_digests_is_still_an_export(copy):
    (copy / DIGESTS).unlink()
    with pytest.raises(FolderError, match=f"{DIGESTS}: no such file"):
        open_tagger(copy)


def test_other_files_do_not_matter(copy):
    (copy / ".gitattributes").write_text("*.onnx filter=lfs")
    load(copy)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 99}, "found format 99, this version reads 1"),
        ({"labels": None}, "no export writes"),
        ({"encoders": [{"kind": "other"}]}, "an encoder of kind 'other'"),
        ({"chain": {"transitions": [[0]], "start": [0], "end": []}}, "no export writes"),
    ],
)
def test_settings_of_another_version_are_refused(copy, change, said):
    settings = json.loads((copy / SETTINGS).read_bytes()) | change
    (copy / SETTINGS).write_text(json.dumps(settings))
    resealed(copy)
    with pytest.raises(FolderError, match=said):
        load(copy)


def test_a_graph_that_is_none_is_refused(copy):
    (copy / "model.onnx").write_bytes(b"no graph")
    resealed(copy)
    with pytest.raises(FolderError, match="onnxruntime"):
        load(copy)


def test_a_name_outside_the_folder_is_refused(copy):
    (copy.parent / "outside").write_bytes(b"x")
    names = [file.name for file in copy.iterdir() if file.name != DIGESTS]
    files = {name: (copy / name).read_bytes() for name in names} | {"../outside": b"x"}
    (copy / DIGESTS).write_bytes(seal(files))
    with pytest.raises(FolderError, match=r"outside the folder"):
        load(copy)


def test_what_is_no_export_is_refused(tmp_path):
    assert not is_exported(tmp_path)
    with pytest.raises(FolderError, match="structkd export"):
        load(tmp_path)


def test_an_export_goes_into_a_new_or_empty_folder(whole, tmp_path):
    with pytest.raises(FileError, match="new or empty"):
        write_folder(whole, {})
    (tmp_path / "empty").mkdir()
    files = {file.name: file.read_bytes() for file in whole.iterdir() if file.name != DIGESTS}
    write_folder(tmp_path / "empty", files)
    load(tmp_path / "empty")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    assert describe(whole)["about"] == {"metric": "spans"}


def test_of_two_exports_to_one_folder_the_second_is_refused(whole, tmp_path, monkeypatch):
    out = tmp_path / "out"
    files = {file.name: file.read_bytes() for file in whole.iterdir() if file.name != DIGESTS}
    monkeypatch.setattr(
        "structkd.tagger.exporting.folder.sync", lambda path: out.exists() or shutil.copytree(whole, out)
    )
    with pytest.raises(FileError, match="out: found something there; name a folder that is new or empty"):
        write_folder(out, files)
    load(out)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_small_command_names_a_missing_text(whole, tmp_path):
    with pytest.raises(SystemExit, match=r"structkd-runtime: .*none\.txt: no such file"):
        main(["tag", str(whole), str(tmp_path / "none.txt")])


def test_loading_needs_neither_torch_nor_pyarrow(whole):
    code = (
        "import sys; from structkd.runtime import load; "
        f"print(load({str(whole)!r}).tag(['Ada flew to Oslo.'])[0].labels); "
        "print(sorted({'torch', 'pyarrow', 'pydantic', 'onnx', 'rich', 'transformers', 'tokenizers'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == "[]"


def test_a_missing_onnxruntime_is_named(whole, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match="pip install onnxruntime"):
        load(whole)


def resealed(folder):
    """Write digests that fit the files."""
    names = [file.name for file in folder.iterdir() if file.name != DIGESTS]
    (folder / DIGESTS).write_bytes(seal({name: (folder / name).read_bytes() for name in names}))
