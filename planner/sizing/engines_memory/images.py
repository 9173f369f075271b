"""ComfyUI: the networks of an image pipeline take turns; what does not fit together waits in RAM.

    sampling = 2 x images x (side / 8)^2 x 2 B x 0.01 MiB x factor of the model's family
    decoding = images x 2178 x 64 x (side / 8)^2 x 2 B

The 2 is the prompt and the negative prompt, sampled at once.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from planner.diagnostics import Diagnostic, note
from planner.sizing.architecture import Tensor
from planner.sizing.engines_memory.common import EngineMemory, Plan, on_one_device, show, term
from planner.sizing.quantization import Storage
from planner.sizing.values import Term
from planner.units import GIB, MIB, ceil_div

_SOURCE: Final = "ComfyUI comfy/model_base.py memory_required, comfy/sd.py memory_used_decode"
# comfy/supported_models.py: memory_usage_factor
_FACTORS: Final = {"sd15": 1.0, "sdxl": 0.8, "flux": 3.1}
_UNKNOWN_FACTOR: Final = 3.1
_LATENT: Final = 8
# comfy/model_management.py: minimum_inference_memory and what is reserved for other programs
_RESERVED: Final = int(0.8 * GIB) + 400 * MIB
_CONTEXT: Final = 500 * MIB
_PROCESS: Final = 2 * GIB
# the networks that sample; the others wait their turn
_SAMPLERS: Final = ("unet", "transformer")
_NARROW: Final = frozenset({Storage.FP8, Storage.FP8_BLOCK, Storage.INT8})


class _Turns(NamedTuple):
    """Bytes of each turn: networks by name, and what computing takes beside them."""

    networks: dict[str, int]
    sampling: int
    decoding: int

    @property
    def sampler(self) -> int:
        """The network that sampling needs."""
        return sum(size for name, size in self.networks.items() if name in _SAMPLERS)


def comfyui(plan: Plan) -> EngineMemory:
    """All networks on the device where they fit, else the sampler alone and the others in RAM."""
    turns = _turns(plan)
    request = plan.request
    everything = sum(turns.networks.values())
    computing = max(turns.sampling, turns.decoding)
    device = next(iter(request.devices), None)
    room = None if device is None or device.memory_bytes is None else device.memory_bytes
    rest = computing + _RESERVED + _CONTEXT
    together = room is None or everything + rest <= room
    found: list[Diagnostic] = []
    if request.parallel is None:
        side = request.architecture.pixels
        found.append(note(f"assumed one image of {side} x {side} pixels at a time"))
    if not together and room is not None:
        computing = _apart(turns, room)
        found.append(
            note(
                "the text encoders and the sampler take turns on the device: "
                "each picture waits until they have changed places"
            )
        )
    held = everything if together else max(turns.sampler, *turns.networks.values())
    why = ", ".join(f"{name} {show(size)}" for name, size in turns.networks.items())
    alone = "" if together else f"; the largest alone, {show(everything - held)} wait in RAM"
    terms = (
        term("weights", held, why + alone, "parameters of each network"),
        term("kv_cache", 0, "none"),
        term(
            "activations", computing,
            f"the larger of sampling {show(turns.sampling)} and decoding {show(turns.decoding)}"
            + ("" if computing >= turns.decoding else ", decoded in tiles"), _SOURCE,
        ),
        term("graphs", 0, "none"),
        term("adapters", 0, "merged into the weights when they are asked for"),
        term("runtime", _CONTEXT + _RESERVED, "CUDA context, and what ComfyUI leaves free",
             "ComfyUI comfy/model_management.py: 0.8 GiB and 400 MiB"),
    )  # fmt: skip
    advice = "use --quant fp8, or a smaller model"
    return on_one_device(plan, terms, _host(everything), tuple(found), advice)


def _turns(plan: Plan) -> _Turns:
    a, images = plan.request.architecture, plan.request.parallel or 1
    area = (ceil_div(a.pixels, _LATENT)) ** 2 * images
    factor = _FACTORS.get(a.family, _UNKNOWN_FACTOR)
    sampling = int(2 * area * 2 * 0.01 * factor * MIB)
    decoding = area * 2178 * 64 * 2
    return _Turns({t.name: _bytes(t, plan) for t in a.tensors}, sampling, decoding)


def _bytes(network: Tensor, plan: Plan) -> int:
    """fp8 is for the sampler and large text encoders; the picture decoder stays wide."""
    storage = plan.quantization.storage
    if storage is Storage.FP32:
        return network.elements * 4
    narrow = storage in _NARROW and network.name != "vae"
    return network.elements * (1 if narrow else 2)


def _apart(turns: _Turns, room: int) -> int:
    """Decoding falls back to tiles where it does not fit beside its own network."""
    beside = turns.networks.get("vae", 0) + _RESERVED + _CONTEXT
    if turns.decoding + beside > room - turns.sampler:
        return turns.sampling
    return max(turns.sampling, turns.decoding)


def _host(everything: int) -> tuple[Term, ...]:
    return (
        term("weights", everything, "every network has a copy in RAM", "ComfyUI offload device"),
        term("runtime", _PROCESS, "Python and PyTorch; a rough figure"),
    )
