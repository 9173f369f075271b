"""What a role is: pure rules over requests and answers, without the proxy they run in.

planner renders this file beside the gateway's settings; it needs nothing but Python.
"""

import hashlib
import hmac
import json
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

# What a client may not say: it would choose another adapter, another model or another server than
# the role's, or make the proxy pretend.
REFUSED = (
    "lora",
    "extra_body",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "specific_deployment",
    "model_list",
    "router_settings_override",
    "api_base",
    "base_url",
    "api_key",
    "api_version",
    "custom_llm_provider",
    "num_retries",
    "max_retries",
    "guardrails",
    "prompt_id",
    "prompt_variables",
    "mock_response",
    "mock_testing_fallbacks",
    "mock_testing_rate_limit_error",
    "mock_timeout",
)
# Sampling that is no part of OpenAI's protocol travels in the body's own fields.
BODY_ONLY = ("top_k",)


@dataclass(frozen=True)
class Role:
    """How requests to a role are changed, and what is put before its answers."""

    system: str = ""
    notice: str = ""
    sampling: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One replica under one name. ``body`` are fields for the engine, ``key`` is what it is asked
    with, None where it asks for none."""

    base: str
    role: str | None
    body: dict
    key: str | None


@dataclass(frozen=True)
class Client:
    """Who may ask for which names, and how many tokens a month; None is as many as it wants."""

    name: str
    key: bytes
    names: tuple
    monthly_tokens: int | None


class Settings:
    """All that planner rendered, and the keys that lie beside it."""

    def __init__(self, path):
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        self.roles = {name: Role(**row) for name, row in data["roles"].items()}
        self.entries = {name: _entry(row) for name, row in data["entries"].items()}
        self.usage = data["usage"]
        self.clients = [
            Client(name, _digest(_read(row["key"])), tuple(row["names"]), row["monthly_tokens"])
            for name, row in data["clients"].items()
        ]

    def client(self, key):
        """Whose key it is, or None. Every key is compared, however the first ones end."""
        digest = _digest(key.encode())
        found = [client for client in self.clients if hmac.compare_digest(client.key, digest)]
        return found[0] if found else None

    def role_of(self, entry):
        """The role of an entry by its id; the empty role for a plain model."""
        known = self.entries.get(entry)
        return self.roles.get(known.role, Role()) if known and known.role else Role()


def _entry(row):
    key = row["key"]
    return Entry(row["base"], row["role"], row["body"], _read(key).decode() if key else None)


def _read(path):
    return Path(path).read_bytes().strip()


def _digest(key):
    return hashlib.sha256(key).digest()


def refuse_overrides(request):
    """The request without what clients may not say."""
    return {key: value for key, value in request.items() if key not in REFUSED}


def as_role(role, entry, request):
    """The request as its engine is to see it: prompt, sampling where the client said nothing, and
    the adapter."""
    changed = dict(request)
    body = {**(changed.get("extra_body") or {})}
    for key, value in role.sampling.items():
        if key in BODY_ONLY:
            body[key] = changed.pop(key, value)
        elif changed.get(key) is None:
            changed[key] = value
    changed["extra_body"] = {**body, **entry.body}
    if role.system and "messages" in changed:
        changed["messages"] = with_system(role.system, changed["messages"])
    elif role.system and isinstance(changed.get("prompt"), str):
        changed["prompt"] = f"{role.system}\n\n{changed['prompt']}"
    return changed


def with_system(system, messages):
    """The messages below the role's prompt. A client's own is put under it, in one message: many
    chat templates take no second."""
    if not messages or messages[0].get("role") != "system":
        return [{"role": "system", "content": system}, *messages]
    own = messages[0].get("content")
    if isinstance(own, str):
        content = f"{system}\n\n{own}"
    else:
        content = [{"type": "text", "text": system}, *(own or [])]
    return [{**messages[0], "content": content}, *messages[1:]]


class Notices:
    """Puts a role's notice before the first words of each choice of one answer."""

    def __init__(self, notice):
        self.notice = notice
        self.told = set()

    def put(self, choice, holder, name):
        """Change the text in ``holder.name`` unless this choice has its notice already, or no text
        yet: an answer that only calls tools says nothing to anybody."""
        text = getattr(holder, name, None)
        if not self.notice or not text or choice in self.told:
            return
        self.told.add(choice)
        setattr(holder, name, f"{self.notice}\n\n{text}")


def note_answer(notice, answer):
    """Put the notice into every choice of a whole answer."""
    notices = Notices(notice)
    for choice in getattr(answer, "choices", None) or []:
        _note(notices, choice, "message")


def note_chunk(notices, chunk):
    """Put the notice into the first words of a streamed answer."""
    for choice in getattr(chunk, "choices", None) or []:
        _note(notices, choice, "delta")


def _note(notices, choice, holder):
    place = getattr(choice, "index", 0)
    if getattr(choice, holder, None) is not None:
        notices.put(place, getattr(choice, holder), "content")
    else:
        notices.put(place, choice, "text")


class Usage:
    """Tokens by client and month, in a file that outlives the gateway."""

    def __init__(self, path):
        self._base = sqlite3.connect(path, timeout=10, isolation_level=None)
        # a count that a power cut may lose is cheaper than a wait for the disk at every answer
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.execute("PRAGMA synchronous = NORMAL")
        self._base.execute(
            "CREATE TABLE IF NOT EXISTS usage (client TEXT, month TEXT, tokens INTEGER NOT NULL,"
            " PRIMARY KEY (client, month))"
        )

    def add(self, client, tokens):
        """Count what a client used now."""
        self._base.execute(
            "INSERT INTO usage VALUES (?, ?, ?) ON CONFLICT (client, month)"
            " DO UPDATE SET tokens = tokens + excluded.tokens",
            (client, _month(), int(tokens)),
        )

    def of(self, client):
        """Tokens the client used this month (UTC)."""
        row = self._base.execute(
            "SELECT tokens FROM usage WHERE client = ? AND month = ?", (client, _month())
        ).fetchone()
        return row[0] if row else 0


def _month():
    return datetime.now(timezone.utc).strftime("%Y-%m")  # noqa: UP017 - also for Python 3.10
