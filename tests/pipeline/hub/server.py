"""A server on loopback that speaks the part of the Hub's protocol that pushing and pulling use."""

import base64
import hashlib
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import unquote, urlsplit

TOKEN = "hf_of_somebody_who_may_write"
READER = "hf_of_somebody_who_may_read"


@dataclass
class Hub:
    """What the server keeps: commits of files by branch, and large files by digest."""

    address: str = ""
    private: set = field(default_factory=set)
    branches: dict = field(default_factory=dict)
    """The commits of (repository, branch), the last one last."""
    commits: dict = field(default_factory=dict)
    """The files of a commit, by name."""
    large: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)
    """Method, path and headers."""
    stalls: str = ""
    """A file of which half is sent, and no more."""
    stalled: Event = field(default_factory=Event)
    """Set once that has happened."""

    def files(self, repo, revision="main"):
        """The files of a branch or commit; None if there is no such thing."""
        if revision in self.commits:
            return self.commits[revision]
        commits = self.branches.get((repo, revision))
        return self.commits[commits[-1]] if commits else None

    def commit(self, repo, branch, files):
        """Add a commit."""
        oid = hashlib.sha1(repr((repo, branch, len(self.commits))).encode()).hexdigest()
        self.commits[oid] = files
        self.branches.setdefault((repo, branch), []).append(oid)
        return oid


