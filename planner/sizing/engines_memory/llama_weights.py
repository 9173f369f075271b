"""Which tensors of a GGUF file lie on which device, and which stay in the host's RAM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.sizing.engines_memory.common import Plan, engine_bytes
from planner.sizing.engines_memory.llama_moved import HOST, Group, matches, target
from planner.sizing.gguf import GgufWeights, LayerBytes, flat_weights, gguf_weights
from planner.sizing.quantization import Storage
from planner.sizing.values import SizeRequest


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
class Moved:
    """Bytes of a layer (-1: of none) that lie at ``target``: HOST or a device's index."""

    layer: int
    group: Group
    bytes: int
    target: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where each layer lies (HOST or a device's index), where the output, whose experts in RAM.

    ``moved`` is what --override-tensor takes from there, with where it puts it.
    """

    layers: tuple[int, ...]
    output: int
    experts_on_host: frozenset[int]
    moved: tuple[Moved, ...] = ()

    @property
    def in_ram(self) -> bool:
        """Whether anything was told to stay off the devices beside whole layers."""
        return bool(self.experts_on_host) or any(item.target == HOST for item in self.moved)

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
    on_host = frozenset(range(min(request.cpu_moe or 0, count)))
    moved = tuple(_moved(plan, on_host)) if request.override_tensor else ()
    return Assignment(places, output if wanted else HOST, on_host, moved)


def _moved(plan: Plan, on_host: frozenset[int]) -> Iterator[Moved]:
    """What the rules take of the file's own bytes, in the parts that its preset has.

    Experts that --cpu-moe keeps in RAM are taken before any rule sees them.
    """
    rules, weights = plan.request.override_tensor, gguf_of(plan)
    for item in matches(plan.request.architecture, plan.quantization.preset, rules):
        place = target(rules[item.rule])
        if place is None or place >= len(plan.request.devices):
            continue  # the server starts with no such rule
        if item.group is Group.EXPERTS and item.layer in on_host:
            continue
        size = _group_bytes(weights, item.layer, item.group)
        yield Moved(item.layer, item.group, size * item.bytes // max(1, item.of), place)


def _group_bytes(weights: GgufWeights, layer: int, group: Group) -> int:
    match group:
        case Group.EMBEDDING:
            return weights.embedding
        case Group.OUTPUT:
            return weights.output - (weights.embedding if weights.tied else 0)
        case Group.EXPERTS:
            return weights.layers[layer].experts
        case Group.REST:
            return weights.layers[layer].rest


def _bounds(free: list[int]) -> list[float]:
    total = sum(free)
    return [sum(free[: index + 1]) / total for index in range(len(free))]


def _device(bounds: list[float], share: float) -> int:
    return next((i for i, bound in enumerate(bounds) if share < bound), len(bounds) - 1)


def keeps_in_ram(request: SizeRequest) -> bool:
    """Whether anything but the input embedding may be told to stay off the devices."""
    told = request.gpu_layers is not None or request.cpu_moe or request.override_tensor
    return bool(told)


def device_weights(weights: GgufWeights, where: Assignment, device: int) -> int:
    """Bytes of weights on one device, or on the host for HOST."""
    total = output_at(weights, where, device)
    for index in range(len(weights.layers)):
        layer = layer_at(weights, where, index, device)
        total += layer.rest + layer.experts
    if weights.tied and where.output == HOST:
        return total  # one copy serves as embedding and output
    return total + _at(weights.embedding, HOST, where, -1, Group.EMBEDDING, device)


def layer_at(weights: GgufWeights, where: Assignment, index: int, device: int) -> LayerBytes:
    """What of a layer lies on one device, or on the host for HOST."""
    layer, place = weights.layers[index], where.layers[index]
    routed = HOST if index in where.experts_on_host else place
    return LayerBytes(
        _at(layer.rest, place, where, index, Group.REST, device),
        _at(layer.experts, routed, where, index, Group.EXPERTS, device),
    )


def output_at(weights: GgufWeights, where: Assignment, device: int) -> int:
    """What of the output lies on one device, or on the host for HOST."""
    return _at(weights.output, where.output, where, -1, Group.OUTPUT, device)


def _at(size: int, place: int, where: Assignment, layer: int, group: Group, device: int) -> int:
    """The bytes of a group at ``device``, where all of it would lie at ``place``."""
    total = size if place == device else 0
    for item in where.moved:
        if (item.layer, item.group) == (layer, group) and item.target != place:
            total += item.bytes * ((item.target == device) - (place == device))
    return total
