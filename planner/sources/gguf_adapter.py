"""Reads what an adapter in a GGUF file says of itself: its header, never its matrices.

The names are those that llama.cpp's convert_lora_to_gguf.py writes and src/llama-adapter.cpp reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from planner.errors import BlueprintInvalid
from planner.sizing.adapter_files import AdapterFiles
from planner.sources.headers import gguf_header
from planner.sources.model_files import reader

if TYPE_CHECKING:
    from planner.sizing.gguf_header import GgufHeader

_HALVES: Final = {".weight.lora_a": "A", ".weight.lora_b": "B"}
# What a module is called where it was trained; others are not compared.
_MODULES: Final = {
    "attn_q": "q_proj",
    "attn_k": "k_proj",
    "attn_v": "v_proj",
    "attn_output": "o_proj",
    "ffn_gate": "gate_proj",
    "ffn_up": "up_proj",
    "ffn_down": "down_proj",
    "output": "lm_head",
}


def read_gguf_adapter(path: Path) -> AdapterFiles:
    """An adapter's file; what is wrong with it is its ``fault``."""
    try:
        header = gguf_header(reader(path), str(path))
    except BlueprintInvalid as wrong:
        return AdapterFiles(fault=wrong.summary.removeprefix(f"{path}: "))
    fault = _fault(header)
    if fault is not None:
        return AdapterFiles(fault=fault)
    matrices = _matrices(header)
    modules = {name.split(".")[-3] for name in matrices}
    ranks = [shape[0] for name, shape in matrices.items() if ".lora_A." in name]
    return AdapterFiles(
        rank=max(ranks, default=None),
        target_modules=tuple(sorted(modules)),
        base=_base(header),
        bytes=path.stat().st_size,
        matrices=matrices,
        extras=tuple(_extras(header)),
    )


def _fault(header: GgufHeader) -> str | None:
    kind = header.metadata.get("general.type")
    if kind != "adapter":
        return f"it is a {kind or 'model'}, not an adapter"
    sort = header.metadata.get("adapter.type")
    if sort != "lora":
        return f"it is of the type {sort}, and llama.cpp serves lora"
    if not any(tensor.name.endswith(tuple(_HALVES)) for tensor in header.tensors):
        return "there is no LoRA matrix in it"
    return None


def _matrices(header: GgufHeader) -> dict[str, tuple[int, ...]]:
    """(rows, columns) by the name that PEFT would give; GGUF has the fastest dimension first."""
    found: dict[str, tuple[int, ...]] = {}
    for tensor in header.tensors:
        for ending, half in _HALVES.items():
            if tensor.name.endswith(ending) and len(tensor.shape) == 2:
                *block, kind = tensor.name.removesuffix(ending).split(".")
                layer = f"layers.{block[1]}." if block[:1] == ["blk"] and len(block) == 2 else ""
                module = _MODULES.get(kind)
                if module is not None:
                    name = f"model.{layer}{module}.lora_{half}.weight"
                    found[name] = tuple(reversed(tensor.shape))
    return found


def _extras(header: GgufHeader) -> list[str]:
    """Tensors that are no halves of a product: norms, biases, a vocabulary of its own."""
    names = [t.name for t in header.tensors if not t.name.endswith(tuple(_HALVES))]
    other = [name for name in names if not name.endswith((".lora_a", ".lora_b"))]
    return [f"tensor {other[0]}"] if other else []


def _base(header: GgufHeader) -> str | None:
    """``org/name`` of the base, where the converter knew it."""
    url = header.metadata.get("general.base_model.0.repo_url")
    return "/".join(url.rstrip("/").split("/")[-2:]) if isinstance(url, str) else None
