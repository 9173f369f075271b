"""Writes adapters as folders, as PEFT saves them: a configuration and safetensors."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from random import Random
from typing import Any

_STRENGTH = 0.5  # standard deviation of both matrices: enough to be heard


def _noise(seed: int, count: int) -> bytes:
    """Numbers in bfloat16, the upper halves of floats."""
    random = Random(seed)
    return b"".join(struct.pack("<f", random.gauss(0, _STRENGTH))[2:] for _ in range(count))


def write_tiny_peft(
    folder: Path, *, base: str, hidden: int, feed: int, seed: int = 0, rank: int = 4, **config: Any
) -> Path:
    """Write an adapter of the first layer's ``up_proj`` (``hidden`` to ``feed``), and return its
    folder. Other seeds give other bytes; ``config`` replaces what its configuration says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stated = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": rank,
        "target_modules": ["up_proj"],
        "base_model_name_or_path": base,
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(stated | config))
    name = "base_model.model.model.layers.0.mlp.up_proj"
    shapes = {f"{name}.lora_A.weight": (rank, hidden), f"{name}.lora_B.weight": (feed, rank)}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for key, shape in shapes.items():
        begin, end = end, end + 2 * shape[0] * shape[1]
        header[key] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with (folder / "adapter_model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + _noise(seed, end // 2))
    return folder