def blob(content):
    """The digest by which git knows a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def running():
    """Serve an empty hub."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answering", (Answering,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Answering(BaseHTTPRequestHandler):
    """Answers one client."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_):
        pass

    def _do(self):
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path, dict(self.headers)))
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        for pattern, act in ROUTES:
            if found := re.fullmatch(pattern, f"{self.command} {path}"):
                return act(self, **found.groupdict())
        return self.answer(404)

    do_GET = do_HEAD = do_POST = do_PUT = _do  # noqa: N815

    def answer(self, status=200, content=None, **headers):
        data = content if isinstance(content, bytes) else json.dumps(content or {}).encode()
        self.send_response(status)
        for name, value in ({"Content-Length": len(data)} | headers).items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def may(self, repo, writing=False):
        """Answer with a refusal if the client may not read or write."""
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in ("", TOKEN, READER):
            self.answer(401, X_Error_Message="Invalid credentials in Authorization header")
        elif writing and token != TOKEN:
            self.answer(403, X_Error_Message="You have no right to write here")
        elif repo in self.hub.private and not token:
            self.answer(401, X_Error_Code="RepoNotFound")
        else:
            return True
        return False

    def create(self):
        asked = json.loads(self.body)
        repo = f"{'datasets/' if asked.get('type') == 'dataset' else ''}{asked['organization']}/{asked['name']}"
        if not self.may(repo, writing=True):
            return
        if (repo, "main") in self.hub.branches:
            self.answer(409, {"url": f"{self.hub.address}/{repo}"})
            return
        self.hub.commit(repo, "main", {".gitattributes": b"*.onnx filter=lfs\n"})
        if asked.get("visibility") == "private" or asked.get("private"):
            self.hub.private.add(repo)
        self.answer(200, {"url": f"{self.hub.address}/{repo}"})

    def branch(self, kind, repo, revision):
        repo = place(kind, repo)
        if self.may(repo, writing=True):
            if (repo, revision) in self.hub.branches:
                self.answer(409)
            else:
                self.hub.commit(repo, revision, self.hub.files(repo))
                self.answer()

    def yaml(self):
        valid = b"license" in self.body and b"not-a-licence" not in self.body
        self.answer(200 if valid else 400, {"errors": [] if valid else [{"message": '"license" must be one of'}]})

    def preupload(self, kind, repo, revision):
        repo = place(kind, repo)
        if not self.may(repo, writing=True):
            return
        before = self.hub.files(repo, revision)
        modes = [
            {
                "path": one["path"],
                "uploadMode": "lfs" if one["path"].endswith((".onnx", ".parquet")) else "regular",
                "shouldIgnore": False,
                "oid": blob(before[one["path"]])
                if isinstance(before.get(one["path"]), bytes)
                else before.get(one["path"]),
            }
            for one in json.loads(self.body)["files"]
        ]
        self.answer(200, {"files": modes})

    def batch(self, repo):
        if not self.may(repo, writing=True):
            return
        objects = json.loads(self.body)["objects"]
        for one in objects:
            if one["oid"] not in self.hub.large:
                one["actions"] = {"upload": {"href": f"{self.hub.address}/large/{one['oid']}", "header": {}}}
        self.answer(200, {"transfer": "basic", "objects": objects})

    def put(self, oid):
        assert hashlib.sha256(self.body).hexdigest() == oid
        self.hub.large[oid] = self.body
        self.answer()

    def commit(self, kind, repo, revision):
        repo = place(kind, repo)
        if not self.may(repo, writing=True):
            return
        files = dict(self.hub.files(repo, revision))
        for line in self.body.splitlines():
            item = json.loads(line)
            value = item["value"]
            match item["key"]:
                case "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    files[value["path"]] = value["oid"]  # by its digest
                case "deletedFile":
                    del files[value["path"]]
        oid = self.hub.commit(repo, revision, files)
        self.answer(200, {"commitUrl": f"{self.hub.address}/{repo}/commit/{oid}", "commitOid": oid})

    def there(self, repo, revision):
        """The files; answer with a refusal if there are none."""
        if not self.may(repo):
            return None
        if (repo, "main") not in self.hub.branches:
            self.answer(404, X_Error_Code="RepoNotFound")
        elif (files := self.hub.files(repo, revision)) is None:
            self.answer(404, X_Error_Code="RevisionNotFound")
        else:
            return files
        return None

    def info(self, kind, repo, revision="main"):
        repo, revision = place(kind, repo), revision or "main"
        if self.there(repo, revision) is not None:
            sha = revision if revision in self.hub.commits else self.hub.branches[repo, revision][-1]
            self.answer(200, {"id": repo.removeprefix("datasets/"), "sha": sha, "siblings": []})

    def tree(self, kind, repo, revision):
        if (files := self.there(place(kind, repo), revision)) is not None:
            self.answer(200, [{"type": "file", "path": name, "size": 0, "oid": ""} for name in files])

    def resolve(self, repo, revision, name):
        files = self.there(repo, revision)
        if files is None:
            return
        if name not in files:
            self.answer(404, X_Error_Code="EntryNotFound")
            return
        kept = files[name]
        large = isinstance(kept, str)
        content = self.hub.large[kept] if large else kept
        first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        headers = {"ETag": f'"{kept if large else blob(kept)}"', "X_Repo_Commit": revision, "Accept_Ranges": "bytes"}
        headers |= {"X_Linked_Size": len(content), "X_Linked_Etag": headers["ETag"]}
        if first:
            headers["Content_Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        rest = content[first:]
        if self.command == "GET" and name == self.hub.stalls:
            self.answer(200, rest[: len(rest) // 2], **headers | {"Content-Length": len(rest)})
            self.hub.stalled.set()
            self.rfile.read()  # until the client is gone
        else:
            self.answer(206 if first else 200, rest, **headers)


def place(kind, repo):
    """The repository as its address has it."""
    return f"datasets/{repo}" if kind == "datasets" else repo


_REPO = r"/api/(?P<kind>models|datasets)/(?P<repo>[^/]+/[^/]+)"
ROUTES = [
    ("POST /api/repos/create", Answering.create),
    ("POST /api/validate-yaml", Answering.yaml),
    (rf"POST {_REPO}/branch/(?P<revision>.+)", Answering.branch),
    (rf"POST {_REPO}/preupload/(?P<revision>.+)", Answering.preupload),
    (rf"POST {_REPO}/commit/(?P<revision>.+)", Answering.commit),
    (r"POST /(?P<repo>.+)\.git/info/lfs/objects/batch", Answering.batch),
    (r"PUT /large/(?P<oid>[0-9a-f]{64})", Answering.put),
    (rf"GET {_REPO}/tree/(?P<revision>.+)", Answering.tree),
    (rf"GET {_REPO}(/revision/(?P<revision>.+))?", Answering.info),
    (r"(GET|HEAD) /(?P<repo>(datasets/)?[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>.+)", Answering.resolve),
]
