"""Roles, keys and dead replicas for the LiteLLM proxy, through its own hooks.

planner renders this file beside the proxy's configuration, which names ``gateway`` as a callback
and ``authenticate`` as the check of keys. The rules themselves are in planner_roles.py.
"""

import asyncio
import os

import httpx
import litellm
from fastapi import HTTPException
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy._types import UserAPIKeyAuth
from planner_roles import (
    Notices,
    Settings,
    Usage,
    as_role,
    note_answer,
    note_chunk,
    refuse_overrides,
    tokens_of,
)

SETTINGS = Settings(os.path.join(os.path.dirname(os.path.abspath(__file__)), "gateway.json"))
USAGE = Usage(SETTINGS.usage)
CLIENTS = {client.name: client for client in SETTINGS.clients}
# A connection is refused or silent within seconds; an answer may take as long as it takes.
TIMEOUT = httpx.Timeout(3600.0, connect=3.0)
PROBE = httpx.Timeout(3.0)
WATCH_SECONDS = 1
PATHS = frozenset(
    f"{prefix}/{path}"
    for prefix in ("", "/v1")
    for path in ("chat/completions", "completions", "embeddings", "rerank", "models")
)


async def authenticate(request, api_key):
    """Whose key it is; any other is refused, and so is any path that no client needs."""
    client = SETTINGS.client(api_key or "")
    if client is None:
        raise HTTPException(401, "this key is not known here")
    if request.url.path not in PATHS:
        raise HTTPException(404, "there is nothing at this path")
    return UserAPIKeyAuth(api_key=api_key, user_id=client.name, models=list(client.names))


class Gateway(CustomLogger):
    """One object for all hooks: it also knows which engines do not answer at the moment."""

    def __init__(self):
        super().__init__()
        self.silent = set()  # addresses up to /v1
        self.watching = None

    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        """Hold the client to its names, its tokens and its money, and to what clients may say."""
        client = CLIENTS[user_api_key_dict.user_id]
        name = data.get("model")
        if name is None:
            raise HTTPException(400, "the request names no model, or is not sent as JSON")
        if name not in client.names:
            raise HTTPException(403, f"{client.name} may not ask for {name!r}")
        why = client.refused(USAGE)
        if why is not None:
            raise HTTPException(429, why)
        return refuse_overrides(data)

    async def async_pre_call_deployment_hook(self, kwargs, call_type):
        """Make the request the role's own, once a replica is chosen: also that of a fallback."""
        found = kwargs.get("model_info") or {}
        entry = SETTINGS.entries.get(found.get("id"))
        if entry is None:
            return kwargs
        changed = as_role(SETTINGS.role_of(found["id"]), entry, kwargs)
        changed["timeout"] = TIMEOUT
        if entry.key is not None:
            changed["api_key"] = entry.key
        return changed

    async def async_post_call_success_hook(self, data, user_api_key_dict, response):
        """Put the notice into a whole answer."""
        note_answer(SETTINGS.role_of(_entry(response)).notice, response)
        return response

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict, response, request_data
    ):
        """Put the notice before the first words of a streamed answer; the rest goes on at once."""
        notices = None
        async for chunk in response:
            if notices is None:
                notices = Notices(SETTINGS.role_of(_entry(chunk)).notice)
            note_chunk(notices, chunk)
            yield chunk

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        """Count the tokens of an answer, and what they cost, for the client that asked: also of a
        streamed one, and of one that the client broke off, which the proxy reports as far as it
        came."""
        metadata = (kwargs.get("litellm_params") or {}).get("metadata") or {}
        client = metadata.get("user_api_key_user_id")
        if client not in CLIENTS:
            return
        read, written = tokens_of(response_obj)
        USAGE.add(client, read + written)
        # of the replica that answered, which a fallback may have chosen
        entry = SETTINGS.entries.get((metadata.get("model_info") or {}).get("id"))
        if entry is not None and entry.price is not None:
            USAGE.spend(client, entry.price.currency, entry.price.of(read, written))

    async def async_post_call_failure_deployment_hook(
        self, request_data, exception, call_type, fallback_depth=None
    ):
        """Leave an engine out at once that broke off or did not answer."""
        entry = SETTINGS.entries.get((request_data.get("model_info") or {}).get("id"))
        status = getattr(exception, "status_code", None)
        if entry is not None and (status is None or status == 408 or status >= 500):
            self.silent.add(entry.base)

    async def async_filter_deployments(
        self, model, healthy_deployments, messages, request_kwargs=None, parent_otel_span=None
    ):
        """The replicas whose engine answers; all of them when none does."""
        if self.watching is None:
            self.watching = asyncio.get_running_loop().create_task(self._watch())
        answering = [item for item in healthy_deployments if self._answers(item)]
        return answering or healthy_deployments

    def _answers(self, deployment):
        entry = SETTINGS.entries.get((deployment.get("model_info") or {}).get("id"))
        return entry is None or not (entry.base in self.silent or entry.shut)

    async def _watch(self):
        """Ask every engine for its list of models, again and again: it costs them no computing.

        The proxy's own check asks each model a question, and its cooldown spares engines that it
        cannot connect to.
        """
        entries = {entry.base: entry for entry in SETTINGS.entries.values()}
        async with httpx.AsyncClient(timeout=PROBE) as client:
            while True:
                found = await asyncio.gather(*(_asked(client, one) for one in entries.values()))
                self.silent = {base for base, here in zip(entries, found, strict=True) if not here}
                await asyncio.sleep(WATCH_SECONDS)


async def _asked(client, entry):
    if entry.shut:
        return False  # it is not asked either: an engine that is never still is never drained
    headers = {"Authorization": f"Bearer {entry.key}"} if entry.key else {}
    try:
        # what loads its model, or what stands before an engine that is gone, says 5xx
        return (await client.get(f"{entry.base}/models", headers=headers)).status_code < 500
    except httpx.HTTPError:
        return False


def _entry(answer):
    return (getattr(answer, "_hidden_params", None) or {}).get("model_id")


litellm.suppress_debug_info = True
gateway = Gateway()
