"""Starts a real llama-server on a model until it has reserved its memory, and reads its log."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LIMIT_S: Final = 120.0
_QUIET: Final = (
    "--numa",
    "distribute",
    "--no-warmup",
    "--no-repack",
    "--fit",
    "off",
    "--log-verbosity",
    "4",
)
_ADDRESS: Final = ("--host", "127.0.0.1", "--port", "0")
_BUFFER: Final = re.compile(r"(model|KV|RS|compute|output) buffer size = +([\d.]+) MiB")
_MOVED: Final = re.compile(r"tensor (\S+) .*buffer type overridden to")
_READY: Final = ("model loaded", "server is listening")


@dataclass(frozen=True, slots=True)
class Buffers:
    """MiB that the server printed, to two decimals each; ``kv`` includes recurrent state."""

    model: float
    kv: float
    compute: float
    output: float


def reserved_buffers(root: Path, model: str, arguments: Sequence[str]) -> Buffers:
    """What llama-server in the root folder ``root`` reserves for ``model``, a path inside it.

    Raises AssertionError with its last lines when it does not start.
    """
    sums = dict.fromkeys(("model", "KV", "RS", "compute", "output"), 0.0)
    for line in _started(root, model, arguments):
        if found := _BUFFER.search(line):
            sums[found[1]] += float(found[2])
    return Buffers(sums["model"], sums["KV"] + sums["RS"], sums["compute"], sums["output"])


def moved_tensors(root: Path, model: str, arguments: Sequence[str]) -> frozenset[str]:
    """The tensors that it puts elsewhere than it would by itself. Raises as above."""
    lines = _started(root, model, (*arguments, "--log-verbosity", "5"))
    return frozenset(found[1] for line in lines if (found := _MOVED.search(line)))


def _started(root: Path, model: str, arguments: Sequence[str]) -> list[str]:
    """The log until the server listens; it ends before it answers anything. Needs root for
    chroot."""
    command = ["/usr/bin/llama-server", "--model", model, *_QUIET, *_ADDRESS, *arguments]

    def enter() -> None:
        os.chroot(root)
        os.chdir("/")

    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=enter
    )
    limit = threading.Timer(_LIMIT_S, server.kill)
    limit.start()
    try:
        return _read(server)
    finally:
        limit.cancel()
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


def _read(server: subprocess.Popen[str]) -> list[str]:
    lines: list[str] = []
    for line in server.stdout or ():
        lines.append(line)
        if any(word in line for word in _READY):
            return lines
    raise AssertionError("the server did not start:\n" + "".join(lines[-15:]))
