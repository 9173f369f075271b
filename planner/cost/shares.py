"""Divides the month: by host, by the memory models take, by role, and by the tokens they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Final

from planner.cost.figures import short
from planner.cost.machine import root_of
from planner.cost.token_cost import token_costs
from planner.cost.values import CostLine, Share, Shares
from planner.diagnostics import Diagnostic, note
from planner.farm import Farm, Placed, Placement
from planner.money import Money

_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class _Machine:
    """A host with the VMs within it: their memory is its memory, and its cost is theirs."""

    name: str
    monthly: Money
    replicas: tuple[Placed, ...]


def divided(
    lines: Iterable[CostLine], currency: str, farm: Farm, placement: Placement | None
) -> tuple[Shares, tuple[Diagnostic, ...]]:
    """The lines by host, and, where a placement is known, by model and role.

    A host's cost is divided by the device memory that each model takes there, or by RAM where no
    model on it takes any; memory that no model takes is theirs in the same proportion.
    """
    every = tuple(lines)
    hosts = tuple(
        share for host in farm.hosts if (share := _host(host.name, every, currency)) is not None
    )
    if placement is None:
        return Shares(hosts), ()
    machines = _machines(farm, placement, hosts, currency)
    every_model, idle, said = _models(machines, farm, currency)
    tokens, unknown = token_costs(every_model, placement)
    models, uncosted = _costed(every_model, machines)
    shares = Shares(hosts, models, _roles(models, farm), idle, tokens)
    return shares, (*said, *uncosted, *_beside(farm, models), *unknown)


def _costed(
    models: tuple[Share, ...], machines: Iterable[_Machine]
) -> tuple[tuple[Share, ...], tuple[Diagnostic, ...]]:
    """The models without those that only run where nothing is counted: they are not free."""
    counted = {r.model.name for m in machines if m.monthly.amount for r in m.replicas}
    left = [share.name for share in models if share.name not in counted]
    said = (
        (note(f"no share for {', '.join(left)}: nothing is counted of its host"),) if left else ()
    )
    return tuple(share for share in models if share.name in counted), said


def split(whole: Money, weights: Sequence[int]) -> tuple[Money, ...]:
    """``whole`` (in cents) divided by ``weights``, so that the parts add up to it to the cent.

    Each part is rounded down and what is left goes to the largest remainders, the first of equal
    ones first. Weights that are all 0 count as equal.
    """
    counted = weights if any(weights) else [1] * len(weights)
    total = sum(counted)
    exact = [whole.amount * weight / total for weight in counted]
    parts = [amount.quantize(_CENT, ROUND_DOWN) for amount in exact]
    missing = int((whole.amount - sum(parts, Decimal())) / _CENT)
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for index in order[:missing]:
        parts[index] += _CENT
    return tuple(Money(part, whole.currency) for part in parts)


def _host(name: str, lines: tuple[CostLine, ...], currency: str) -> Share | None:
    own = [line for line in lines if line.resource == f"hosts.{name}"]
    if not own:
        return None
    total = sum((line.monthly.amount for line in own), Decimal())
    basis = " + ".join(f"{line.kind.value} {line.monthly.amount:,}" for line in own)
    return Share(name, Money(total, currency), basis)


def _machines(
    farm: Farm, placement: Placement, hosts: tuple[Share, ...], currency: str
) -> tuple[_Machine, ...]:
    roots = {host.name: root_of(host, farm).name for host in farm.hosts}
    return tuple(
        _Machine(
            root,
            Money(
                sum((s.monthly.amount for s in hosts if roots[s.name] == root), Decimal()), currency
            ),
            tuple(r for r in placement.replicas if roots[r.host.name] == root),
        )
        for root in dict.fromkeys(roots.values())
    )


def _models(
    machines: tuple[_Machine, ...], farm: Farm, currency: str
) -> tuple[tuple[Share, ...], tuple[Share, ...], tuple[Diagnostic, ...]]:
    """Shares of models in document order, what falls to none of them, and what to know of it."""
    amounts: dict[str, Decimal] = {}
    reasons: dict[str, list[str]] = {}
    idle: list[Share] = []
    free: list[str] = []
    for machine in machines:
        if not machine.replicas:
            if machine.monthly.amount:
                idle.append(Share(machine.name, machine.monthly, "no model runs there"))
            continue
        taken, what = _taken(machine.replicas)
        names = list(taken)
        for name, part in zip(names, split(machine.monthly, list(taken.values())), strict=True):
            amounts[name] = amounts.get(name, Decimal()) + part.amount
            percent = Decimal(taken[name] * 100) / max(1, sum(taken.values()))
            of = f"{machine.name} {machine.monthly.amount:,} x {short(percent, 1)}% of the {what}"
            reasons.setdefault(name, []).append(of)
            if not taken[name] and machine.monthly.amount:
                free.append(f"{name} on {machine.name}")
    models = tuple(
        Share(model.name, Money(amounts[model.name], currency), " + ".join(reasons[model.name]))
        for model in farm.models
        if model.name in amounts
    )
    said = [note(f"{', '.join(free)} takes no device memory, and so no share")] if free else []
    return models, tuple(idle), tuple(said)


def _beside(farm: Farm, models: tuple[Share, ...]) -> tuple[Diagnostic, ...]:
    """What else takes memory, and is not weighed: a machine is there for its models."""
    blueprint = farm.blueprint
    others = [f"stores.{name}" for name in blueprint.stores]
    others += [f"services.{name}" for name in blueprint.services]
    if not others or not models:
        return ()
    return (note(f"no share falls to {', '.join(others)}: models carry the cost of their hosts"),)


def _taken(replicas: tuple[Placed, ...]) -> tuple[Mapping[str, int], str]:
    """Bytes by model on the devices of one machine; in its RAM where none takes any."""
    devices: dict[str, int] = {}
    ram: dict[str, int] = {}
    for replica in replicas:
        name = replica.model.name
        used = sum(size.used_bytes for size in replica.report.devices)
        devices[name] = devices.get(name, 0) + used
        ram[name] = ram.get(name, 0) + replica.report.host.used_bytes
    if any(devices.values()):
        return devices, "device memory taken"
    return ram, "RAM taken"


def _roles(models: tuple[Share, ...], farm: Farm) -> tuple[Share, ...]:
    """Each model's share divided evenly among the roles that name it, in document order."""
    found: dict[str, Share] = {}
    for model in models:
        names = [name for name, role in farm.blueprint.roles.items() if role.model == model.name]
        for name, part in zip(names, split(model.monthly, [1] * len(names)), strict=True):
            basis = f"the only role of {model.name}"
            if len(names) > 1:
                basis = (
                    f"1/{len(names)} of {model.name}: evenly, as how often each is asked is open"
                )
            found[name] = Share(name, part, basis)
    return tuple(found[name] for name in farm.blueprint.roles if name in found)
