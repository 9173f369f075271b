"""Reads what engines log of their memory: one file an engine. Pure: text in, figures out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from planner.sizing.logs import llama_cpp, sglang, vllm
from planner.sizing.measured import Measured


class LogReader(NamedTuple):
    """Reads one engine's log.

    ``lines`` is an extended regular expression for grep: only lines that match are asked of a
    host, so that nothing else a log may hold (questions, keys) travels.
    """

    lines: str
    read: Callable[[str], Measured]


READERS: Final[dict[str, LogReader]] = {
    "llama.cpp": LogReader(llama_cpp.LINES, llama_cpp.read),
    "ik_llama.cpp": LogReader(llama_cpp.LINES, llama_cpp.read),
    "vllm": LogReader(vllm.LINES, vllm.read),
    "sglang": LogReader(sglang.LINES, sglang.read),
}
