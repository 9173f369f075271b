"""What an own host costs in electricity: idle and loaded watts, the share of each, the tariff."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from planner.catalogue.figure import Source
from planner.cost.figures import price, short
from planner.cost.values import Charge, CostKind
from planner.diagnostics import Diagnostic, note, warning
from planner.farm import FarmHost
from planner.money import HOURS_PER_MONTH, Rate


@dataclass(frozen=True, slots=True)
class Watts:
    """Power of a host at the wall; ``why`` says where it is from when it was not written."""

    watts: Decimal
    why: str | None = None
    source: Source | None = None


def draws_power(host: FarmHost) -> bool:
    """Whether its electricity is the farm's own: rent includes it, and a VM's is its parent's."""
    return not host.rented and host.spec.within is None


def energy_charges(
    host: FarmHost, tariff: Rate | None
) -> tuple[tuple[Charge, ...], tuple[Diagnostic, ...]]:
    """A line of kWh a month at ``tariff`` (a price per kWh), for hosts that draw their own power.

    Idle or loaded watts that are not written come from the catalogue's watts of the parts; what is
    unknown then is said and counted from above: loaded all month without a ``duty``, idle as if
    loaded without idle watts. Without any watts there is no line but a warning.
    """
    if not draws_power(host) or tariff is None:
        return (), ()
    power = host.spec.power
    loaded = _written(power.loaded if power else None) or _parts_loaded(host)
    idle = _written(power.idle if power else None)
    path = ("hosts", host.name, "power")
    if loaded is None and idle is None:
        return (), (_no_watts(host),)
    said: list[str] = []
    if loaded is None and idle is not None:
        said.append(f"the loaded watts of {host.name} are not known: counted as idle, so at least")
        loaded = idle
    assert loaded is not None  # one of the two is known here
    if loaded.why:
        said.append(f"watts of {host.name} are those of {loaded.why}; the rest is not known")
    duty = power.duty if power else None
    if duty is None:
        said.append(f"{host.name} is counted as loaded all month: its duty is not known")
        duty = Decimal(1)
    if idle is None and duty < 1:
        said.append(f"the idle watts of {host.name} are not known: counted as if loaded")
        idle = loaded
    charge = _line(host, idle or loaded, loaded, duty, tariff)
    advice = f"write hosts.{host.name}.power: {{idle: 90, loaded: 600, duty: 25%}}"
    found = (note("; ".join(said), *path, advice=advice),) if said else ()
    return (charge,), found


def _line(host: FarmHost, idle: Watts, loaded: Watts, duty: Decimal, tariff: Rate) -> Charge:
    """average W = idle x (1 - duty) + loaded x duty; kWh = average W x 730 / 1000."""
    average = idle.watts * (1 - duty) + loaded.watts * duty
    kwh = average * HOURS_PER_MONTH / 1000
    if idle.watts == loaded.watts or duty == 1:
        watts = f"{short(loaded.watts)} W"
    else:
        watts = (
            f"({short(idle.watts)} W x {short((1 - duty) * 100)}% idle"
            f" + {short(loaded.watts)} W x {short(duty * 100)}% loaded)"
        )
    basis = f"{watts} x {HOURS_PER_MONTH} h = {short(kwh)} kWh x {price(tariff.money)}/kWh"
    resource = f"hosts.{host.name}"
    return Charge(resource, CostKind.ENERGY, tariff.money * kwh, basis, loaded.source)


def _written(watts: int | None) -> Watts | None:
    return None if watts is None else Watts(Decimal(watts))


def _parts_loaded(host: FarmHost) -> Watts | None:
    """The design power of the parts that the catalogue knows; None when it knows none."""
    total, names, source = Decimal(0), [], None
    for device in host.devices:
        figure = device.device.tdp_watts
        if figure is not None:
            total += figure.value
            names.append(f"{device.device.id} ({short(figure.value)} W)")
            source = source or figure.source
    if host.cpu is not None and host.cpu.tdp_watts is not None:
        total += host.cpu.tdp_watts.value * host.spec.sockets
        sockets = f"{host.spec.sockets} x " if host.spec.sockets > 1 else ""
        names.append(f"{sockets}{host.cpu.id} ({short(host.cpu.tdp_watts.value)} W)")
        source = source or host.cpu.tdp_watts.source
    return Watts(total, " + ".join(names), source) if names else None


def _no_watts(host: FarmHost) -> Diagnostic:
    return warning(
        f"electricity of {host.name} is not counted: its watts are not known",
        "hosts",
        host.name,
        "power",
        advice=f"write hosts.{host.name}.power: {{idle: 90, loaded: 600, duty: 25%}}",
    )
