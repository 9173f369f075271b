"""Draws a placement: what runs where, what each device holds, and how fast it will be."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, Final

from planner.diagnostics import Diagnostic, has_errors
from planner.farm import AS_WRITTEN, FarmHost, Placed, Placement
from planner.sizing.values import Speed, Term
from planner.units import GIB, gib, tokens
from planner.views.bars import draw_bar, draw_legend
from planner.views.columns import aligned, cells, clip, pad
from planner.views.fit import duration, report_json
from planner.views.lesson import lesson_line, lesson_to_dict
from planner.views.messages import diagnostic_json
from planner.views.terminal import Style, clean

# by host, what stores and services take of its RAM, by resource name
Beside = Mapping[str, tuple[tuple[str, int], ...]]

_NOTHING: Final[Beside] = {}
_LABEL: Final = 24
_FIGURES: Final = 22
_NUMBERS: Final = frozenset({2, 3, 4, 5})


def size_to_text(
    placement: Placement, style: Style, *, explain: bool = False, beside: Beside = _NOTHING
) -> str:
    """A bar for every device and RAM, a table of the replicas, and what found no place.

    Nothing is wider than ``style.width`` as long as that is 80 columns or more.
    """
    parts = [_headline(placement, style)]
    for host in placement.farm.hosts:
        parts.append(_host(host, placement, beside.get(host.name, ()), style))
    names = [term.name for terms in _all_terms(placement) for term in terms]
    names += [_kind(resource) for found in beside.values() for resource, _ in found]
    names += ["vms"] if any(host.spec.within for host in placement.farm.hosts) else []
    if names:
        parts.append(draw_legend(names, style))
    if placement.replicas:
        parts.append(_table(placement.replicas, style))
    if placement.proof:
        parts.append(_wrap(f"placement: {placement.proof}", style, "dim"))
    if placement.left_out:
        parts.append(_wrap(f"no place: {', '.join(placement.left_out)}", style, "red"))
    if explain:
        parts += [_explained(replica, style) for replica in placement.replicas]
    return "\n\n".join(parts) + "\n"


def size_to_dict(
    placement: Placement, diagnostics: Iterable[Diagnostic], *, beside: Beside = _NOTHING
) -> dict[str, Any]:
    """The placement for scripts: bytes as integers, unknown as null.

    ``replicas`` carry the whole report of sizing; ``hosts`` what all replicas on them take.
    """
    found = tuple(diagnostics)
    return {
        "project": placement.farm.project,
        "fits": not placement.left_out and not has_errors(found),
        "replicas": [_replica_dict(replica) for replica in placement.replicas],
        "hosts": [
            _host_dict(host, placement, beside.get(host.name, ())) for host in placement.farm.hosts
        ],
        "left_out": list(placement.left_out),
        "proof": placement.proof,
        "diagnostics": [diagnostic_json(item) for item in found],
    }


def _replica_dict(replica: Placed) -> dict[str, Any]:
    return {
        "name": replica.name,
        "resource": replica.resource,
        "model": replica.model.name,
        "source": replica.model.source.name,
        "engine": replica.model.engine,
        "engine_why": replica.model.engine_why,
        "host": replica.host.name,
        "devices": [device.index for device in replica.devices],
        "bind": replica.bind,
        "port": replica.port,
        "context": replica.model.context,
        "reason": replica.reason,
        "runner_up": replica.runner_up or None,
        "memory_share": replica.model.memory_share,
        "measured": lesson_to_dict(replica.report.lesson),
        "size": report_json(replica.report),
    }


def _host_dict(
    host: FarmHost, placement: Placement, beside: tuple[tuple[str, int], ...]
) -> dict[str, Any]:
    devices = []
    for device in host.devices:
        parts = _on_card(placement, host, device.index)
        used = sum(term.bytes for _, term in parts)
        devices.append(
            {
                "device": device.device.id,
                "index": device.index,
                "total_bytes": device.memory_bytes,
                "used_bytes": used,
                "free_bytes": device.memory_bytes - used,
                "terms": [_share_dict(replica, term) for replica, term in parts],
            }
        )
    shares = _in_ram(placement, host)
    ram = [_share_dict(replica, term) for replica, term in shares]
    ram += [{"replica": None, "name": name, "bytes": count} for name, count in beside]
    ram += [{"replica": None, "name": "vms", "vm": n, "bytes": b} for n, b in _vms(placement, host)]
    used = sum(share["bytes"] for share in ram)
    return {
        "name": host.name,
        "address": host.address,
        "rented": host.rented,
        "within": host.spec.within,
        "devices": devices,
        "ram": {
            "total_bytes": host.ram_bytes,
            "used_bytes": used,
            "free_bytes": None if host.ram_bytes is None else host.ram_bytes - used,
            "terms": ram,
        },
    }


def _share_dict(replica: Placed, term: Term) -> dict[str, Any]:
    return {"replica": replica.name, "name": term.name, "bytes": term.bytes}


def _on_card(placement: Placement, host: FarmHost, index: int) -> list[tuple[Placed, Term]]:
    """What every replica has on one card of a host."""
    found = []
    for replica in placement.replicas:
        if replica.host.name != host.name:
            continue
        for device, share in zip(replica.devices, replica.report.devices, strict=False):
            if device.index == index:
                found += [(replica, term) for term in share.terms]
    return found


def _in_ram(placement: Placement, host: FarmHost) -> list[tuple[Placed, Term]]:
    """What every replica has in a host's RAM."""
    here = [replica for replica in placement.replicas if replica.host.name == host.name]
    return [(replica, term) for replica in here for term in replica.report.host.terms]


