"""Finds a GPU or a CPU platform by the names that people, drivers and shops use."""

import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from planner.catalogue.aliases import read_aliases
from planner.catalogue.cpu import CpuPlatform, parse_cpu
from planner.catalogue.device import Device, parse_device
from planner.catalogue.match import Match, NotFound
from planner.catalogue.names import nearest, part_tokens, part_words, stated_memory_gb
from planner.catalogue.reader import CPUS, DEVICES, CatalogueReader

T = TypeVar("T")

_COUNT_LAST = re.compile(r"(.*\S)\s*[xX×*]\s*(\d{1,3})")
_COUNT_FIRST = re.compile(r"(\d{1,3})\s*[xX×*]\s+(\S.*)")
_MAKERS_WORDS = frozenset(
    {"rtx", "gtx", "rx", "arc", "apple", "epyc", "xeon", "threadripper", "pro", "9", "w9"}
)


class _Found(NamedTuple):
    id: str
    note: str | None


def parse_device_spec(spec: str) -> tuple[str, int]:
    """Split ``rtx-4090x4``, ``RTX 4090 x2`` or ``2x RTX 4090`` into a name and a count.

    Without a count it is 1. Raises ValueError, saying what to write, for a count of 0.
    """
    text = spec.strip()
    first, last = _COUNT_FIRST.fullmatch(text), _COUNT_LAST.fullmatch(text)
    if first:
        name, count = first[2], int(first[1])
    elif last:
        name, count = last[1], int(last[2])
    else:
        return text, 1
    if count < 1:
        raise ValueError(f"{spec!r} names no device: write a count of 1 or more, as in {name}x2")
    return name, count


def find_device(reader: CatalogueReader, name: str) -> Match[Device] | NotFound:
    """Find an accelerator: ``rtx-4090``, ``RTX 4090``, ``NVIDIA GeForce RTX 4090``, ``4090``.

    Raises CatalogueError when a row is malformed.
    """
    found = _find(reader, DEVICES, "GPU", name)
    if isinstance(found, NotFound):
        return found
    device = device_row(reader, found.id)
    stated = stated_memory_gb(name)
    if stated is None or stated == device.nominal_gb or str(stated) in part_tokens(device.name):
        return Match(device, found.note)
    reason = f"{device.id} has {device.nominal_gb} GB, not {stated} GB"
    return NotFound("GPU", name, (device.id,), reason)


def find_cpu(reader: CatalogueReader, name: str) -> Match[CpuPlatform] | NotFound:
    """Find a CPU platform: ``epyc-9374f``, ``AMD EPYC 9374F 32-Core Processor``, ``9374F``.

    Raises CatalogueError when a row is malformed.
    """
    found = _find(reader, CPUS, "CPU", name)
    if isinstance(found, NotFound):
        return found
    return Match(cpu_row(reader, found.id), found.note)


def device_row(reader: CatalogueReader, device_id: str) -> Device:
    """Return the accelerator of exactly that id. Raises CatalogueError when absent or malformed."""
    return _row(reader, DEVICES, device_id, parse_device)


def cpu_row(reader: CatalogueReader, cpu_id: str) -> CpuPlatform:
    """Return the CPU of exactly that id. Raises CatalogueError when absent or malformed."""
    return _row(reader, CPUS, cpu_id, parse_cpu)


def all_devices(reader: CatalogueReader) -> tuple[Device, ...]:
    """Return every accelerator, by id. Reads every row: for listings and searches only."""
    return tuple(device_row(reader, device_id) for device_id in reader.names(DEVICES))


def all_cpus(reader: CatalogueReader) -> tuple[CpuPlatform, ...]:
    """Return every CPU platform, by id. Reads every row: for listings and searches only."""
    return tuple(cpu_row(reader, cpu_id) for cpu_id in reader.names(CPUS))


def _row(reader: CatalogueReader, kind: str, row_id: str, parse: Callable[[object, str], T]) -> T:
    return parse(reader.read(kind, row_id), f"catalogue {kind}/{row_id}.yaml")


def _find(reader: CatalogueReader, kind: str, word: str, name: str) -> _Found | NotFound:
    """Settle a name by rule alone where possible, so that no other row has to be read."""
    ids = reader.names(kind)
    plain = name.strip().lower()
    if plain in ids:
        return _Found(plain, None)
    asked = part_tokens(name)
    same = [row_id for row_id in ids if part_tokens(row_id) == asked]
    if len(same) == 1:
        return _Found(same[0], None)
    return _find_loosely(reader, kind, word, name)


def _find_loosely(reader: CatalogueReader, kind: str, word: str, name: str) -> _Found | NotFound:
    ids, asked, aliases = reader.names(kind), part_tokens(name), read_aliases(reader, kind)
    for alias in aliases.names:
        if part_tokens(alias.name) == asked:
            return _Found(alias.id, alias.note)
    fitting = _fitting(ids, asked) or _fitting(ids, _without_memory(name, asked))
    fitting = _with_memory(reader, kind, fitting, stated_memory_gb(name))
    if len(fitting) == 1:
        return _Found(fitting[0], _widened(fitting[0], asked))
    choice = aliases.choose(frozenset(fitting)) if fitting else None
    if choice is not None:
        return _Found(choice.choose, choice.note)
    if fitting:
        return NotFound(word, name, fitting[:6], "the name fits several")
    return NotFound(word, name, nearest(" ".join(part_words(name)), ids))


def _fitting(ids: tuple[str, ...], asked: frozenset[str]) -> tuple[str, ...]:
    """Rows whose name has all the words asked for. A word with a digit is needed to tell models."""
    if not any(character.isdigit() for word in asked for character in word):
        return ()
    return tuple(row_id for row_id in ids if asked <= part_tokens(row_id))


def _with_memory(
    reader: CatalogueReader, kind: str, fitting: tuple[str, ...], stated: int | None
) -> tuple[str, ...]:
    """Of several rows keep those of the stated size, if any: the 94 GB of H100 is one of three."""
    if stated is None or len(fitting) < 2 or kind != DEVICES:
        return fitting
    sized = tuple(i for i in fitting if device_row(reader, i).nominal_gb == stated)
    return sized or fitting


def _without_memory(name: str, asked: frozenset[str]) -> frozenset[str]:
    stated = stated_memory_gb(name)
    return asked if stated is None else asked - {str(stated)}


def _widened(row_id: str, asked: frozenset[str]) -> str | None:
    """Say so when the row's name has words beyond the asked ones that are not just the maker's."""
    extra = part_tokens(row_id) - asked - _MAKERS_WORDS
    return f"read as {row_id}" if extra else None
