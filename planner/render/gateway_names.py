"""Who may ask the gateway for what, and which replicas answer to each name."""

from __future__ import annotations

from collections.abc import Callable

from planner.blueprint import schema
from planner.engines.image_server import engine_for
from planner.engines.litellm import Entry, GatewayClient, GatewayRole
from planner.farm import Farm, FarmHost, Placed, Placement
from planner.render.places import TRAFFIC
from planner.render.secrets import ENGINE_KEY, OWNER, client_secret
from planner.render.surge import surges
from planner.secret import SecretUse, reference


def reached(placement: Placement) -> tuple[Placed, ...]:
    """The replicas that the gateway can ask, and after each what may serve beside it."""
    beside = {placed.resource: placed for placed in surges(placement)}
    return tuple(
        each
        for placed in placement.replicas
        if not placed.host.rented
        for each in (placed, beside.get(placed.resource))
        if each is not None
    )


def entries_of(
    placement: Placement, host: FarmHost, base: Callable[[Placed], str]
) -> tuple[Entry, ...]:
    """One for every model and replica, then one for every role and replica. ``host`` is the
    gateway's, ``base`` gives a replica's address as it is seen from there."""
    blueprint = placement.farm.blueprint
    wanted: list[tuple[str, str, tuple[str, ...], str | None]] = []
    wanted += [(name, name, (), None) for name in blueprint.models]
    roles = blueprint.roles.items()
    wanted += [(name, role.model, role.adapter, name) for name, role in roles]
    found = []
    asked = reached(placement)
    for name, model, adapters, role in wanted:
        for placed in asked:
            if placed.model.name != model:
                continue
            engine = engine_for(placed.model)
            naming = engine.naming(placed.model, adapters) if engine else None
            if naming is None:
                continue
            here = placed.host.name == host.name
            secret = own_key(placed) if here else ENGINE_KEY
            spec = placed.model.spec
            found.append(
                Entry(
                    name,
                    placed.name,
                    base(placed),
                    naming,
                    role,
                    SecretUse(secret).path if secret else None,
                    spec.task,
                    spec.price,
                    # of another host its guard knows
                    f"{TRAFFIC}/{placed.name}.closed" if here else None,
                    f"{TRAFFIC}/{placed.name}.open" if here and placed.surge else None,
                )
            )
    return tuple(found)


def own_key(placed: Placed) -> str | None:
    """The secret that the engine of a replica itself asks for."""
    return reference(placed.model.spec.api_key or "")


def roles_of(farm: Farm) -> dict[str, GatewayRole]:
    """Every role with its texts; an adapter's notice stands in each role that uses it."""
    blueprint, prompts = farm.blueprint, farm.gateway_files.prompts
    found = {}
    for name, role in blueprint.roles.items():
        used = (blueprint.adapters[item] for item in role.adapter if item in blueprint.adapters)
        told = (role.notice, *(adapter.notice for adapter in used))
        notices = dict.fromkeys(notice for notice in told if notice)
        found[name] = GatewayRole(
            system=prompts.get(name, ""),
            notice="\n\n".join(notices),
            sampling=role.sampling or schema.Sampling(),
            fallback=role.fallback,
        )
    return found


def clients_of(blueprint: schema.Blueprint) -> dict[str, GatewayClient]:
    """Every client with all the names it may ask for; one who may ask for all when none is
    written."""
    every = (*blueprint.models, *blueprint.roles)
    written = blueprint.gateway.clients if blueprint.gateway else {}
    found = {}
    for name, client in (written or {OWNER: schema.Client()}).items():
        names = (*client.models, *client.roles) or every
        key = SecretUse(client_secret(name)).path
        found[name] = GatewayClient(key, names, client.monthly_tokens, client.monthly_cost)
    return found
