"""Finds a model by its hub name, its short name, or the name of a repackaged checkpoint."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from planner.catalogue.aliases import read_aliases
from planner.catalogue.match import Match, NotFound
from planner.catalogue.model import ModelFacts, Repackaged, parse_model
from planner.catalogue.names import nearest, squash
from planner.catalogue.quantization import Family, Quantization, find_quantization
from planner.catalogue.reader import MODELS, PIPELINES, TABLES, CatalogueReader
from planner.catalogue.row import open_row

# What publishers put after the name of a model of the same shapes, in the order tried.
_SAME_SHAPES = ("-Instruct", "-it", "-hf")
_BASE = "-base"
_GGUF = re.compile(r"([- ]i1)?[-. ](?:gguf|GGUF)$")
_MAX_QUANTIZATION_WORDS = 3  # "unsloth-bnb-4bit"


class ModelMatch(NamedTuple):
    """A model's facts and what its written name says beyond them.

    ``revision`` is what followed ``@``. ``quantization`` is what the name of a repackaged
    checkpoint states (as a hint: an explicit ``quant`` wins), ``repackaged`` its published size
    where that is known. ``note`` says what was assumed.
    """

    row: ModelFacts
    note: str | None = None
    revision: str | None = None
    quantization: Quantization | None = None
    repackaged: Repackaged | None = None


class _Named(NamedTuple):
    id: str
    note: str | None


def model_row(reader: CatalogueReader, model_id: str) -> ModelFacts:
    """Return the model of exactly that id. Raises CatalogueError when absent or malformed."""
    name = model_id.replace("/", "--")
    return parse_model(reader.read(MODELS, name), f"catalogue {MODELS}/{name}.yaml")


def model_ids(reader: CatalogueReader) -> tuple[str, ...]:
    """Return every model's id from the folder's listing, without reading a row."""
    return tuple(name.replace("--", "/", 1) for name in reader.names(MODELS))


def all_models(reader: CatalogueReader) -> tuple[ModelFacts, ...]:
    """Return every model, by id. Reads every row: for listings and searches only."""
    return tuple(model_row(reader, model_id) for model_id in model_ids(reader))


def find_model(reader: CatalogueReader, name: str) -> ModelMatch | NotFound:
    """Find a model: ``Qwen/Qwen3-8B``, ``qwen3-8b@<revision>``, ``unsloth/Qwen3-8B-GGUF``.

    A release that does not exist comes back as NotFound with the fact. Raises CatalogueError when
    a row is malformed.
    """
    written, _, revision = name.partition(" (")[0].strip().partition("@")
    ids = model_ids(reader)
    if written in ids:
        return ModelMatch(model_row(reader, written), revision=revision or None)
    named = _by_rule(ids, written)
    if named is not None:
        return ModelMatch(model_row(reader, named.id), named.note, revision or None)
    fact = _absent(reader, written)
    if fact is not None:
        return fact
    named = _by_alias(reader, written)
    if named is not None:
        return ModelMatch(model_row(reader, named.id), named.note, revision or None)
    found = _repackaged(reader, ids, written)
    if found is None:
        return _not_found(reader, ids, name, written)
    return found._replace(revision=revision or None)


def _keys(model_id: str) -> tuple[str, str]:
    """The two spellings that name a model exactly: with and without its publisher."""
    return squash(model_id), squash(model_id.partition("/")[2])


def _by_rule(ids: tuple[str, ...], written: str) -> _Named | None:
    """Settle a name by the listing alone: exactly, or with another publisher or ending."""
    for model_id in ids:
        if squash(written) in _keys(model_id):
            return _Named(model_id, None)
    for spelling in _spellings(written):
        for model_id in ids:
            if _keys(model_id)[1] == squash(spelling):
                return _Named(model_id, f"read as {model_id}")
    return None


def _by_alias(reader: CatalogueReader, written: str) -> _Named | None:
    spellings = tuple(map(squash, _spellings(written)))
    for alias in read_aliases(reader, MODELS).names:
        if squash(alias.name) in spellings:
            return _Named(alias.id, alias.note or f"read as {alias.id}: the same shapes")
    return None


def _short(written: str) -> str:
    """Drop the publisher, also where a quantizer wrote it as ``Qwen_Qwen3-8B``."""
    return written.rpartition("/")[2]


def _spellings(written: str) -> Iterator[str]:
    """Yield the short names that mean the same shapes as the written one."""
    short = _short(written)
    yield short
    if "_" in short:
        yield short.partition("_")[2]
    for ending in _SAME_SHAPES:
        yield short + ending
    if short.lower().endswith(_BASE):
        yield short[: -len(_BASE)]
        yield short[: -len(_BASE)] + "-Instruct"


def _repackaged(reader: CatalogueReader, ids: tuple[str, ...], written: str) -> ModelMatch | None:
    """Read a checkpoint's name as a model and the format of its weights."""
    without = _GGUF.sub("", written)
    family = None if without == written else Family.GGUF
    for head, tail in _splits(without):
        stated = find_quantization(reader, _format_of(reader, written, tail), family)
        named = _by_rule(ids, head) or _by_alias(reader, head)
        if named is not None and isinstance(stated, Match):
            return _with_format(reader, written, named, stated)
    named = (_by_rule(ids, without) or _by_alias(reader, without)) if family else None
    if named is None:
        return None
    note = f"the weights of {named.id} in GGUF files: say which one, such as Q4_K_M"
    return ModelMatch(model_row(reader, named.id), note)


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to cut up to three words off the end: ``Qwen3-8B`` and ``AWQ-INT4``."""
    words = re.split(r"([-. ])", name)
    for count in range(_MAX_QUANTIZATION_WORDS, 0, -1):
        head, tail = words[: -2 * count], words[len(words) - 2 * count + 1 :]
        if head:
            yield "".join(head), "".join(tail)


def _format_of(reader: CatalogueReader, written: str, tail: str) -> str:
    """Some publishers mean one of several formats by a word: Qwen's FP8 is scaled in blocks."""
    publisher = written.partition("/")[0]
    for habit in read_aliases(reader, MODELS).formats:
        if habit.publisher == publisher and squash(habit.written) == squash(tail):
            return habit.means
    return tail


def _with_format(
    reader: CatalogueReader, written: str, named: _Named, stated: Match[Quantization]
) -> ModelMatch:
    row = model_row(reader, named.id)
    assumed = named.note if named.note != f"read as {row.id}" else None
    remarks = (f"the weights of {row.id} as {stated.row.name}", assumed, stated.note)
    published = next((item for item in row.repackaged if item.repository == written), None)
    note = "; ".join(remark for remark in remarks if remark)
    return ModelMatch(row, note, None, stated.row, published)


def _absent(reader: CatalogueReader, written: str) -> NotFound | None:
    table = open_row(reader.read(TABLES, "absent"), f"catalogue {TABLES}/absent.yaml")
    key = squash(_short(written))
    for row in table.rows("models"):
        name, fact, instead = squash(row.text("name")), row.text("fact"), row.texts("instead")
        if key == name or (key.startswith(name) and not key[len(name)].isdigit()):
            return NotFound("model", written, instead, fact)
    return None


def _not_found(reader: CatalogueReader, ids: tuple[str, ...], name: str, written: str) -> NotFound:
    if written.replace("/", "--") in reader.names(PIPELINES):
        return NotFound("model", name, (), "is an image pipeline, not a language model")
    by_short = {model_id.partition("/")[2]: model_id for model_id in ids}
    close = nearest(_short(_GGUF.sub("", written)), by_short)
    return NotFound("model", name, tuple(by_short[short] for short in close))