def _vms(placement: Placement, host: FarmHost) -> list[tuple[str, int]]:
    """The VMs within a host that hold RAM of a known size."""
    inside = (vm for vm in placement.farm.hosts if vm.spec.within == host.name)
    return [(vm.name, vm.ram_bytes) for vm in inside if vm.ram_bytes is not None]


def _all_terms(placement: Placement) -> list[tuple[Term, ...]]:
    found = [replica.report.host.terms for replica in placement.replicas]
    found += [d.terms for replica in placement.replicas for d in replica.report.devices]
    return found


def _headline(placement: Placement, style: Style) -> str:
    placed, lost = len(placement.replicas), len(placement.left_out)
    project = style.paint(placement.farm.project, "bold")
    if lost:
        have = "has" if lost == 1 else "have"
        text = f"{lost} of {placed + lost} replicas {have} no place"
        state = style.paint(text, "red", "bold")
    elif placed:
        all_of_them = "the replica has" if placed == 1 else f"all {placed} replicas have"
        state = style.paint(f"{all_of_them} a place", "green", "bold")
    else:
        state = "no models, nothing to place"
    return f"{project}: {state}"


def _kind(resource: str) -> str:
    """``stores`` of ``stores.knowledge``; the gateway counts as a service."""
    return "stores" if resource.startswith("stores.") else "services"


def _host(
    host: FarmHost, placement: Placement, beside: tuple[tuple[str, int], ...], style: Style
) -> str:
    """The host's name and address, a bar per card, and one for its RAM."""
    where = host.address or "no address yet"
    if host.spec.rent is not None:
        where = f"rented from {host.spec.rent.provider}"
    if host.spec.within is not None:
        where += f", within {host.spec.within}"
    lines = [f"{style.paint(host.name, 'bold')}  {clip(clean(where), style.width - 44)}"]
    for device in host.devices:
        parts = [(t.name, t.bytes) for _, t in _on_card(placement, host, device.index)]
        name = f"{clip(clean(device.device.id), _LABEL - 5)} #{device.index}"
        lines.append(_bar(name, parts, device.memory_bytes, style))
    ram = [(term.name, term.bytes) for _, term in _in_ram(placement, host)]
    ram += [(_kind(resource), count) for resource, count in beside]
    ram += [("vms", count) for _, count in _vms(placement, host)]
    if host.ram_bytes is not None:
        lines.append(_bar("RAM", ram, host.ram_bytes, style))
    elif ram:
        used = gib(sum(count for _, count in ram))
        lines.append(f"  {pad('RAM', _LABEL)} {used} taken, of a size that is not known")
    return "\n".join(lines)


