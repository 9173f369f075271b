"""The verbs that reach hosts: plan, apply, status, drift, destroy, probe.

Each opens one connection a host, looks at all hosts at once, and leaves deciding to the diff.
"""

from __future__ import annotations

import getpass
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner import workflows
from planner.apply.connections import Connections
from planner.apply.observe import observe_all
from planner.apply.steps import Layout
from planner.background import in_background
from planner.diagnostics import Diagnostic, error, has_errors, warning
from planner.diff.planning import make_plan
from planner.diff.preflight import HostNeeds, NeededGpu
from planner.diff.values import Observed, Plan
from planner.errors import BlueprintInvalid, PlannerError, UsageError
from planner.farm import Farm, Placed, Placement
from planner.names import as_names
from planner.remote.address import HostAddress, parse_address
from planner.render.bundle import Bundle
from planner.sources.hub import hub_address

if TYPE_CHECKING:
    from planner.apply.events import OnEvent
    from planner.apply.record import Record
    from planner.apply.result import ApplyResult
    from planner.apply.watch import Heard
    from planner.placement.keep import Replica, Running
    from planner.secret import SecretValue
    from planner.sizing.measured import Lesson

Seen = Mapping[str, Observed | PlannerError]


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, what it was made from, and the connections it can be carried out over.

    ``path`` is the blueprint's; ``farm`` is None for a plan that was saved earlier.
    """

    path: Path
    farm: Farm | None
    replicas: tuple[Placed, ...]
    plan: Plan
    seen: Seen
    connections: Connections
    layout: Layout
    diagnostics: tuple[Diagnostic, ...]
    secrets: Mapping[str, SecretValue] = field(default_factory=dict, repr=False)

    @property
    def unreachable(self) -> dict[str, PlannerError]:
        """Hosts that could not be asked, and why."""
        return {host: item for host, item in self.seen.items() if isinstance(item, PlannerError)}


@contextmanager
def planning(path: Path, *, full: bool = False, anew: bool = False) -> Iterator[Planned]:
    """Look at the hosts and plan what makes them equal to the blueprint.

    Looking begins as soon as the addresses are known and goes on while everything is sized, and
    rendered where the blueprint leaves no choice. Where it does, what runs stays in its place;
    ``anew`` lets it move where that is better. Raises BlueprintInvalid for a wrong blueprint.
    """
    validated = workflows.validate(path, digest=workflows.file_digest(), headers=True)
    farm = workflows.require(validated)
    layout = Layout(farm.project)
    with Connections(addresses(farm, path)) as connections:
        look = in_background(lambda: observe_all(connections, layout, full=full))
        running = partial(_running, look, farm)
        rendered = workflows.render(validated, running, anew=anew)
        values, unread = _secrets(rendered.bundle, path.parent)
        seen = look()
        plan = make_plan(rendered.bundle, seen, _needs(farm), values)
        found = rendered.diagnostics
        if unread:
            from planner.keyring import remarks

            found = (*found, *remarks(plan, unread))
        replicas = rendered.placement.replicas
        found = (*found, *_assumed(seen, replicas))
        yield Planned(path, farm, replicas, plan, seen, connections, layout, found, values)


def _running(look: Callable[[], Seen], farm: Farm) -> dict[Replica, Running]:
    """What runs where, for a blueprint that leaves a choice; the others need not wait for it."""
    from planner.running import running
    from planner.sources.templates import load_templates

    return running(look(), farm, load_templates)


def _assumed(seen: Seen, replicas: tuple[Placed, ...]) -> tuple[Diagnostic, ...]:
    """What is taken to run where nobody could look."""
    if not any(isinstance(item, PlannerError) for item in seen.values()):
        return ()
    from planner.running import assumed

    return tuple(assumed(seen, replicas))


def _secrets(
    bundle: Bundle, folder: Path
) -> tuple[Mapping[str, SecretValue], tuple[Diagnostic, ...]]:
    """The secrets of a bundle; imports nothing for one without any."""
    tokens = any(item.token for host in bundle.hosts for item in host.artifacts)
    if not tokens and not any(host.secrets for host in bundle.hosts):
        return {}, ()
    from planner.keyring import known

    return known(bundle, folder)


@contextmanager
def clearing(path: Path) -> Iterator[Planned]:
    """Plan what takes the project off every host: a diff against an empty bundle."""
    farm = workflows.require(workflows.validate(path))
    layout = Layout(farm.project)
    with Connections(addresses(farm, path)) as connections:
        seen = observe_all(connections, layout)
        plan = make_plan(Bundle(farm.project, ()), seen)
        yield Planned(path, farm, (), plan, seen, connections, layout, ())


@contextmanager
def deleting(path: Path, names: tuple[str, ...]) -> Iterator[Planned]:
    """Plan what deletes these data, and nothing else.

    Raises UsageError when no host has data of one of the names.
    """
    from planner.diff.data import plan_deletion

    farm = workflows.require(workflows.validate(path))
    layout = Layout(farm.project)
    with Connections(addresses(farm, path)) as connections:
        seen = observe_all(connections, layout, full=True)
        hosts = [item for item in seen.values() if isinstance(item, Observed)]
        for name in names:
            if hosts and all(name not in item.data for item in hosts):
                there = sorted({known for item in hosts for known in item.data})
                raise UsageError(
                    f"no host has data named {name!r}",
                    advice=f"there is {', '.join(there)}" if there else "there is no data at all",
                )
        plan = plan_deletion(farm.project, seen, names)
        yield Planned(path, farm, (), plan, seen, connections, layout, ())


def saved(planned: Planned) -> dict[str, Any]:
    """The plan as JSON that `apply` takes later, with where its hosts are."""
    from planner.diff.saved import save_plan
    from planner.views.plan import plan_to_dict

    data = save_plan(planned.plan, plan_to_dict(planned.plan))
    hosts = {name: asdict(address) for name, address in planned.connections.addresses.items()}
    return {**data, "made": {"blueprint": str(planned.path.resolve()), "hosts": hosts}}


@contextmanager
def resuming(data: dict[str, Any]) -> Iterator[Planned]:
    """A plan that was saved, to be carried out now; hosts that moved on refuse it.

    Raises UsageError when the file is no such plan.
    """
    from planner.diff.saved import load_plan

    plan = load_plan(data)
    try:
        path = Path(data["made"]["blueprint"])
        found = {name: HostAddress(**row) for name, row in data["made"]["hosts"].items()}
    except (KeyError, TypeError, AttributeError) as fault:
        raise UsageError(
            "the saved plan does not say where its hosts are",
            advice="make it again: planner plan BLUEPRINT --out PLANFILE",
        ) from fault
    unseen: dict[str, Observed | PlannerError] = {
        host: PlannerError(summary, where=host) for host, summary in plan.unseen.items()
    }
    with Connections(found) as connections:
        yield Planned(path, None, (), plan, unseen, connections, Layout(plan.project), ())


def probe(hosts: Sequence[str]) -> tuple[dict[str, str], Seen]:
    """Ask hosts what they have. ``hosts`` are addresses, or one blueprint for all of its hosts.

    Returns each host's address as written, and what it said. Raises UsageError for a wrong one.
    """
    written, found = _asked(hosts)
    with Connections(found) as connections:
        return written, observe_all(connections, Layout("probe"), full=True)


def _asked(hosts: Sequence[str]) -> tuple[dict[str, str], dict[str, HostAddress]]:
    if len(hosts) == 1 and Path(hosts[0]).is_file():
        path = Path(hosts[0])
        farm = workflows.require(workflows.validate(path))
        return {h.name: h.address for h in farm.hosts if h.address}, addresses(farm, path)
    found: dict[str, HostAddress] = {}
    for text in hosts:
        try:
            found[text] = parse_address(text)
        except ValueError as fault:
            raise UsageError(str(fault), where=text) from fault
    names = as_names(address.host for address in found.values())
    return dict(zip(names, found, strict=True)), dict(zip(names, found.values(), strict=True))


def secrets_for(planned: Planned, ask: Callable[[str], SecretValue]) -> dict[str, SecretValue]:
    """Every secret that the plan brings to a host; ``ask`` gets one from the user.

    Raises PlannerError when one is not to be had: before anything is changed.
    """
    from planner import keyring
    from planner.render.secrets import sources

    folder = planned.path.parent
    if planned.farm is not None:
        declared = sources(planned.farm.blueprint).values()
        keyring.rescue(declared, planned.seen, planned.connections, planned.layout, folder)
    return keyring.gather(
        planned.plan,
        planned.secrets,
        planned.seen,
        planned.connections,
        planned.layout,
        folder,
        ask,
    )


def carry_out(
    planned: Planned, on_event: OnEvent, what: str, values: Mapping[str, SecretValue] | None = None
) -> ApplyResult:
    """Do what the plan says and remember it. ``what`` is the verb that others read in the lock,
    ``values`` are the secrets that the plan brings to hosts."""
    # most runs change nothing and need not wait for what carries changes out
    from planner.apply.execute import execute
    from planner.apply.record import updated
    from planner.apply.run import RunOptions

    result = execute(
        planned.plan,
        planned.connections,
        planned.layout,
        RunOptions(secrets.token_hex(8), _holder(what), hub=hub_address(), secrets=values or {}),
        on_event,
        planned.unreachable,
    )

    def change(record: Record) -> Record:
        return updated(record, planned.plan, result, _now())

    _change_record(planned, change)
    _learn(planned, result)
    return result


def remember(planned: Planned) -> tuple[Diagnostic, ...]:
    """Bring the record in line with what the hosts say. Returns what was wrong with it.

    Raises RecordUnusable when it cannot be read or written.
    """
    from planner.apply.record import caught_up

    def change(record: Record) -> Record:
        return caught_up(record, planned.seen, _now())

    broken = _change_record(planned, change)
    if broken is None:
        return ()
    said = warning(
        f"the record {broken.where} was damaged and is made anew from the hosts",
        detail=broken.cause,
        advice="what engines had measured comes back with: planner status BLUEPRINT",
    )
    return (said,)


def _change_record(planned: Planned, change: Callable[[Record], Record]) -> PlannerError | None:
    from planner.apply.record import change_record, record_path

    place = record_path(planned.path, planned.plan.project)
    return change_record(place, planned.plan.project, change)[1]


def _learn(planned: Planned, result: ApplyResult) -> None:
    """Remember what the engines that were just started say of their memory."""
    from planner import learning

    started = learning.verified(planned.plan, result)
    found = learning.listen(planned.connections, planned.layout, planned.replicas, started)
    if found:
        learning.keep(planned.path, planned.plan.project, found)


def heard(planned: Planned) -> dict[tuple[str, str], Heard]:
    """What every running engine says of its settings and its speed, by host and workload."""
    from planner.apply.watch import watch

    return watch(planned.connections, planned.layout, planned.seen)


def measured(planned: Planned) -> dict[tuple[str, str], Lesson]:
    """Predicted against real, by host and workload, for what runs as the blueprint says.

    Asks each host for its engines' logs, once; what a log has lost is filled from the record.
    """
    from planner import learned, learning

    running = learning.running_as_planned(planned.seen, planned.plan.kept)
    found = learning.listen(planned.connections, planned.layout, planned.replicas, running)
    known = learning.keep(planned.path, planned.plan.project, found)
    return learned.lessons(planned.replicas, running, known)


def addresses(farm: Farm, path: Path) -> dict[str, HostAddress]:
    """Where each host that planner can reach is. Raises BlueprintInvalid for a wrong address."""
    found: dict[str, HostAddress] = {}
    wrong: list[Diagnostic] = []
    for host in farm.hosts:
        if host.address is None:
            continue
        try:
            found[host.name] = replace(
                parse_address(host.address),
                identity=host.spec.identity,
                helper=host.spec.helper,
            )
        except ValueError as fault:
            wrong.append(error(str(fault), "hosts", host.name, "address", value=host.address))
    if wrong:
        raise workflows.invalid(path, tuple(wrong))
    return found


def refuse_unbuilt(farm: Farm | None) -> None:
    """Raises BlueprintInvalid when the blueprint asks for what apply cannot make yet.

    Skipping a part would leave a farm that looks whole and is not.
    """
    if farm is None:
        return
    blueprint = farm.blueprint
    parts = [f"rent {', '.join(host.name for host in farm.hosts if host.rented)}"]
    parts = parts if any(host.rented for host in farm.hosts) else []
    if blueprint.stores:
        parts.append(f"run stores ({', '.join(blueprint.stores)})")
    if blueprint.services:
        parts.append(f"run services ({', '.join(blueprint.services)})")
    asking = [name for name, role in blueprint.roles.items() if role.knowledge]
    if asking:
        parts.append(f"give roles knowledge ({', '.join(asking)})")
    if parts:
        raise BlueprintInvalid(
            f"this version of planner does not {' or '.join(parts)} yet, and would leave them out",
            advice="take those parts out of the blueprint; validate, size, cost and render read "
            "them already",
        )


def hold_hosts(planned: Planned) -> None:
    """Raises BlueprintInvalid when a host cannot carry what it should run, or refuses all change.

    A secret that cannot be read here does not count: a plan may be made where nobody has it.
    """
    if has_errors(planned.plan.diagnostics):
        stop_for(planned)


def stop_for(planned: Planned) -> None:
    """Raises BlueprintInvalid when an apply of the plan would fail."""
    found = (*planned.diagnostics, *planned.plan.diagnostics)
    if has_errors(found):
        raise workflows.invalid(planned.path, found)


def hold_budget(planned: Planned) -> None:
    """Raises BlueprintInvalid when the farm costs more than its blueprint allows.

    Pricing is imported only where a limit is written, so that an apply without one does not wait.
    A saved plan was held against it when it was made.
    """
    if planned.farm is None:
        return
    budget = planned.farm.blueprint.budget
    rents = (host.spec.rent for host in planned.farm.hosts)
    limited = budget is not None and budget.monthly is not None
    if not limited and all(rent is None or rent.at_most is None for rent in rents):
        return
    from planner.costing import beyond_budget

    placement = Placement(planned.farm, planned.replicas)
    over = beyond_budget(placement, planned.path)
    if over:
        raise BlueprintInvalid(
            "the farm costs more than its blueprint allows",
            where=str(planned.path),
            advice=f"planner cost estimate {planned.path} shows every line",
            diagnostics=over,
        )


def _needs(farm: Farm) -> dict[str, HostNeeds]:
    return {
        host.name: HostNeeds(
            tuple(
                NeededGpu(item.device.id, (item.device.name,), item.memory_bytes)
                for item in host.devices
            )
        )
        for host in farm.hosts
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _holder(what: str) -> str:
    return f"{getpass.getuser()}@{socket.gethostname()} since {_now()}: planner {what}"
