"""Makes broken blueprints: the same number gives the same one, on every machine."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

# What people, editors and attackers put where a value belongs.
VALUES: Final = (
    "", "~", "null", "true", "no", "0", "-1", "007", "1e999", ".nan", ".inf", "-0", "1_000",
    "9" * 400, "0x7fffffffffffffff", "22:22", "2026-11-28", "é\u202e\u0000x", "\x1b[2J\x07", "'",
    '"', '"\\ud800"', '"\\0"', "|", ">", "[]", "{}", "[[[[[]]]]]", "{a: {b: {c: []}}}", "- a",
    "&x [1, 2]", "*x", "*nowhere", "!!python/object/apply:os.system [id]", "!!binary aGk=", "!x y",
    "<<: *x", "? a", ": b", "%TAG ! tag:x,2000:", "---", "...", "#", "../../etc/passwd",
    "/dev/zero", "/proc/self/mem", "./" + "b" * 5000, "/",
    "~nobody-here/x", "/proc/1/cwd", "./x\\0y", ".", "..", "~/x", "file:///etc/passwd", "a" * 5000,
    "{{ 7 * 7 }}", "{% for x in y %}", "$(id)", "`id`", "${HOME}", "%n", "; rm -rf /", "\t",
    "64GiB", "-64GiB", "1e30TiB", "0.0000001 USD/h", "9" * 60 + " USD", "400 XXX", "NaN USD",
    "32k", "99999999999k", "25%", "1000%", "rtx-4090x0", "rtx-4090x99999999999", "rtx-4090x-1",
    "Qwen/Qwen3-8B@" + "z" * 40, "a/b/c/d/e", "//", "org/", "secret:", "secret:x", "secret:A B",
    "mon-fri 25:00-99:00 Nowhere/Land", "user@host:99999", "user@[::1", "@@@", "10.0.0.1\n", "☃",
    "[chat, chat, chat]", "{chat: vram, chat: ram}", "Q4_K_M", "f16,f16,f16,f16", "loopback",
)  # fmt: skip
_WORDS: Final = (
    "hosts", "models", "adapters", "stores", "roles", "services", "gateway", "budget", "secrets",
    "project", "planner", "inventory", "on", "source", "quant", "context", "gpus", "rent",
    "address", "within", "fallback", "adapter", "replicas", "port", "near", "keep_free", "image",
    "archive", "api_key", "environment", "expose", "engine", "task", "disk", "ram", "budget",
)  # fmt: skip

Mutation = Callable[[random.Random, list[str]], list[str]]


def seeds() -> list[str]:
    """Blueprints that are right, from which the broken ones are made."""
    paths = sorted(ROOT.glob("blueprints/*.yaml"))
    paths += sorted(ROOT.glob("tests/render/golden/*/blueprint.yaml"))
    paths += sorted(ROOT.glob("tests/faults/seeds/*.yaml"))
    return [path.read_text() for path in paths]


def mutant(number: int, texts: Sequence[str]) -> bytes:
    """The broken blueprint of this number: one to six mutations of a right one."""
    dice = random.Random(number)
    lines = dice.choice(texts).splitlines()
    for _ in range(dice.choice((1, 1, 1, 2, 3, 6))):
        lines = dice.choice(_MUTATIONS)(dice, lines or [""])
    raw = "\n".join(lines).encode(errors="surrogatepass")
    return _bytes(dice, raw) if dice.random() < 0.15 else raw


def _pick(dice: random.Random, lines: list[str]) -> int:
    return dice.randrange(len(lines))


def _value(dice: random.Random, lines: list[str]) -> list[str]:
    at = _pick(dice, lines)
    key, colon, _ = lines[at].partition(":")
    return [*lines[:at], f"{key}{colon} {dice.choice(VALUES)}", *lines[at + 1 :]]


def _inside(dice: random.Random, lines: list[str]) -> list[str]:
    """A word of a line becomes another, or a value that does not belong there."""
    at = _pick(dice, lines)
    words = lines[at].split(" ")
    words[dice.randrange(len(words))] = dice.choice((*VALUES, *_WORDS))
    return [*lines[:at], " ".join(words), *lines[at + 1 :]]


def _drop(dice: random.Random, lines: list[str]) -> list[str]:
    at = _pick(dice, lines)
    return lines[:at] + lines[at + dice.randint(1, 3) :]


def _twice(dice: random.Random, lines: list[str]) -> list[str]:
    at = _pick(dice, lines)
    return lines[: at + 1] + lines[at : at + dice.randint(1, 5)] + lines[at + 1 :]


def _swap(dice: random.Random, lines: list[str]) -> list[str]:
    one, two = _pick(dice, lines), _pick(dice, lines)
    lines = list(lines)
    lines[one], lines[two] = lines[two], lines[one]
    return lines


def _indent(dice: random.Random, lines: list[str]) -> list[str]:
    at = _pick(dice, lines)
    moved = dice.choice(("  ", "    ", "\t", " ")) + lines[at]
    return [*lines[:at], dice.choice((moved, lines[at].lstrip())), *lines[at + 1 :]]


def _key(dice: random.Random, lines: list[str]) -> list[str]:
    at = _pick(dice, lines)
    head = len(lines[at]) - len(lines[at].lstrip())
    _, colon, rest = lines[at].partition(":")
    return [*lines[:at], " " * head + dice.choice(_WORDS) + (colon or ":") + rest, *lines[at + 1 :]]


def _cut(dice: random.Random, lines: list[str]) -> list[str]:
    at = _pick(dice, lines)
    return [*lines[:at], lines[at][: dice.randint(0, len(lines[at]))]]


def _splice(dice: random.Random, lines: list[str]) -> list[str]:
    other = dice.choice(seeds_once()).splitlines()
    return lines[: _pick(dice, lines)] + other[dice.randrange(len(other)) :]


def _grow(dice: random.Random, lines: list[str]) -> list[str]:
    """Something large: a deep nest, a swarm of aliases, a list of thousands."""
    at, size = _pick(dice, lines), dice.choice((50, 500, 5000))
    bomb = ["x0: &x0 [a, a, a, a, a, a, a, a, a]"]
    bomb += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 12)]
    large = dice.choice((
        ["deep: " + "[" * size + "]" * size],
        ["deep: " + "{a: " * size + "1" + "}" * size],
        bomb,
        ["models:", *(f"  m{n}: {{source: Qwen/Qwen3-8B}}" for n in range(size))],
        ["hosts:", *(f"  h{n}: {{address: me@10.0.0.{n % 255}}}" for n in range(size))],
        ["on: [" + ", ".join(["box"] * size) + "]"],
        ["k" * size + ": " + "v" * size],
        ["  " * n + f"k{n}:" for n in range(min(size, 300))],
    ))  # fmt: skip
    return lines[:at] + large + lines[at:]


def _bytes(dice: random.Random, raw: bytes) -> bytes:
    changed = bytearray(raw or b"\n")
    for _ in range(dice.choice((1, 2, 8))):
        at = dice.randrange(len(changed))
        match dice.randrange(3):
            case 0:
                changed[at] = dice.randrange(256)
            case 1:
                changed.insert(at, dice.randrange(256))
            case _:
                del changed[at : at + dice.choice((1, 1, 40))]
                changed = changed or bytearray(b"\n")
    return bytes(changed)


_MUTATIONS: Final[tuple[Mutation, ...]] = (
    _value, _value, _value, _inside, _inside, _inside, _key, _drop, _twice, _swap, _indent, _cut,
    _splice, _grow,
)  # fmt: skip
_seeds: list[str] = []


def seeds_once() -> list[str]:
    """The seeds, read once a process."""
    if not _seeds:
        _seeds.extend(seeds())
    return _seeds
