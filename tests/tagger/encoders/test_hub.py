"""Pretrained encoders by name, from a real server on loopback that answers as the model hub does."""

import json
import os
import subprocess
import sys
import threading
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from safetensors.torch import load_file

from structkd.tagger.encoders.pretrained import pretrained_digest
from tests.tagger.encoders.tiny_bert import save_tiny_bert

NAME = "somebody/tiny-bert"


class Hub(ThreadingHTTPServer):
    """Models at `NAME`, a folder for each revision; keeps what it was asked for."""

    def __init__(self, revisions):
        super().__init__(("127.0.0.1", 0), Handler)
        self.revisions, self.requests = revisions, []
        self.commits = {sha1(name.encode()).hexdigest(): folder for name, folder in revisions.items()}
        self.address = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        path = self.path.split("?")[0].strip("/")
        api, tree = f"api/models/{NAME}/revision/", f"api/models/{NAME}/tree/"
        if path.startswith(api) and (revision := path[len(api) :]) in self.server.revisions:
            self._info(revision)
        elif path.startswith(tree):
            files = sorted(self.server.commits[path[len(tree) :]].iterdir())
            listing = [
                {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": sha1(b"").hexdigest()}
                for file in files
            ]
            self._send(json.dumps(listing).encode(), {"Content-Type": "application/json"})
        elif path.startswith(f"{NAME}/resolve/"):
            commit, name = path.split("/")[-2:]
            content = (self.server.commits[commit] / name).read_bytes()
            self._send(content, {"X-Repo-Commit": commit, "ETag": f'"{sha1(content).hexdigest()}"'})
        else:
            self._send(b"{}", {"X-Error-Code": "RevisionNotFound"}, 404)

    def do_HEAD(self):
        self.do_GET()

    def _info(self, revision):
        commit = sha1(revision.encode()).hexdigest()
        files = [{"rfilename": file.name} for file in sorted(self.server.revisions[revision].iterdir())]
        content = {"id": NAME, "sha": commit, "siblings": files}
        self._send(json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(self, content, headers, status=200):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    revisions = {name: save_tiny_bert(root / name, seed) for seed, name in enumerate(["main", "v2", "old"])}
    torch.save(load_file(revisions["old"] / "model.safetensors"), revisions["old"] / "pytorch_model.bin")
    (revisions["old"] / "model.safetensors").unlink()
    for folder in revisions.values():
        (folder / "README.md").write_text("not for us", "utf-8")
    with Hub(revisions) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def found(model, hub, home, **variables):
    """What a fresh process finds: the folder's name and files, and the digest; or its error."""
    code = f"""
import json
from structkd.tagger.encoders.pretrained import find_pretrained, pretrained_digest
folder = find_pretrained({model!r})
print(json.dumps([sorted(file.name for file in folder.iterdir()), pretrained_digest({model!r})]))
"""
    variables = {"HF_ENDPOINT": hub.address, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", **variables}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "STRUCTKD_"))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=clean | {"NO_PROXY": "127.0.0.1"} | variables
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


@pytest.mark.parametrize(("model", "revision"), [(NAME, "main"), (f"{NAME}@v2", "v2"), (f"{NAME}@old", "old")])
def test_a_name_is_downloaded_once_with_what_is_read_alone(hub, tmp_path, model, revision):
    files, digest = found(model, hub, tmp_path)
    folder = hub.revisions[revision]
    assert files == sorted({file.name for file in folder.iterdir()} - {"README.md"})
    assert digest == pretrained_digest(str(folder))
    assert found(model, hub, tmp_path, HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9") == [files, digest]


def test_a_process_asks_the_hub_once(hub, tmp_path):
    found(f"{NAME}@v2", hub, tmp_path)
    hub.requests.clear()
    found(f"{NAME}@v2", hub, tmp_path)
    assert sum("/revision/v2" in request for request in hub.requests) == 1


def test_a_revision_that_is_not_there_is_named(hub, tmp_path):
    error = found(f"{NAME}@v3", hub, tmp_path)
    assert f"EncoderError: {NAME}@v3: not a local folder" in error
    assert "RevisionNotFoundError" in error
