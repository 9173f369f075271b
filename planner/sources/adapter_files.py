"""Reads what an adapter's folder says of itself: its configuration and the header of its weights.

Only JSON is parsed. A pickled adapter is never opened: loading one runs whatever it holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from planner.blueprint.schema import Blueprint
from planner.blueprint.source_text import is_local
from planner.sizing.adapter_files import AdapterFiles
from planner.sources.paths import is_file, is_folder, local_path

_CONFIG: Final = "adapter_config.json"
_WEIGHTS: Final = "adapter_model.safetensors"
_HEADER_LIMIT: Final = 100 * 1024 * 1024
_CONFIG_LIMIT: Final = 1024 * 1024
_TOKENS_LIMIT: Final = 16 * 1024 * 1024
_VOCABULARY: Final = re.compile(
    r"(embed_tokens|lm_head)(\.base_layer|\.modules_to_save\.\w+)?\.weight$"
)


def read_adapters(blueprint: Blueprint, folder: Path) -> Mapping[str, AdapterFiles]:
    """What the local adapters of the blueprint say, by name; what is not here yet is left out."""
    found = {}
    for name, adapter in blueprint.adapters.items():
        if not is_local(adapter.source):
            continue
        path = local_path(adapter.source, folder)
        if is_folder(path):
            found[name] = read_adapter(path)
        elif is_file(path):
            found[name] = _single(path)
    return found


def read_adapter(folder: Path) -> AdapterFiles:
    """An adapter's folder; what is wrong with it is its ``fault``."""
    weights = folder / _WEIGHTS
    if not is_file(weights):
        pickled = any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
        why = f"there is no {_WEIGHTS} in it"
        if pickled:
            why = "its weights are pickled: opening them runs any code they hold"
        return AdapterFiles(fault=why)
    try:
        config = _config(folder / _CONFIG)
        return AdapterFiles(
            rank=_rank(config),
            target_modules=_names(config.get("target_modules")),
            base=_text(config.get("base_model_name_or_path")),
            bytes=weights.stat().st_size,
            matrices=(matrices := _matrices(weights)),
            extras=tuple(_extras(config, matrices)),
            tokens=_tokens(folder),
        )
    except _Unusable as wrong:
        return AdapterFiles(fault=str(wrong))


class _Unusable(ValueError):
    """The files are there and say nothing that can be used."""


def _single(path: Path) -> AdapterFiles:
    if path.suffix == ".gguf":
        from planner.sources.gguf_adapter import read_gguf_adapter

        return read_gguf_adapter(path)
    return AdapterFiles(fault="it is neither a folder with adapter_config.json nor a GGUF file")


def _config(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _CONFIG_LIMIT:
            raise _Unusable(f"{path.name} is larger than 1 MiB")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise _Unusable(f"{path.name} cannot be read: {fault.strerror}") from fault
    except (ValueError, RecursionError) as fault:
        raise _Unusable(f"{path.name} is not JSON") from fault
    if not isinstance(data, dict):
        raise _Unusable(f"{path.name} is not a JSON object")
    kind = data.get("peft_type")
    if kind is not None and str(kind).upper() != "LORA":
        raise _Unusable(f"it is of the type {kind}, and engines serve LORA")
    return data


def _rank(config: Mapping[str, Any]) -> int | None:
    """``r``, or the largest of ``rank_pattern``."""
    ranks = [config.get("r")]
    pattern = config.get("rank_pattern")
    ranks += list(pattern.values()) if isinstance(pattern, dict) else []
    return max((r for r in ranks if isinstance(r, int) and r > 0), default=None)


def _names(value: Any) -> tuple[str, ...]:
    """Target modules; a pattern in one text names none."""
    items = value if isinstance(value, list) else []
    return tuple(sorted({str(item).rpartition(".")[2] for item in items if isinstance(item, str)}))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _tokens(folder: Path) -> int | None:
    """How many tokens the tokenizer beside the weights knows at least, by its highest added one."""
    added = _json(folder / "added_tokens.json")
    ids = [value for value in added.values() if isinstance(value, int)]
    decoder = _json(folder / "tokenizer_config.json").get("added_tokens_decoder")
    if isinstance(decoder, dict):
        ids += [int(key) for key in decoder if key.isdigit()]
    return max(ids) + 1 if ids else None


def _json(path: Path) -> dict[str, Any]:
    """A file that may be missing, or be anything."""
    try:
        if path.stat().st_size > _TOKENS_LIMIT:
            return {}
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _extras(config: Mapping[str, Any], matrices: Mapping[str, tuple[int, ...]]) -> list[str]:
    found = []
    vocabulary = [key for key in matrices if _VOCABULARY.search(key)]
    if vocabulary:
        found.append(f"a vocabulary of its own ({vocabulary[0]})")
    if config.get("trainable_token_indices"):
        found.append("tokens that it has trained (trainable_token_indices)")
    if config.get("modules_to_save"):
        found.append("modules_to_save")
    if config.get("use_dora"):
        found.append("DoRA magnitudes (use_dora)")
    if config.get("bias") not in (None, "none"):
        found.append(f"biases (bias: {config['bias']})")
    return found


def _matrices(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by tensor name, from the header alone."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= _HEADER_LIMIT:
                raise _Unusable(f"{path.name} is no safetensors file")
            header = json.loads(file.read(length))
    except OSError as fault:
        raise _Unusable(f"{path.name} cannot be read: {fault.strerror}") from fault
    except (ValueError, RecursionError) as fault:
        raise _Unusable(f"{path.name} is no safetensors file") from fault
    if not isinstance(header, dict):
        raise _Unusable(f"{path.name} is no safetensors file")
    found = {}
    for key, row in header.items():
        shape = row.get("shape") if isinstance(row, dict) else None
        if key != "__metadata__" and isinstance(shape, list):
            found[key] = tuple(int(size) for size in shape if isinstance(size, int))
    return found
