"""Broken blueprints end in words: no traceback, no long wait, no large memory, no packet.

Faults: values, keys, lines and bytes changed, left out, doubled and moved; two blueprints spliced;
deep nests, swarms of aliases and lists of thousands. The whole sweep of 100,000 is a command of its
own (see the README); a sample of it runs here, beside every one that once went wrong.
"""

from __future__ import annotations

import multiprocessing
import socket
import time
from pathlib import Path

import pytest

from planner.cli.main import run
from tests.faults import mutants
from tests.faults.mutations import ROOT, mutant, seeds_once

# What went wrong in a sweep once, as a line of `models.chat` of the quickstart.
FOUND = (
    f"context: {'9' * 400}",
    f"context: {'9' * 39}k",
    f"footprint: {'9' * 400}GiB",
    'source: "./a\\0b"',
    'parallel: "1e999"',
    'parallel: "nan"',
    f"parallel: '{'9' * 5000}'",
)
# Whole documents that went wrong once: a name is no text, or what should hold it is none.
DOCUMENTS = (
    "adapters: {a: {base: x, source: ./a}}\nmodels: {m: {source: a/b}}\n"
    "roles: {r: {model: m, adapter: [a]}}\n",
    "hosts: {b: {address: me@b, power: {duty: 'x%'}}}\n",
    "hosts: {b: {address: me@b, power: {duty: 'nan%'}}}\n",
    "models:\n" + "".join(f"  m{n}: {{source: Qwen/Qwen3-8B}}\n" for n in range(5000)),
    "adapters: {a: {base: x, source: ./a}}\nmodels: {m: {source: a/b, adapters: 7}}\n"
    "roles: {r: {model: m, adapter: a}}\n",
)
# Sources that are there, or not, and are no model: nothing is read without end, nothing raises.
PLACES = ("/", "/proc/1/cwd", "/dev/zero", "./" + "b" * 5000, "~nobody-here/x", "./loop")
SAMPLE = 300


def apart(numbers: range) -> mutants.Report:
    """The batch in a process of its own, as the sweep runs it."""
    with multiprocessing.get_context("spawn").Pool(1, initializer=mutants.guard) as pool:
        return pool.apply(mutants.run_batch, (numbers,))


def test_what_the_starting_process_held_is_not_counted() -> None:
    held = bytearray(2 * mutants.MEMORY)
    held[::4096] = bytes([1]) * len(held[::4096])  # every page is there
    report = apart(range(10_000_000, 10_000_001))
    assert 0 < report.memory < mutants.MEMORY, len(held)


def test_a_sample_ends_in_words() -> None:
    report = apart(range(10_000_000, 10_000_000 + SAMPLE))
    assert report.wrong == []
    assert report.cases == SAMPLE
    # some are right after all: the sample reaches what comes after the first check as well
    assert 0 < report.valid < SAMPLE // 2


@pytest.mark.parametrize("line", FOUND, ids=lambda line: line[:12])
def test_what_went_wrong_once_does_not_any_more(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "blueprints/quickstart.yaml").read_text()
    key = line.partition(":")[0]
    kept = [row for row in text.splitlines() if not row.strip().startswith(f"{key}:")]
    at = next(n for n, row in enumerate(kept) if row.strip() == "chat:")
    path = tmp_path / "blueprint.yaml"
    path.write_text("\n".join([*kept[: at + 1], f"    {line}", *kept[at + 1 :]]))
    assert run(["validate", str(path)]) == 3
    assert key in capsys.readouterr().err


@pytest.mark.parametrize("text", DOCUMENTS)
def test_a_document_that_went_wrong_once_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_text(f"planner: 1\nproject: home\n{text}")
    assert run(["validate", str(path)]) == 3


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[:12])
@pytest.mark.parametrize("key", ["source", "archive", "system", "inventory", "adapter"])
def test_a_path_that_leads_nowhere_good_is_answered_at_once(
    place: str, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    path = tmp_path / "blueprint.yaml"
    model = place if key == "source" else "./tiny.gguf"
    path.write_text(
        "planner: 1\nproject: home\nhosts: {box: {address: me@box, ram: 64GiB}}\nmodels:\n"
        f"  chat: {{source: '{model}', engine: llama.cpp, footprint: 1GB"
        + (f", image: {{archive: '{place}'}}" if key == "archive" else "")
        + (", adapters: [a]}\nadapters:\n  a: {base: Qwen/Qwen3-8B, source: '" + place + "'"
           if key == "adapter" else "")
        + "}\n"
        + (f"roles: {{r: {{model: chat, system: '{place}'}}}}\n" if key == "system" else "")
        + (f"inventory: '{place}'\n" if key == "inventory" else "")
    )  # fmt: skip
    begun = time.monotonic()
    for verb in ("validate", "size", "render"):
        words = [verb, str(path)] + (
            ["--output", str(tmp_path / "out")] if verb == "render" else []
        )
        assert run(words) in (0, 3)
    assert time.monotonic() - begun < 30
    assert "fault of planner" not in capsys.readouterr().err


def test_the_same_number_gives_the_same_blueprint() -> None:
    assert mutant(7, seeds_once()) == mutant(7, seeds_once())
    assert len({mutant(number, seeds_once()) for number in range(100)}) > 95


def _reach_out(words: list[str]) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.connect(("127.0.0.1", 9))
    return run(words)


def _fail(words: list[str]) -> int:
    print("Traceback (most recent call last): \x1b[2J")
    return 1


def _planted(name: str) -> mutants.Report:
    from planner.cli import main

    main.run = {"_reach_out": _reach_out, "_fail": _fail}[name]
    return mutants.run_batch(range(3))


@pytest.mark.parametrize(
    ("fault", "said"),
    [("_reach_out", "asked for socket.connect"), ("_fail", "exit code 1"), ("_fail", "printed")],
)
def test_the_sweep_would_notice(fault: str, said: str) -> None:
    with multiprocessing.get_context("spawn").Pool(1, initializer=mutants.guard) as pool:
        report = pool.apply(_planted, (fault,))
    assert any(said in why for why in report.wrong), report.wrong
