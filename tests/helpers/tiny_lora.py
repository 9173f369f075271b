"""Writes GGUF LoRA adapters for the tiny model: random, seeded, and strong enough to be heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGUFWriter

from tests.helpers.tiny_gguf import ARCHITECTURE

_STRENGTH = 0.5  # standard deviation of both matrices; the model's own weights have 0.02


def write_tiny_lora(
    path: Path, *, seed: int, rank: int = 4, layers: int = 2, hidden: int = 64
) -> Path:
    """Write an adapter of the model that `write_tiny_gguf` makes with the same `layers` and
    `hidden`, and return its path. Other seeds say other things.
    """
    writer = GGUFWriter(path, ARCHITECTURE)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank))
    random = np.random.Generator(np.random.PCG64(seed))
    for layer in range(layers):
        for name, out, into in (("up", 2 * hidden, hidden), ("down", hidden, 2 * hidden)):
            base = f"blk.{layer}.ffn_{name}.weight"
            for half, shape in (("a", (rank, into)), ("b", (out, rank))):
                matrix = random.standard_normal(shape) * _STRENGTH
                writer.add_tensor(f"{base}.lora_{half}", matrix.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
