"""Number formats of weights, by the names that people and file names use."""

import re
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from planner.catalogue.figure import Source
from planner.catalogue.match import Match, NotFound
from planner.catalogue.names import nearest, squash
from planner.catalogue.reader import TABLES, CatalogueReader
from planner.catalogue.row import Row, open_row

_WHERE = f"catalogue {TABLES}/quantizations.yaml"
_REMARKS = re.compile(r"\([^)]*\)|-? *[\d.]+ bpw\b|\bgguf\b|\bmix\b")
_DYNAMIC = re.compile(r"^ud[-_ ]")  # Unsloth's mixes carry the nearest preset's name
_REPACKED = re.compile(r"(?<=\w)_r[48]$")  # interleaved rows, the same bytes
_SIZES = {"medium": "m", "small": "s", "large": "l"}


class Family(StrEnum):
    """The kind of file that holds the weights."""

    SAFETENSORS = "safetensors"
    GGUF = "gguf"


class TensorType(NamedTuple):
    """A GGUF block: ``weights`` consecutive elements of a row in ``bytes`` bytes."""

    name: str
    weights: int
    bytes: int

    @property
    def bits(self) -> Decimal:
        """Bits per weight, scales included."""
        return Decimal(self.bytes * 8) / self.weights


class LooseName(NamedTuple):
    """A name that leaves a choice, and how it was read."""

    name: str
    note: str


class Quantization(NamedTuple):
    """One format. ``bits`` per weight of the quantized tensors, scales included.

    ``group`` is how many weights share a scale. For a GGUF preset ``tensor_type`` is its main type;
    the presets mix several.
    """

    name: str
    family: Family
    bits: Decimal
    group: int | None
    tensor_type: TensorType | None
    aliases: tuple[str, ...]
    loose: tuple[LooseName, ...]
    note: str | None
    source: Source


class QuantizationTable(NamedTuple):
    """All formats and all GGUF tensor types."""

    tensor_types: tuple[TensorType, ...]
    quantizations: tuple[Quantization, ...]


# Every model of a blueprint asks for the same table.
@lru_cache(maxsize=4)
def read_quantizations(reader: CatalogueReader) -> QuantizationTable:
    """Return every format. Raises CatalogueError when the table is malformed."""
    row = open_row(reader.read(TABLES, "quantizations"), _WHERE)
    types = tuple(
        TensorType(name, item.integer("weights"), item.integer("bytes"))
        for name, item in row.table("tensor_types")
    )
    by_name = {item.name: item for item in types}
    table = QuantizationTable(
        types, tuple(_quantization(item, by_name) for item in row.rows("quantizations"))
    )
    row.done()
    return table


def find_quantization(
    reader: CatalogueReader, name: str, family: Family | None = None
) -> Match[Quantization] | NotFound:
    """Find a format by name: ``bf16``, ``awq int4``, ``fp8 block``, ``Q4_K_M``, ``UD-Q4_K_XL``.

    ``family`` settles names that both kinds of file have (``bf16``, ``mxfp4``); where it has no
    such format the other family's is returned, so that the caller can say why it does not suit.
    """
    table = read_quantizations(reader).quantizations
    plain = _plain(name)
    preset = _DYNAMIC.sub("", plain)
    found = _find(table, preset, family)
    if found is None:
        return NotFound("quantization", name, nearest(plain, (item.name for item in table)))
    if preset != plain:
        note = f"a mix of its maker, read as {found.row.name}: only its file tells the size"
        return Match(found.row, note)
    return found


def _plain(name: str) -> str:
    """Lower the case and drop what logs add: remarks, bits per weight, ``- Medium`` for ``_M``."""
    text = _REPACKED.sub("", _REMARKS.sub(" ", name.lower()).strip())
    head, _, last = text.rpartition(" ")
    return f"{head}_{_SIZES[last]}" if last in _SIZES else text


def _find(
    table: tuple[Quantization, ...], text: str, family: Family | None
) -> Match[Quantization] | None:
    """Look in the wanted family first; in each, names before aliases before loose names."""
    preferred = tuple(item for item in table if item.family is family)
    for group in (preferred, table):
        found = _find_in(group, squash(text))
        if found is not None:
            return found
    return None


def _find_in(table: tuple[Quantization, ...], key: str) -> Match[Quantization] | None:
    named = (item for item in table if squash(item.name) == key)
    aliased = (item for item in table if key in map(squash, item.aliases))
    exact = next(named, None) or next(aliased, None)
    if exact is not None:
        return Match(exact)
    loose = ((item, name) for item in table for name in item.loose if squash(name.name) == key)
    return next((Match(item, name.note) for item, name in loose), None)


def _quantization(row: Row, types: dict[str, TensorType]) -> Quantization:
    type_name, bits = row.opt_text("tensor_type"), row.opt_number("bits")
    if type_name is not None and type_name not in types:
        raise row.fault("tensor_type", f"{type_name!r} is not in tensor_types")
    tensor_type = None if type_name is None else types[type_name]
    return Quantization(
        name=row.text("name"),
        family=row.choice("family", Family),
        bits=row.need("bits", tensor_type.bits if tensor_type else bits),
        group=row.opt_integer("group"),
        tensor_type=tensor_type,
        aliases=row.texts("aliases"),
        loose=tuple(LooseName(item.text("name"), item.text("note")) for item in row.rows("loose")),
        note=row.opt_text("note"),
        source=row.source(),
    )
