"""What an adapter's own files say, and whether it can be used with its base.

Values and checks; the files are read elsewhere, and weights never are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from planner.blueprint import schema
from planner.catalogue.names import squash
from planner.diagnostics import Diagnostic, DocumentPath, error, note, warning
from planner.sizing.architecture import QUANTIZABLE, Architecture, Role, Tensor

_LAYER: Final = re.compile(r"\.layers\.(\d+)\.")
_INDEX: Final = re.compile(r"\.(\d+)\.")
_SUFFIX: Final = re.compile(r"\.lora_([AB])(?:\.[\w-]+)?\.weight$")
_REPACKED: Final = re.compile(r"(unsloth)?(bnb4bit|unslothbnb4bit|4bit|8bit|awq|gptq|gguf|fp8)$")


class AdapterFiles(NamedTuple):
    """An adapter's configuration and the shapes of its matrices.

    ``matrices`` gives (rows, columns) by tensor name. ``fault`` says why the files cannot be used
    at all, ``extras`` what they change beside LoRA matrices. ``tokens`` is how many tokens the
    tokenizer that was saved with it knows at least, None where none was.
    """

    rank: int | None = None
    target_modules: tuple[str, ...] = ()
    base: str | None = None
    bytes: int = 0
    matrices: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    extras: tuple[str, ...] = ()
    fault: str | None = None
    tokens: int | None = None


def check_adapter(
    name: str,
    written: schema.Adapter,
    files: AdapterFiles,
    architecture: Architecture | None,
) -> tuple[Diagnostic, ...]:
    """Everything that keeps an adapter from its base, each with its reason."""
    path: DocumentPath = ("adapters", name)
    if files.fault is not None:
        form = "GGUF" if written.source.endswith(".gguf") else "safetensors"
        return (error(f"adapter {name!r} cannot be used", *path, "source", value=written.source,
                      detail=files.fault, advice=f"save it again as {form}"),)  # fmt: skip
    found = [*_contradictions(name, written, files, path)]
    shapes = tuple(_shapes(name, files, architecture, path)) if architecture else ()
    if architecture is not None and files.tokens is not None:
        found += _new_tokens(name, files.tokens, architecture.vocab, path)
    found += [
        *shapes,
        *_other_base(name, written, files, path, fits=bool(architecture) and not shapes),
    ]
    return tuple(found)


def _contradictions(
    name: str, written: schema.Adapter, files: AdapterFiles, path: DocumentPath
) -> Iterator[Diagnostic]:
    """What the blueprint says and the files deny."""
    if written.rank and files.rank and written.rank != files.rank:
        yield error(f"adapter {name!r} has rank {files.rank}, not {written.rank}", *path, "rank",
                    value=written.rank, detail="slots are made for the rank that is written",
                    advice=f"write rank: {files.rank}, or take it out")  # fmt: skip
    held = _rank_held(files)
    if files.rank and held > files.rank:
        yield error(f"adapter {name!r} says rank {files.rank}, its matrices have {held}", *path,
                    "source", detail="adapter_config.json and the weights are not of one training",
                    advice="save it again, or take the config that belongs to it")  # fmt: skip
    wanted, there = set(written.target_modules), set(files.target_modules)
    if wanted and there and wanted != there:
        yield error(f"adapter {name!r} adapts {', '.join(sorted(there))}", *path,
                    "target_modules", value=", ".join(written.target_modules),
                    detail="the engine wraps what is written, and would leave out the rest",
                    advice=f"write target_modules: [{', '.join(sorted(there))}]")  # fmt: skip
    for extra in files.extras:
        yield error(f"adapter {name!r} changes more than its matrices: {extra}", *path, "source",
                    detail="engines add LoRA matrices to a base and nothing else",
                    advice="merge it into its base, and serve that as a model")  # fmt: skip


def _rank_held(files: AdapterFiles) -> int:
    """The largest rank of its A matrices, which have as many rows; 0 without any. Those of experts
    may be stacked over them, and are left out."""
    plain = (item for item in files.matrices.items() if "experts" not in item[0])
    halves = ((_SUFFIX.search(key), shape) for key, shape in plain)
    return max((shape[0] for half, shape in halves if half and half[1] == "A"), default=0)


def _new_tokens(
    name: str, tokens: int, vocabulary: int, path: DocumentPath
) -> Iterator[Diagnostic]:
    if tokens > vocabulary:
        yield error(f"adapter {name!r} adds tokens to its base", *path, "source",
                    detail=f"its tokenizer knows {tokens:,} tokens, the base has {vocabulary:,}: "
                    "engines take the base's tokenizer, and would split the new ones",
                    advice="merge it into its base with the new tokens, and serve that as a model",
                    )  # fmt: skip


def _other_base(
    name: str, written: schema.Adapter, files: AdapterFiles, path: DocumentPath, *, fits: bool
) -> Iterator[Diagnostic]:
    """A base that the files name and the blueprint does not; paths say nothing."""
    said = files.base or ""
    if said.count("/") != 1 or said.startswith((".", "/", "~")):
        return
    if _same(said, written.base):
        yield from _trained_in_4_bit(name, said, written, path)
        return
    summary = f"adapter {name!r} was trained on {said}"
    if fits:
        yield warning(summary, *path, "base", value=written.base,
                      detail="its matrices have the shapes of this base; what they do there is "
                      "untested", advice=f"write base: {said}")  # fmt: skip
    else:
        yield error(summary, *path, "base", value=written.base,
                    detail="an adapter changes the weights it was trained on, and no others",
                    advice=f"write base: {said}, and give it to a model of that base")  # fmt: skip


def _trained_in_4_bit(
    name: str, said: str, written: schema.Adapter, path: DocumentPath
) -> Iterator[Diagnostic]:
    """It learned beside rounded weights: near to others, not the same."""
    kind = _REPACKED.search(squash(said.rpartition("/")[2]))
    if kind is not None and not _REPACKED.search(squash(written.base.rpartition("/")[2])):
        yield note(f"adapter {name!r} was trained on {said}", *path, "base", value=written.base,
                   detail="a base in few bits is near to this one, not the same: its answers may "
                   "be a little worse than in training")  # fmt: skip


def _same(one: str, other: str) -> bool:
    """The same base under another owner or in another format."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return _REPACKED.sub("", squash(name.partition("@")[0].rpartition("/")[2]))


