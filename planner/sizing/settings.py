"""Which replicas take the same memory: a digest of every setting that could change it."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from planner.farm import FarmHost, FarmModel, HostDevice

# where a replica runs is part of the digest by itself, how many there are and who may reach them
# does not matter; any other key of a model counts, also one that is added later
_WITHOUT: Final = frozenset({"replicas", "on", "near", "expose", "port", "footprint"})


def settings_digest(model: FarmModel, host: FarmHost, devices: tuple[HostDevice, ...]) -> str:
    """16 hexadecimal digits over the model's files, its settings, the host and its devices.

    Local files count by their size and by what their header says of every tensor: enough for
    memory, and known without reading them whole.
    """
    spec = model.spec.model_dump(mode="json", exclude=set(_WITHOUT))
    rows = [
        spec,
        model.source.name,
        model.source.revision,
        model.weights.bytes if model.weights else None,
        repr(model.gguf),
        model.archive.bytes if model.archive else None,
        model.engine,
        model.quantization.name if model.quantization else None,
        [model.context, model.yarn, model.memory_share],
        [model.adapter_slots, model.adapter_rank],
        [host.name, host.address],
        [[item.device.id, item.memory_bytes] for item in devices],
    ]
    text = json.dumps(rows, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
