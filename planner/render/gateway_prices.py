"""Whether what clients may spend can be counted: each of their models has a price, in their money.

Prices are written and not predicted: a forecast moves with every speed that is measured and every
offer of the day, and a gateway that followed it would count one month by many prices.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.blueprint import schema
from planner.diagnostics import Diagnostic, error


def unpriced(blueprint: schema.Blueprint) -> list[Diagnostic]:
    """What a client with a ``monthly_cost`` may ask for, and nobody can say what it costs."""
    found = list(_mixed(blueprint))
    clients = blueprint.gateway.clients if blueprint.gateway else {}
    for name, client in clients.items():
        if client.monthly_cost is None:
            continue
        currency, path = client.monthly_cost.currency, ("gateway", "clients", name, "monthly_cost")
        for model in _models(blueprint, client):
            price = blueprint.models[model].price
            if price is None:
                found.append(error(
                    f"nothing says what {model} costs, which {name} may ask for", *path,
                    value=str(client.monthly_cost),
                    advice=f"write models.{model}.price: {{input: 0.10 {currency}/Mtok, output: "
                    f"0.40 {currency}/Mtok}}, for a million tokens; planner cost estimate says "
                    "what they cost you"))  # fmt: skip
            elif price.output.money.currency != currency:
                found.append(error(
                    f"{name} spends {currency}, and {model} costs {price.output.money.currency}",
                    *path, value=str(client.monthly_cost), detail="a month is counted in one "
                    "currency: with a rate of exchange it would mean another sum every day",
                    advice=f"write both in {currency}"))  # fmt: skip
    return found


def _mixed(blueprint: schema.Blueprint) -> Iterator[Diagnostic]:
    for name, model in blueprint.models.items():
        price = model.price
        if price and price.input.money.currency != price.output.money.currency:
            yield error(f"{name} is read for {price.input.money.currency} and written for "
                        f"{price.output.money.currency}", "models", name, "price",
                        advice="write both in one currency")  # fmt: skip


def _models(blueprint: schema.Blueprint, client: schema.Client) -> tuple[str, ...]:
    """The models that may answer a client: those it names, its roles' and their fallbacks'."""
    roles = list(client.roles)
    models = list(client.models)
    if not roles and not models:
        roles, models = list(blueprint.roles), list(blueprint.models)
    seen: dict[str, None] = {}
    while roles:
        role = blueprint.roles.get(name := roles.pop(0))
        if role is None or name in seen:
            continue
        seen[name] = None
        models.append(role.model)
        if role.fallback:
            roles.append(role.fallback)
    return tuple(model for model in dict.fromkeys(models) if model in blueprint.models)
