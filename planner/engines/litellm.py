"""LiteLLM's proxy: its configuration, and what planner's hooks in it read.

The proxy knows replicas by name alone. What makes a role of one, who may ask for it and which
engine does not answer is decided by the two modules of ``templates/gateway``, from one file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from planner.blueprint.schema import Sampling, Task, TokenPrice
from planner.engines.engine import Naming
from planner.money import Money

NAME: Final = "litellm"
FOLDER: Final = "/etc/planner-gateway"
DATA: Final = "/var/lib/planner-gateway"
HOOKS: Final = ("planner_gateway.py", "planner_roles.py")
CONFIG: Final = "config.yaml"
SETTINGS: Final = "gateway.json"
_RETRIES: Final = 3
# An engine's answer may take as long as it takes; connecting is bounded by planner's hook.
_ANSWER_SECONDS: Final = 3600


class Entry(NamedTuple):
    """One replica under one name: ``base`` is its address up to ``/v1``, ``naming`` what the engine
    is told, ``role`` None for the plain model. ``key`` is the path of the file with the key that
    it asks for, None where it asks for none. It gets no requests while the file ``shut_by`` is
    there, nor without the file ``opened_by``, where it has one."""

    name: str
    replica: str
    base: str
    naming: Naming
    role: str | None
    key: str | None
    task: Task = Task.CHAT
    price: TokenPrice | None = None
    shut_by: str | None = None
    opened_by: str | None = None

    @property
    def id(self) -> str:
        """What the proxy calls it."""
        return f"{self.name}/{self.replica}"


class GatewayRole(NamedTuple):
    """A role's texts and sampling; ``fallback`` is the role that answers when no replica does."""

    system: str
    notice: str
    sampling: Sampling
    fallback: str | None


class GatewayClient(NamedTuple):
    """A client: where its key lies in the container, what it may ask for, its tokens and its money
    a month."""

    key: str
    names: tuple[str, ...]
    monthly_tokens: int | None
    monthly_cost: Money | None = None


def config(entries: tuple[Entry, ...], roles: Mapping[str, GatewayRole]) -> dict[str, Any]:
    """The proxy's own configuration, as data for YAML."""
    falls = [{name: [role.fallback]} for name, role in roles.items() if role.fallback]
    return {
        "model_list": [_listed(entry) for entry in entries],
        "litellm_settings": {
            "callbacks": ["planner_gateway.gateway"],
            "request_timeout": _ANSWER_SECONDS,
            "telemetry": False,
        },
        "router_settings": {
            "num_retries": _RETRIES,
            "timeout": _ANSWER_SECONDS,
            # planner's hook leaves silent engines out, by address and not once for every name
            "disable_cooldowns": True,
            "fallbacks": falls,
        },
        "general_settings": {
            "custom_auth": "planner_gateway.authenticate",
            "disable_spend_logs": True,
        },
    }


def _listed(entry: Entry) -> dict[str, Any]:
    return {
        "model_name": entry.name,
        "litellm_params": {
            "model": f"{_provider(entry.task)}/{entry.naming.model}",
            "api_base": entry.base,
            "api_key": "none",  # the hook puts the engine's key in its place
        },
        "model_info": {"id": entry.id},
    }


def _provider(task: Task) -> str:
    """Whose protocol the engine speaks, as the proxy calls it: OpenAI's has no reranking."""
    return "hosted_vllm" if task is Task.RERANK else "openai"


def settings(
    entries: tuple[Entry, ...],
    roles: Mapping[str, GatewayRole],
    clients: Mapping[str, GatewayClient],
) -> str:
    """What the hooks read: JSON text. Keys stand in it by the path of their file alone."""
    document = {
        "usage": f"{DATA}/usage.sqlite",
        "clients": {name: _client(client) for name, client in clients.items()},
        "roles": {name: _role(role) for name, role in roles.items()},
        "entries": {
            entry.id: {
                "base": entry.base,
                "shut_by": entry.shut_by,
                "opened_by": entry.opened_by,
                "role": entry.role,
                "body": json.loads(entry.naming.body),
                "key": entry.key,
                "price": _price(entry.price),
            }
            for entry in entries
        },
    }
    return json.dumps(document, indent=2) + "\n"


def _client(client: GatewayClient) -> dict[str, Any]:
    most = client.monthly_cost
    cost = {"amount": f"{most.amount:f}", "currency": most.currency} if most else None
    return {**client._asdict(), "monthly_cost": cost}


def _price(price: TokenPrice | None) -> dict[str, str] | None:
    """Amounts as decimal texts: a number of JSON would be rounded."""
    if price is None:
        return None
    read, written = price.input.money, price.output.money
    return {
        "currency": written.currency,
        "input": f"{read.amount:f}",
        "output": f"{written.amount:f}",
    }


def _role(role: GatewayRole) -> dict[str, Any]:
    sampling = role.sampling.model_dump(exclude_none=True)
    return {"system": role.system, "notice": role.notice, "sampling": sampling}


def arguments(port: int) -> tuple[str, ...]:
    """The proxy's options."""
    return ("--config", f"{FOLDER}/{CONFIG}", "--host", "0.0.0.0", "--port", str(port))


def environment() -> tuple[tuple[str, str], ...]:
    """Nothing is fetched from anywhere, nothing is shown to anybody without a key; a host that
    lost its power is noticed within seconds, not minutes."""
    return (
        ("PYTHONPATH", FOLDER),  # one of the hooks' modules imports the other
        ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
        ("NO_DOCS", "True"),
        ("NO_REDOC", "True"),
        ("NO_OPENAPI", "True"),
        ("DISABLE_ADMIN_UI", "True"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        # the proxy sets all three itself: left to its defaults it waits for three minutes
        ("AIOHTTP_SO_KEEPALIVE", "true"),
        ("AIOHTTP_TCP_KEEPIDLE", "10"),
        ("AIOHTTP_TCP_KEEPINTVL", "5"),
        ("AIOHTTP_TCP_KEEPCNT", "3"),
    )


def sysctls() -> tuple[tuple[str, str], ...]:
    """Of the proxy's own network: a request that is being sent to a host that is gone ends within
    half a minute and is asked again elsewhere; the kernel's default waits a quarter of an hour."""
    return (("net.ipv4.tcp_retries2", "5"),)
