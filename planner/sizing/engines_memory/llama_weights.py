"""Which tensors of a GGUF file lie on which device, and which stay in the host's RAM."""

from __future__ import annotations

from dataclasses import dataclass

from planner.sizing.engines_memory.common import Plan, engine_bytes
from planner.sizing.gguf import GgufWeights, LayerBytes, flat_weights, gguf_weights
from planner.sizing.quantization import Storage

HOST = -1


def gguf_of(plan: Plan) -> GgufWeights:
    """Tensor bytes: from the file's header, else by the preset's rules, else by bits per weight."""
    request, quant = plan.request, plan.quantization
    if request.gguf is not None:
        return request.gguf
    architecture = request.architecture
    if quant.stated_bytes and not (quant.exact and quant.preset):
        return _scaled(gguf_weights(architecture, quant.preset or "Q4_K_M"), quant.stated_bytes)
    if quant.storage is Storage.GGUF_MIX:
        base = gguf_weights(architecture, quant.preset or "Q4_K_M")
        if quant.bits:
            return flat_weights(architecture, quant.bits)
        return base
    return gguf_weights(architecture, quant.preset or "F16")


def _scaled(weights: GgufWeights, total: int) -> GgufWeights:
    """The same file stretched to a stated size, tensor by tensor in proportion."""
    factor = total / weights.file_bytes
    layers = tuple(
        LayerBytes(int(layer.rest * factor), int(layer.experts * factor))
        for layer in weights.layers
    )
    return GgufWeights(
        int(weights.embedding * factor), int(weights.output * factor), weights.tied, layers,
        weights.vision,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where each layer lies (HOST or a device's index), where the output, whose experts in RAM."""

    layers: tuple[int, ...]
    output: int
    experts_on_host: frozenset[int]

    def of(self, device: int) -> tuple[int, ...]:
        """The layers of one device, in order."""
        return tuple(i for i, where in enumerate(self.layers) if where == device)


def assign(plan: Plan) -> Assignment:
    """Lay out layers as llama.cpp does: the last ``gpu_layers`` on devices, by free memory."""
    request = plan.request
    count = len(request.architecture.layers)
    if not request.devices:
        return Assignment((HOST,) * count, HOST, frozenset(range(count)))
    wanted = count + 1 if request.gpu_layers is None else min(request.gpu_layers, count + 1)
    start = max(count + 1 - wanted, 0)
    bounds = _bounds([engine_bytes(device) or 1 for device in request.devices])
    places = tuple(
        HOST if index < start else _device(bounds, (index - start) / max(1, wanted))
        for index in range(count)
    )
    output = HOST if count < start else _device(bounds, (count - start) / max(1, wanted))
    on_host = range(min(request.cpu_moe or 0, count))
    return Assignment(places, output if wanted else HOST, frozenset(on_host))


def _bounds(free: list[int]) -> list[float]:
    total = sum(free)
    return [sum(free[: index + 1]) / total for index in range(len(free))]


def _device(bounds: list[float], share: float) -> int:
    return next((i for i, bound in enumerate(bounds) if share < bound), len(bounds) - 1)


def device_weights(weights: GgufWeights, where: Assignment, device: int) -> int:
    """Bytes of weights on one device, or on the host for HOST."""
    total = weights.output if where.output == device else 0
    for index, layer in enumerate(weights.layers):
        place = where.layers[index]
        total += layer.rest if place == device else 0
        routed = HOST if index in where.experts_on_host else place
        total += layer.experts if routed == device else 0
    if device != HOST:
        return total
    if weights.tied and where.output == HOST:
        return total  # one copy serves as embedding and output
    return total + weights.embedding
