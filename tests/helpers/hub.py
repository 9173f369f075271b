"""Stand-ins on this machine for what no test may reach: a model hub and a container registry."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "sha256:" + "ab" * 32


class _Handler(BaseHTTPRequestHandler):
    """Answers as https://huggingface.co and a registry behind a token server do."""

    repositories: Mapping[str, Mapping[str, bytes]]
    log: list[str]
    sent: list[int]
    token: str | None

    def do_GET(self) -> None:
        self.log.append(self.path)
        gated = self.token is not None and self.path.startswith(("/api/", *self._folders()))
        if gated and self.headers.get("Authorization") != f"Bearer {self.token}":
            self.send_error(401)
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/([^?]+).*", self.path):
            self._listing(match[1], match[2])
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([0-9a-f]{40})/(.+)", self.path):
            self._file(match[1], match[3])
        elif self.path.startswith("/token?"):
            basic = self.headers.get("Authorization", "").removeprefix("Basic ")
            if basic:
                self.log.append(f"login {base64.b64decode(basic).decode()}")
            self._json({"token": "let-me-in"})
        else:
            self.send_error(404)

    def _folders(self) -> tuple[str, ...]:
        return tuple(f"/{name}/" for name in self.repositories)

    def do_HEAD(self) -> None:
        self.log.append(self.path)
        if not re.fullmatch(r"/v2/acme/engine/manifests/v1", self.path):
            self.send_error(404)
        elif self.headers.get("Authorization") != "Bearer let-me-in":
            host = self.headers["Host"]
            self.send_response(401)
            self.send_header(
                "WWW-Authenticate", f'Bearer realm="http://{host}/token",service="stand-in"'
            )
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("Docker-Content-Digest", DIGEST)
            self.end_headers()

    def _listing(self, repository: str, revision: str) -> None:
        files = self.repositories.get(repository)
        if files is None or revision not in ("main", COMMIT):
            self.send_error(404)
            return
        self._json(
            {
                "sha": COMMIT,
                "siblings": [
                    {
                        "rfilename": name,
                        "size": len(content),
                        "lfs": {"sha256": hashlib.sha256(content).hexdigest()},
                    }
                    for name, content in files.items()
                ],
            }
        )

    def _file(self, repository: str, name: str) -> None:
        content = self.repositories.get(repository, {}).get(name)
        if content is None:
            self.send_error(404)
            return
        start, end = 0, len(content)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted:
            start = int(wanted[1])
            end = min(end, int(wanted[2]) + 1) if wanted[2] else end
        if wanted and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        self.sent.append(end - start)
        self.wfile.write(content[start:end])

    def _json(self, data: Any) -> None:
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base names it
        """Say nothing: tests read ``log``."""


@contextmanager
def stand_in(
    repositories: Mapping[str, Mapping[str, bytes]],
    address: str = "127.0.0.1",
    sent: list[int] | None = None,
    token: str | None = None,
) -> Iterator[tuple[str, list[str]]]:
    """A hub and registry on a free port of ``address``; yields host:port and the paths asked.

    ``sent`` gets the bytes of every answer that is (part of) a file. With ``token`` the hub is
    gated: who does not send it gets nothing.
    """
    log: list[str] = []
    kept = {
        "repositories": repositories,
        "log": log,
        "sent": [] if sent is None else sent,
        "token": token,
    }
    handler = type("Handler", (_Handler,), kept)
    server = ThreadingHTTPServer((address, 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{address}:{server.server_port}", log
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