def _shapes(
    name: str, files: AdapterFiles, architecture: Architecture, path: DocumentPath
) -> Iterator[Diagnostic]:
    """The first module that the base lacks, and the first whose matrices do not fit it."""
    linears = {_module(t.name): t for t in architecture.tensors if _wrapped(t)}
    unknown = sorted({m for m in files.target_modules if m.isidentifier()} - set(linears))
    if unknown:
        yield error(f"adapter {name!r} adapts {', '.join(unknown)}, which its base does not have",
                    *path, "source", detail=f"linears of the base: {', '.join(sorted(linears))}",
                    advice="give it to the base it was trained on")  # fmt: skip
    for key, shape in sorted(files.matrices.items()):
        half = _SUFFIX.search(key)
        layer = _LAYER.search(key)
        if half is None or len(shape) != 2:
            continue
        if layer is not None and int(layer[1]) >= len(architecture.layers):
            yield error(f"adapter {name!r} has a layer {layer[1]}", *path, "source",
                        detail=f"its base has {len(architecture.layers)} layers, from 0",
                        advice="give it to the base it was trained on")  # fmt: skip
            return
        wrong = _misfit(key, half[1], shape, linears, architecture)
        if wrong is not None:
            yield error(f"adapter {name!r} has the shape of another base", *path, "source",
                        detail=wrong, advice="give it to the base it was trained on")  # fmt: skip
            return


def _misfit(
    key: str,
    half: str,
    shape: tuple[int, ...],
    linears: Mapping[str, Tensor],
    architecture: Architecture,
) -> str | None:
    module = _module(_SUFFIX.sub(".weight", key))
    if module not in linears:
        return None  # named above, or outside of the language model
    where, width = ("in", shape[1]) if half == "A" else ("out", shape[0])
    column = 1 if half == "A" else 0
    known = {
        t.shape[column] for t in architecture.tensors if _wrapped(t) and _module(t.name) == module
    }
    if width in known:
        return None
    has = " or ".join(f"{size:,}" for size in sorted(known))
    return f"{module} has {width:,} dimensions {where}; the base has {has}"


def _wrapped(tensor: Tensor) -> bool:
    return len(tensor.shape) == 2 and (tensor.role in QUANTIZABLE or tensor.role is Role.OUTPUT)


def _module(name: str) -> str:
    """``q_proj`` of ``model.layers.{layer}.self_attn.q_proj.weight``."""
    return _INDEX.sub(".", name).removesuffix(".weight").rpartition(".")[2]
