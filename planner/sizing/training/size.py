"""``train``: one adapter on given devices becomes a report made of terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from planner.diagnostics import Diagnostic, error, has_errors, note, warning
from planner.sizing.adapters import RANKS, adapter_rank
from planner.sizing.training.hours import corpus_tokens, hours_of
from planner.sizing.training.memory import base_bytes, terms, trained_parameters
from planner.sizing.training.values import Method, Targets, TrainReport, TrainRequest
from planner.sizing.values import DeviceSize
from planner.units import gib

_MOST_DEVICES: Final = 16
_SHORT: Final = 512  # shorter sequences cut most texts in pieces


def train(request: TrainRequest) -> TrainReport:
    """Size one training run; pure. What cannot be is an error among the diagnostics."""
    shares = terms(request)
    devices = tuple(
        DeviceSize(device.name, index, device.memory_bytes or 0, shares)
        for index, device in enumerate(request.devices)
    )
    count = trained_parameters(request.architecture, request.rank, request.targets)
    found = [*_refused(request, count), *_short(request, devices), *_said(request)]
    return TrainReport(
        model=request.model,
        method=request.method,
        fits=not has_errors(found),
        devices=devices,
        trained_parameters=count,
        adapter_bytes=2 * count,
        tokens=corpus_tokens(request) if request.pages is not None else None,
        hours=hours_of(request),
        diagnostics=tuple(found),
    )


def _refused(request: TrainRequest, count: int) -> Iterator[Diagnostic]:
    a = request.architecture
    if not a.causal:
        yield error(f"{request.model} is no language model",
                    detail="its loss is another, and planner has no figure for it")  # fmt: skip
    if request.targets is Targets.EXPERTS and not a.experts:
        yield error(f"{request.model} has no experts", advice="write --targets linear")
    if count == 0:
        yield error(f"--targets {request.targets} names nothing in {request.model}",
                    advice="write --targets linear")  # fmt: skip
    if request.sequence > a.max_position > 0:
        yield error(f"{request.model} has positions for {a.max_position:,} tokens",
                    advice=f"write --sequence {a.max_position}, or less")  # fmt: skip


def _short(request: TrainRequest, devices: tuple[DeviceSize, ...]) -> Iterator[Diagnostic]:
    """The device that is too small, with what makes the run smaller."""
    unknown = next((d for d in request.devices if d.memory_bytes is None), None)
    if unknown is not None:
        yield error(f"the memory of {unknown.name} is unknown",
                    advice="write --device-memory 24GiB")  # fmt: skip
        return
    worst = min(devices, key=lambda device: device.free_bytes, default=None)
    if worst is None or worst.free_bytes >= 0:
        return
    largest = max(worst.terms, key=lambda term: term.bytes)
    yield error(
        f"{gib(-worst.free_bytes)} are missing on {worst.device}",
        detail=f"the largest share is {largest.name}: {gib(largest.bytes)}",
        advice=" or ".join(_ways(request, worst.total_bytes))
        or "take a device with more memory, or a smaller model",
    )


def _ways(request: TrainRequest, room: int) -> tuple[str, ...]:
    """Flags that make the run fit in ``room`` bytes: each alone, else together, else sharded."""
    steps = tuple(_steps(request))
    alone = tuple(flag for flag, change in steps if _need(replace(request, **change)) <= room)
    if alone:
        return alone
    every = {key: value for _, change in steps for key, value in change.items()}
    if _need(replace(request, **every)) <= room:
        return (" ".join(flag for flag, _ in steps),)
    name = request.devices[0].name
    for count in range(2, _MOST_DEVICES + 1):
        shared = replace(request, devices=request.devices[:1] * count, sharded=True)
        if _need(shared) <= room:
            return (f"--on {name}x{count} --sharded",)
    return ()


def _steps(request: TrainRequest) -> Iterator[tuple[str, dict[str, Any]]]:
    """What makes a run smaller, from what costs least to what costs most."""
    if not request.fuses_loss:
        yield "--fused-loss", {"fused_loss": True}
    if request.method is Method.LORA:
        yield "--method qlora", {"method": Method.QLORA}
    if request.sequence > _SHORT:
        yield f"--sequence {request.sequence // 2}", {"sequence": request.sequence // 2}
    if request.batch > 1:
        yield "--batch 1", {"batch": 1}


def _need(request: TrainRequest) -> int:
    return sum(term.bytes for term in terms(request))


def _said(request: TrainRequest) -> Iterator[Diagnostic]:
    experts = base_bytes(request.architecture, request.method)[1]
    if experts:
        yield warning(
            f"QLoRA leaves {gib(experts)} of experts in 16 bit",
            detail="bitsandbytes shrinks plain linears only, and transformers 5 keeps all experts "
            "of a layer as one matrix of three dimensions; active parameters do not lower memory",
            advice="plan with the figure shown, or train where --method lora fits",
        )
    if request.rank <= RANKS[-1] and adapter_rank(request.rank) != request.rank:
        served = adapter_rank(request.rank)
        yield note(f"vLLM will serve rank {request.rank} in slots of rank {served}",
                   advice=f"rank {served} costs the same there")  # fmt: skip
    elif request.rank > RANKS[-1]:
        yield warning(f"vLLM serves ranks up to {RANKS[-1]}, not {request.rank}")
    if request.fused_loss is None:
        how = "in chunks (fused)" if request.fuses_loss else "over all tokens at once"
        yield note(f"assumed that the loss is computed {how}",
                   advice="write --fused-loss or --no-fused-loss")  # fmt: skip
    if request.pages is not None and request.devices and not request.devices[0].flops:
        yield note(f"the hours are unknown: so are the FLOPS of {request.devices[0].name}")
    if request.sharded and request.method is Method.QLORA:
        yield note("QLoRA is sharded by FSDP with bnb_4bit_quant_storage=bfloat16 only")
