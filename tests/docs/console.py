"""Reads what a Markdown page tells people to type, runs it, and compares what it says they see.

A block of the page is marked `console`, with a second word where it needs more than files:
`console hosts` needs two hosts, `console machine` a machine to itself, with root and a network.
A line that starts with `$ ` is a command, what follows is its output; a line `...` stands for any
lines, and a command whose next one is `echo $?` may end with the code that is shown there. A
`yaml` block that starts with `# NAME.yaml` is that file.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
UPDATE: Final = "PLANNER_UPDATE_GOLDEN"
# What the commands of the pages work with: planner itself, and the files that they name.
_CARRIED: Final = ("planner", "templates", "blueprints", "inventory", "tests")
_CARRIED_FILES: Final = ("pyproject.toml", "README.md", "requirements.lock")
_HINT: Final = f"right as it is now? {UPDATE}=1 pytest tests/docs writes it into the page"
_STATUS: Final = "echo $?"
_FENCE: Final = re.compile(r"```(\w*)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What differs between runs on hosts: digests, the size of the farm's archive, times.
_MASKS: Final = (
    (re.compile(r"\b[0-9a-f]{16}\b|\b[0-9a-f]{8}\b"), "DIGEST"),
    (re.compile(r"\b\d+\.\d s\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? [KMG]iB\b"), "SIZE"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a page, what it prints (None: not shown) and its exit code."""

    page: str
    line: int
    kind: str
    command: str
    output: tuple[str, ...] | None
    code: int = 0

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.command}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a command printed on both streams, in order, and its exit code."""

    text: str
    code: int


def steps(page: Path) -> list[Step]:
    """Every command of the page, in order."""
    return [step for kind, line, body in _consoles(page) for step in _block(page, kind, line, body)]


def files(page: Path) -> dict[str, str]:
    """Every file that the page shows as a whole, by its path."""
    found: dict[str, str] = {}
    for match in _FENCE.finditer(page.read_text()):
        name = re.match(r"# (\S+\.yaml)\n", match[3])
        if match[1] == "yaml" and name:
            found[name[1]] = match[3]
    return found


def checkout(folder: Path, page: Path) -> Path:
    """A copy of the checkout in ``folder``, with the files that ``page`` shows."""
    ignored = shutil.ignore_patterns("__pycache__", ".planner", "planner.lock")
    for name in _CARRIED:
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in _CARRIED_FILES:
        shutil.copy(ROOT / name, folder / name)
    for name, text in files(page).items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder


def run(step: Step, folder: Path, extra: Mapping[str, str] | None = None) -> Seen:
    """Run one command in ``folder``, with the planner that lies there."""
    home = folder / ".home"
    home.mkdir(exist_ok=True)
    here = {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(folder),
        "PYTHONUNBUFFERED": "1",  # so that both streams come in the order in which they were said
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    done = subprocess.run(
        ["bash", "-c", step.command],
        cwd=folder,
        env={**here, **(extra or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )
    return Seen(done.stdout.decode(), done.returncode)


def differs(step: Step, seen: Seen) -> str | None:
    """Why what was seen is not what the page shows, or None."""
    if seen.code != step.code:
        return f"{step}\nends with {seen.code}, not {step.code}:\n{seen.text}"
    if step.output is None:
        return None
    shown, real = list(step.output), _right(seen.text)
    if step.kind == "hosts":
        shown, real = [_masked(line) for line in shown], [_masked(line) for line in real]
    if matches(shown, real):
        return None
    return f"{step}\nthe page shows:\n{_text(shown)}\nit prints:\n{_text(real)}\n{_HINT}"


def matches(shown: Sequence[str], real: Sequence[str]) -> bool:
    """Whether ``real`` are the lines of ``shown``, in which ``...`` stands for any lines."""
    groups = _groups(shown)
    if len(groups) == 1:
        return list(shown) == list(real)
    first, *middle, last = groups
    if list(real[: len(first)]) != first or (last and list(real[-len(last) :]) != last):
        return False
    at, end = len(first), len(real) - len(last)
    for group in middle:
        found = next((i for i in range(at, end) if list(real[i : i + len(group)]) == group), None)
        if found is None:
            return False
        at = found + len(group)
    return at <= end


def rewrite(page: Path, seen: Mapping[Step, Seen]) -> None:
    """Put what was seen into the page, where it shows a whole output that has changed."""
    text = page.read_text()
    for step, result in seen.items():
        assert result.code == step.code, differs(step, result)
    for step, result in seen.items():
        if step.output is None or "..." in step.output or differs(step, result) is None:
            continue
        old = f"$ {step.command}\n{_text(step.output)}\n"
        assert old in text, f"{step}: written over several lines: edit it by hand"
        text = text.replace(old, f"$ {step.command}\n{_text(_right(result.text))}\n")
    page.write_text(text)


def _consoles(page: Path) -> Iterator[tuple[str, int, str]]:
    text = page.read_text()
    for match in _FENCE.finditer(text):
        if match[1] == "console":
            yield match[2] or "files", text[: match.start()].count("\n") + 2, match[3]


def _block(page: Path, kind: str, first: int, body: str) -> Iterator[Step]:
    starts: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(body.splitlines(), first):
        if starts and not starts[-1][2] and starts[-1][1].endswith("\\"):
            starts[-1] = (starts[-1][0], f"{starts[-1][1]}\n{line}", [])
        elif line.startswith("$ "):
            starts.append((number, line[2:], []))
        else:
            assert starts, f"{page.name}:{number}: output before any command"
            starts[-1][2].append(line)
    for index, (number, command, lines) in enumerate(starts):
        if command == _STATUS:
            continue
        after = starts[index + 1] if index + 1 < len(starts) else None
        code = int(after[2][0]) if after and after[1] == _STATUS else 0
        while lines and not lines[-1]:
            lines.pop()
        yield Step(page.name, number, kind, command, tuple(lines) if lines else None, code)


def _groups(shown: Sequence[str]) -> list[list[str]]:
    groups: list[list[str]] = [[]]
    for line in shown:
        if line == "...":
            groups.append([])
        else:
            groups[-1].append(line)
    return groups


def _masked(text: str) -> str:
    for pattern, word in _MASKS:
        text = pattern.sub(word, text)
    return text


def _right(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines)
