"""llama.cpp and ik_llama.cpp: one line for every buffer, named by what holds it.

Three formats are read: ``load_tensors: CUDA0 model buffer size = N MiB`` (from late 2024),
``llm_load_tensors: CUDA0 buffer size = N MiB`` (before, and ik_llama.cpp), and the same with a
time and level in front (2026). Buffers of recurrent state (RS) count as KV cache. Since 2026 they
are printed at ``--log-verbosity 4`` only.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from planner.sizing.logs.figures import first, from_mib, total
from planner.sizing.measured import Measured, Share

LINES: Final = "buffer size +=|: n_ctx +=|constructing llama_context|build(_info)?: "

_BUFFER: Final = re.compile(
    r"(\w+):\s+(\S+) +(?:(model|KV|RS|compute|output) )?buffer size = +(\d+\.\d+) MiB"
)
# each of them: the model's own, and one for a draft model
_CONTEXT_BEGINS: Final = re.compile(r"constructing llama_context")
_CONTEXT: Final = re.compile(r": n_ctx += (\d+)")
_BUILD: Final = re.compile(r"build(?:_info)?: b?(\d{3,6})")
# CUDA0, ROCm1, Vulkan0, SYCL0, MUSA0; CUDA_Host, CPU, CPU_Mapped, CPU_REPACK are RAM
_DEVICE: Final = re.compile(r"(?:CUDA|ROCm|HIP|Vulkan|SYCL|MUSA|CANN|MTL|Metal)(\d*)(?:_Mapped)?")
_HOST: Final = -1


class _Buffer(NamedTuple):
    printed_by: str
    name: str
    kind: str
    bytes: int

    @property
    def device(self) -> int:
        """Its device's number; ``_HOST`` for RAM."""
        found = _DEVICE.fullmatch(self.name)
        return int(found[1] or 0) if found else _HOST


def read(text: str) -> Measured:
    """What the server said of its buffers. What it did not say is None."""
    found = [buffer for part in _CONTEXT_BEGINS.split(text) for buffer in _buffers(part)]
    last = max((buffer.device for buffer in found), default=_HOST)
    context = first(_CONTEXT, text)
    tokens = int(context) if context else None
    return Measured(
        devices=tuple(_share(found, index) for index in range(last + 1)),
        host=_share(found, _HOST),
        kv_tokens=tokens,
        context=tokens,
        version=first(_BUILD, text),
    )


def _buffers(part: str) -> list[_Buffer]:
    """The buffers of one context. A compute buffer that is reserved again replaces the first."""
    found = []
    computed: dict[tuple[str, str], _Buffer] = {}
    for printed_by, name, kind, size in _BUFFER.findall(part):
        buffer = _Buffer(printed_by, name, kind or "model", from_mib(size))
        if buffer.kind == "compute":
            computed[printed_by, name] = buffer
        else:
            found.append(buffer)
    return [*found, *computed.values()]


def _share(found: list[_Buffer], device: int) -> Share:
    def of(*kinds: str) -> int | None:
        return total(b.bytes for b in found if b.device == device and b.kind in kinds)

    return Share(of("model"), of("KV", "RS"), of("compute", "output"))
