"""Servers on this machine: one of files, with parts and faults; one that speaks as the Hugging Face hub does."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import threading
from collections import defaultdict
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit


class Loopback:
    """Serves `files` (path -> content) on 127.0.0.1, parts of them too; `asked` is what was asked of it.

    `faults`: what the next answers for a path are instead: a status code; `cut N`, the whole promised and N bytes
    given; `whole`, no part although one is asked for.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[int | str]] = defaultdict(list)
        self.asked: list[tuple[str, str, str | None]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append((self.command, self.path, self.headers.get("Range")))
                outer.answer(self, unquote(urlsplit(self.path).path))

            do_HEAD = do_GET

            def log_message(self, *_: Any) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fetched(self) -> list[str]:
        """Paths whose content was sent."""
        return [urlsplit(path).path for method, path, _ in self.asked if method == "GET"]

    def answer(self, to: http.server.BaseHTTPRequestHandler, path: str) -> None:
        if path in self.files:
            self.content(to, path, self.files[path], {})
        else:
            self.send(to, 404, b"", {})

    def content(
        self, to: http.server.BaseHTTPRequestHandler, path: str, content: bytes, headers: Mapping[str, str]
    ) -> None:
        fault = self.faults[path].pop(0) if self.faults[path] else ""
        if isinstance(fault, int):
            return self.send(to, fault, b"not now", {})
        start, extra = 0, {}
        part = re.fullmatch(r"bytes=(\d+)-", to.headers.get("Range", ""))
        if part and fault != "whole":
            start = int(part[1])
            if start >= len(content):
                return self.send(to, 416, b"", {"Content-Range": f"bytes */{len(content)}"})
            extra = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        sent = content[start:]
        cut = int(fault.removeprefix("cut ")) if fault.startswith("cut ") else None
        self.send(to, 206 if extra else 200, sent, {**headers, **extra}, cut)

    def send(
        self,
        to: http.server.BaseHTTPRequestHandler,
        code: int,
        body: bytes,
        headers: Mapping[str, str],
        cut: int | None = None,
    ) -> None:
        to.send_response(code)
        for name, value in headers.items():
            to.send_header(name, value)
        if "Content-Length" not in headers:
            to.send_header("Content-Length", str(len(body)))
        to.send_header("Connection", "close")  # so that nothing is answered once it is closed
        to.end_headers()
        if to.command != "HEAD":
            to.wfile.write(body[:cut])


class Hub(Loopback):
    """The routes of the hub that its own client downloads by; large files are linked, as the hub does with LFS."""

    LARGE = (".parquet", ".safetensors", ".pth", ".bin")

    def __init__(self) -> None:
        super().__init__()
        self.repositories: dict[str, dict[str, dict[str, bytes]]] = {}
        """`datasets/owner/name` (models: `models/...`) -> revision -> path -> content."""
        self.gated: set[str] = set()
        self.elsewhere = self.url.replace("127.0.0.1", "localhost")
        """Another host, as that of the hub's large files is."""

    def put(self, name: str, files: Mapping[str, bytes], revision: str = "main") -> str:
        """A new commit of a repository; its hash."""
        self.repositories.setdefault(name, {})[revision] = dict(files)
        return self.commit(name, revision)

    def commit(self, name: str, revision: str) -> str:
        files = self.repositories[name][revision]
        return hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()

    def answer(self, to: http.server.BaseHTTPRequestHandler, path: str) -> None:
        if found := re.fullmatch(r"/lfs/([^/]+/[^/]+/[^/]+)/(.+?)//(.+)", path):
            return self.content(to, path, self.repositories[found[1]][found[2]][found[3]], {})
        if found := re.fullmatch(r"/api/((?:models|datasets)/[^/]+/[^/]+)(?:/(revision|tree)/(.+))?", path):
            return self._api(to, found[1], found[2] or "revision", found[3] or "main")
        if found := re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/(refs/convert/parquet|[^/]+)/(.+)", path):
            return self._resolve(to, f"{found[1] or 'models/'}{found[2]}", found[3], found[4])
        return self.send(to, 404, b"", {})

    def _files(self, to: http.server.BaseHTTPRequestHandler, name: str, revision: str) -> tuple[str, str] | None:
        """(revision, commit) that is meant; None: an error was sent."""
        if name in self.gated:
            self.send(to, 403, b"", {"X-Error-Code": "GatedRepo"})
        elif name not in self.repositories:
            self.send(to, 404, b"", {"X-Error-Code": "RepoNotFound"})
        else:
            for known in self.repositories[name]:
                if revision in (known, self.commit(name, known)):
                    return known, self.commit(name, known)
            self.send(to, 404, b"", {"X-Error-Code": "RevisionNotFound"})
        return None

    def _api(self, to: http.server.BaseHTTPRequestHandler, name: str, what: str, revision: str) -> None:
        if not (found := self._files(to, name, revision)):
            return
        files = self.repositories[name][found[0]]
        if what == "tree":
            body: Any = [self._entry(path, content) for path, content in files.items()]
        else:
            own = name.partition("/")[2]
            body = {"id": own, "sha": found[1], "private": False, "siblings": [{"rfilename": path} for path in files]}
        if fault := self.faults[f"/api/{name}"]:
            return self.send(to, int(fault.pop(0)), b"", {})
        self.send(to, 200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _entry(self, path: str, content: bytes) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content)}
        entry["oid"] = hashlib.sha1(content).hexdigest()
        if path.endswith(self.LARGE):
            entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        return entry

    def _resolve(self, to: http.server.BaseHTTPRequestHandler, name: str, revision: str, path: str) -> None:
        if not (found := self._files(to, name, revision)):
            return
        headers = {"X-Repo-Commit": found[1]}
        content = self.repositories[name][found[0]].get(path)
        if content is None:
            return self.send(to, 404, b"", {**headers, "X-Error-Code": "EntryNotFound"})
        if not path.endswith(self.LARGE):
            return self.content(to, to.path, content, {**headers, "ETag": f'"{hashlib.sha1(content).hexdigest()}"'})
        linked = {
            "X-Linked-Size": str(len(content)),
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
            "Location": f"{self.elsewhere}/lfs/{name}/{found[0]}//{path}",
        }
        self.send(to, 302, b"", {**headers, **linked})
