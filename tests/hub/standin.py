"""A stand-in of the Hugging Face Hub's HTTP interface, in a thread: repositories of files.

It speaks what `huggingface_hub` speaks with xet off: creating a repository, asking how a file is to
be uploaded, git LFS's batch and upload, a commit in JSON lines, listing, and downloading.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from huggingface_hub import constants

TOKEN = "hf_standin"
LARGE = 20_000
"""Bytes from which on a file goes through LFS here; the hub decides by size and kind."""


@dataclass
class Hub:
    """What the server holds, and what it was asked."""

    url: str = ""
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    uploads: dict[str, bytes] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def commit(self, name: str) -> str:
        """Return the commit of a repository: a hash of its content."""
        files = sorted((key, hashlib.sha1(data).hexdigest()) for key, data in self._of(name))
        return hashlib.sha1(json.dumps(files).encode()).hexdigest()

    def _of(self, name: str) -> list[tuple[str, bytes]]:
        return list(self.repositories[name].items())


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._get()

    def do_GET(self) -> None:
        self._get()

    def do_PUT(self) -> None:
        self.hub.uploads[self.path.removeprefix("/lfs/")] = self._body()
        self._say({})

    def do_POST(self) -> None:
        body, hub = self._body(), self.hub
        hub.asked.append(f"POST {self.path}")
        if self.path == "/api/validate-yaml":
            self._say({"errors": [], "warnings": []})
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._fail(401, "", "Invalid username or password.")
        elif self.path == "/api/repos/create":
            self._create(json.loads(body))
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/main", self.path):
            files = json.loads(body)["files"]
            modes = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["size"] >= LARGE else "regular",
                    "shouldIgnore": False,
                }
                for file in files
            ]
            self._say({"files": modes})
        elif self.path.endswith(".git/info/lfs/objects/batch"):
            objects = [
                {**item, "actions": {"upload": {"href": f"{hub.url}/lfs/{item['oid']}"}}}
                for item in json.loads(body)["objects"]
            ]
            self._say({"transfer": "basic", "objects": objects})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", self.path):
            self._commit(found[1], [json.loads(line) for line in body.splitlines()])
        else:
            self._fail(404, "EntryNotFound", "?")

    def _create(self, table: dict[str, Any]) -> None:
        name = f"{table.get('organization') or 'me'}/{table['name']}"
        if table.get("organization") == "others":
            self._fail(403, "", "You don't have the rights to create a model under this namespace")
            return
        code = 409 if name in self.hub.repositories else 200
        self.hub.repositories.setdefault(name, {".gitattributes": b"*.safetensors filter=lfs\n"})
        if table.get("private") or table.get("visibility") == "private":
            self.hub.private.add(name)
        self._say({"url": f"{self.hub.url}/{name}", "name": name}, code)

    def _commit(self, name: str, lines: list[dict[str, Any]]) -> None:
        files = dict(self.hub.repositories[name])
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.hub.messages.append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                data = self.hub.uploads[value["oid"]]
                assert hashlib.sha256(data).hexdigest() == value["oid"]
                files[value["path"]] = data
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        self.hub.repositories[name] = files
        commit = self.hub.commit(name)
        url = f"{self.hub.url}/{name}/commit/{commit}"
        self._say({"commitOid": commit, "commitUrl": url, "success": True})

    def _get(self) -> None:
        path = self.path.partition("?")[0]
        self.hub.asked.append(f"{self.command} {path}")
        if path == "/":
            self._say({})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/([^/]+))?", path):
            if self._is_open(found[1], found[3]):
                self._say({"id": found[1], "sha": self.hub.commit(found[1]), "siblings": []})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", path):
            if self._is_open(found[1], found[2]):
                files = self.hub.repositories[found[1]].items()
                self._say([self._entry(name, data) for name, data in files])
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            if self._is_open(found[1], found[2]):
                self._file(found[1], found[3])
        else:
            self._fail(404, "EntryNotFound", "?")

    def _is_open(self, name: str, revision: str | None) -> bool:
        there = name in self.hub.repositories
        allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if not there or (name in self.hub.private and not allowed):
            self._fail(404 if allowed else 401, "RepoNotFound", "Repository not found")
            return False
        if revision not in (None, "main", self.hub.commit(name)):
            self._fail(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return False
        return True

    def _entry(self, name: str, data: bytes) -> dict[str, Any]:
        blob = {"type": "file", "path": name, "size": len(data), "oid": _git_oid(data)}
        if len(data) >= LARGE:
            oid = hashlib.sha256(data).hexdigest()
            blob["lfs"] = {"oid": oid, "size": len(data), "pointerSize": 130}
        return blob

    def _file(self, repository: str, name: str) -> None:
        data = self.hub.repositories[repository][name]
        large = len(data) >= LARGE
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Repo-Commit", self.hub.commit(repository))
        self.send_header(
            "ETag", f'"{hashlib.sha256(data).hexdigest() if large else _git_oid(data)}"'
        )
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _say(self, table: Any, code: int = 200) -> None:
        data = json.dumps(table).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _fail(self, code: int, kind: str, text: str) -> None:
        data = json.dumps({"error": text}).encode()
        self.send_response(code)
        if kind:
            self.send_header("X-Error-Code", kind)
        self.send_header("X-Error-Message", text)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@contextmanager
def serving(cache: Path) -> Iterator[Hub]:
    """Serve an empty hub on a free port of this machine, and let `huggingface_hub` speak with it.

    Args:
        cache: folder for what is downloaded.
    """
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HF_ENDPOINT", hub.url)
            patch.setenv("HF_TOKEN", TOKEN)
            # Read when `huggingface_hub` was imported.
            patch.setattr(constants, "HF_HUB_CACHE", str(cache))
            patch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))
            patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
            yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