def _bar(name: str, parts: list[tuple[str, int]], total: int, style: Style) -> str:
    used = sum(count for _, count in parts)
    figures = f"{used / GIB:.2f}/{total / GIB:.2f} GiB"
    width = max(8, style.width - _LABEL - _FIGURES - 5)
    bar = draw_bar(parts, total, width, style)
    return f"  {pad(name, _LABEL)} {bar} {pad(figures, _FIGURES - 2, right=True)}"


def _table(replicas: Iterable[Placed], style: Style) -> str:
    """One row a replica, below it why it is there and where else it could be."""
    every = tuple(replicas)
    head = ("replica", "host", "context", "KV tokens", "tokens/s", "port")
    lines = aligned([head, *(_row(replica) for replica in every)], right=_NUMBERS)
    drawn = [style.paint(lines[0], "dim")]
    for replica, line in zip(every, lines[1:], strict=True):
        said = [replica.reason, *_engine(replica)]
        said += [f"next best: {replica.runner_up}"] if replica.runner_up else []
        said += [lesson_line(replica.report.lesson)] if replica.report.lesson else []
        drawn.append(line)
        drawn += ["  " + style.paint(clip(clean(text), style.width - 2), "dim") for text in said]
    return "\n".join(drawn)


def _engine(replica: Placed) -> list[str]:
    """What serves it and why, where the blueprint leaves that to planner."""
    model = replica.model
    if model.spec.server is not None or model.engine_why == AS_WRITTEN:
        return []
    why = model.engine_why.partition(":")[0]  # what the engine is good at stands in the JSON
    return [f"{model.engine}: {why}"]


def _row(replica: Placed) -> tuple[str, ...]:
    report, context = replica.report, replica.model.context
    capacity = report.kv_capacity_tokens
    return (
        clip(replica.name, 18),
        clip(replica.host.name, 14),
        "-" if context is None else tokens(context),
        "-" if capacity is None else f"{capacity:,}",
        _speed(report.decode),
        str(replica.port),
    )


def _speed(speed: Speed | None) -> str:
    """``81-98-115``: low, expected, high."""
    if speed is None:
        return "-"
    places = 1 if speed.expected < 10 else 0
    return "-".join(f"{value:.{places}f}" for value in (speed.low, speed.expected, speed.high))


def _wrap(text: str, style: Style, *colors: str) -> str:
    lines = textwrap.wrap(clean(text), style.width, subsequent_indent="  ")
    return "\n".join(style.paint(line, *colors) for line in lines)


def _explained(replica: Placed, style: Style) -> str:
    """Every term of a replica with its formula and source; equal cards once."""
    groups: list[tuple[str, tuple[Term, ...]]] = []
    for device, share in zip(replica.devices, replica.report.devices, strict=False):
        if not groups or groups[-1][1] != share.terms:
            groups.append((f"{device.device.id} #{device.index}", share.terms))
    groups.append(("RAM", replica.report.host.terms))
    where = clip(replica.host.name, style.width - cells(replica.name) - len(" on "))
    lines = [f"{style.paint(replica.name, 'bold')} on {where}"]
    for title, terms in groups:
        lines += [f"  {clip(clean(title), style.width - 2)}"] if terms else []
        for term in terms:
            lines.append(f"    {pad(term.name, 12)} {pad(gib(term.bytes), 12, right=True)}")
            lines += _indented(term.why, style)
            lines += _indented(f"source: {term.source}", style) if term.source else []
    speeds = (("decode", replica.report.decode), ("prefill", replica.report.prefill))
    for name, speed in speeds:
        if speed is not None:
            lines += [f"  {name} {_speed(speed)} tokens/s", *_indented(speed.why, style)]
    if cold := replica.report.cold:
        lines.append(f"  cold start {duration(cold.low)} to {duration(cold.high)}")
        lines += _indented(cold.why, style)
    return "\n".join(lines)


def _indented(text: str, style: Style) -> list[str]:
    return [f"      {line}" for line in textwrap.wrap(clean(text), style.width - 6)]
