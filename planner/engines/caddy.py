"""Caddy: the front of the gateway, and the guard of engines that other hosts use.

Both let through a list of paths and nothing else. The guard also asks for a key: engines' own keys
leave some of their paths open.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from planner.blueprint.schema import Task

NAME: Final = "caddy"
FOLDER: Final = "/etc/planner-caddy"
CONFIG: Final = "caddy.json"
DATA: Final = "/data"
HEALTH: Final = "/healthy"
# The published image marks its program with this right: without it the kernel refuses to start it.
CAPABILITIES: Final = ("NET_BIND_SERVICE",)
# Requests wait this long for a gateway that starts again.
_PATIENCE: Final = "120s"
# Of a request's body, kept to send it again; what is longer, or does not say how long it is, is
# sent once.
_KEPT_BYTES: Final = 1 << 20
_KEPT_LENGTH: Final = {"pattern": "^[0-9]{1,6}$"}
_CLIENT_PATHS: Final = ("chat/completions", "completions", "embeddings", "rerank", "models")
_ENGINE_PATHS: Final = {
    Task.CHAT: ("/v1/chat/completions", "/v1/completions"),
    Task.EMBEDDING: ("/v1/embeddings",),
    Task.RERANK: ("/v1/rerank", "/rerank"),
    Task.SPEECH: ("/v1/audio/transcriptions",),
    Task.IMAGE: (),
}


class Guarded(NamedTuple):
    """An engine behind the guard: the replica's name, what it is for, ``host:port``, and the path
    of the file with a key that the engine itself asks for. ``surge`` says that it is there only
    while another is replaced."""

    replica: str
    task: Task
    dial: str
    key: str | None = None
    surge: bool = False


def guard(listen: str, health: str, key: str, engines: tuple[Guarded, ...], traffic: str) -> str:
    """The guard's configuration. ``listen`` and ``health`` are addresses it listens on, ``key`` is
    the path of the file with the engines' key, ``traffic`` of the folder that says
    which replicas get requests."""
    routes = [route for e in engines for route in (_shut(e, key, traffic), _engine(e, key))]
    return _document({
        "guard": {**_plain(listen), "routes": [*routes, _closed(401)]},
        "health": {**_plain(health), "routes": [_healthy(), _closed(404)]},
    })  # fmt: skip


def front(listen: str, health: str, dial: str, names: tuple[str, ...], *, private: bool) -> str:
    """The front's configuration: plain without ``names``, else TLS for these names or addresses,
    from an authority of its own when ``private``, else by ACME."""
    paths = [f"{prefix}/{path}" for prefix in ("", "/v1") for path in _CLIENT_PATHS]
    ask = {
        "match": [{"path": paths}],
        "handle": [{
            "handler": "reverse_proxy",
            "upstreams": [{"dial": dial}],
            "flush_interval": -1,
            "load_balancing": {
                "try_duration": _PATIENCE,
                "try_interval": "250ms",
                # a proxy that ends closes connections whose request it has not read: asked again
                "retry_match": [
                    {"method": ["GET"]},
                    {"method": ["POST"], "header_regexp": {"Content-Length": _KEPT_LENGTH}},
                ],
            },
            "request_buffers": _KEPT_BYTES,
        }],
        "terminal": True,
    }  # fmt: skip
    server: dict[str, Any] = {"listen": [listen], "routes": [ask, _closed(404)]}
    apps: dict[str, Any] = {}
    if names:
        server["tls_connection_policies"] = [{"default_sni": names[0]}]
        server["automatic_https"] = {"disable_redirects": True}
        apps = _certificates(names, private=private)
    else:
        server["automatic_https"] = {"disable": True}
    servers = {
        "front": server,
        "health": {**_plain(health), "routes": [_healthy(), _closed(404)]},
    }
    return _document(servers, apps)


def arguments(folder: str = FOLDER) -> tuple[str, ...]:
    """Caddy's options."""
    return ("run", "--config", f"{folder}/{CONFIG}")


def environment() -> tuple[tuple[str, str], ...]:
    """Certificates and what else must last lie in one folder."""
    return (("XDG_DATA_HOME", DATA), ("XDG_CONFIG_HOME", "/tmp"), ("HOME", "/tmp"))


def _engine(engine: Guarded, key: str) -> dict[str, Any]:
    prefix = f"/{engine.replica}"
    return {
        "match": [_let_through(engine, key)],
        "handle": [
            {"handler": "rewrite", "strip_path_prefix": prefix},
            {
                "handler": "reverse_proxy",
                "upstreams": [{"dial": engine.dial}],
                "flush_interval": -1,
                "headers": {"request": _authorization(engine)},
            },
        ],
        "terminal": True,
    }


def _shut(engine: Guarded, key: str, traffic: str) -> dict[str, Any]:
    """To the gateway it is then an engine that does not answer: it asks another."""
    when: list[dict[str, Any]] = [{"file": _there(traffic, f"{engine.replica}.closed")}]
    if engine.surge:
        when.append({"not": [{"file": _there(traffic, f"{engine.replica}.open")}]})
    return {
        "match": [{**_let_through(engine, key), **condition} for condition in when],
        "handle": [{"handler": "static_response", "status_code": 503}],
        "terminal": True,
    }


def _there(folder: str, name: str) -> dict[str, Any]:
    return {"root": folder, "try_files": [f"/{name}"]}


def _let_through(engine: Guarded, key: str) -> dict[str, Any]:
    paths = (*_ENGINE_PATHS[engine.task], "/v1/models")
    return {
        "path": [f"/{engine.replica}{path}" for path in paths],
        "header": {"Authorization": [f"Bearer {{file.{key}}}"]},
    }


def _authorization(engine: Guarded) -> dict[str, Any]:
    """The guard's key is for the guard alone."""
    if engine.key is None:
        return {"delete": ["Authorization"]}
    return {"set": {"Authorization": [f"Bearer {{file.{engine.key}}}"]}}


def _plain(listen: str) -> dict[str, Any]:
    return {"listen": [listen], "automatic_https": {"disable": True}}


def _healthy() -> dict[str, Any]:
    handle = [{"handler": "static_response", "status_code": 200, "body": "ok\n"}]
    return {"match": [{"path": [HEALTH]}], "handle": handle, "terminal": True}


def _closed(status: int) -> dict[str, Any]:
    return {"handle": [{"handler": "static_response", "status_code": status}]}


def _certificates(names: tuple[str, ...], *, private: bool) -> dict[str, Any]:
    issuer = {"module": "internal" if private else "acme"}
    policy = {"subjects": list(names), "issuers": [issuer]}
    tls = {"certificates": {"automate": list(names)}, "automation": {"policies": [policy]}}
    if not private:
        return {"tls": tls}
    return {"tls": tls, "pki": {"certificate_authorities": {"local": {"install_trust": False}}}}


def _document(servers: dict[str, Any], apps: dict[str, Any] | None = None) -> str:
    document = {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN"}}},
        "apps": {"http": {"servers": servers}, **(apps or {})},
    }
    return json.dumps(document, indent=2) + "\n"
