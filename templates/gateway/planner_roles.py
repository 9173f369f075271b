"""What a role is: pure rules over requests and answers, without the proxy they run in.

planner renders this file beside the gateway's settings; it needs nothing but Python.
"""

import hashlib
import hmac
import json
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Context, Decimal, localcontext
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
# Digits enough for every sum of money to be exact; the default keeps 28.
EXACT = Context(prec=60)
# Sampling that is no part of OpenAI's protocol travels in the body's own fields.
BODY_ONLY = ("top_k",)
_GATES = ("shut_by", "opened_by")


@dataclass(frozen=True)
class Role:
    """How requests to a role are changed, and what is put before its answers."""

    system: str = ""
    notice: str = ""
    sampling: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Price:
    """What a million tokens cost: ``input`` those that are read, ``output`` those written."""

    currency: str
    input: Decimal
    output: Decimal

    def of(self, read, written):
        """What so many tokens cost, to the last digit."""
        with localcontext(EXACT):
            return (self.input * read + self.output * written).scaleb(-6)


@dataclass(frozen=True)
class Entry:
    """One replica under one name. ``body`` are fields for the engine, ``key`` is what it is asked
    with, None where it asks for none, ``price`` None where nobody's money is counted. It gets no
    requests while ``shut_by`` is there, nor without ``opened_by``, where it has one."""

    base: str
    role: str | None
    body: dict
    key: str | None
    price: Price | None = None
    shut_by: Path | None = None
    opened_by: Path | None = None

    @property
    def shut(self):
        """Whether it finishes what it has and gets nothing new, or is not there at all."""
        if self.shut_by is not None and self.shut_by.exists():
            return True
        return self.opened_by is not None and not self.opened_by.exists()


@dataclass(frozen=True)
class Limit:
    """An amount of money."""

    amount: Decimal
    currency: str

    def __str__(self):
        return f"{self.amount:,} {self.currency}"


@dataclass(frozen=True)
class Client:
    """Who may ask for which names, and how many tokens and how much money a month; None is as much
    as it wants."""

    name: str
    key: bytes
    names: tuple
    monthly_tokens: int | None
    monthly_cost: Limit | None = None

    def refused(self, usage):
        """Why it has to wait for the next month; None while it has not."""
        most, cost = self.monthly_tokens, self.monthly_cost
        if most is not None and usage.of(self.name) >= most:
            return f"{self.name} has used its {most} tokens of this month"
        if cost is not None and usage.spent(self.name, cost.currency) >= cost.amount:
            return f"{self.name} has spent its {cost} of this month"
        return None


class Settings:
    """All that planner rendered, and the keys that lie beside it."""

    def __init__(self, path):
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        self.roles = {name: Role(**row) for name, row in data["roles"].items()}
        self.entries = {name: _entry(row) for name, row in data["entries"].items()}
        self.usage = data["usage"]
        self.clients = [
            Client(
                name,
                _digest(_read(row["key"])),
                tuple(row["names"]),
                row["monthly_tokens"],
                _limit(row["monthly_cost"]),
            )
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
    key = _read(row["key"]).decode() if row["key"] else None
    shut_by, opened_by = (Path(row[name]) if row[name] else None for name in _GATES)
    return Entry(
        row["base"], row["role"], row["body"], key, _price(row["price"]), shut_by, opened_by
    )


def _price(row):
    return Price(row["currency"], Decimal(row["input"]), Decimal(row["output"])) if row else None


def _limit(row):
    return Limit(Decimal(row["amount"]), row["currency"]) if row else None


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


def tokens_of(answer):
    """How many tokens were read and written for an answer; rerankers say it in a place of their
    own."""
    usage = getattr(answer, "usage", None)
    if usage is not None:
        read = getattr(usage, "prompt_tokens", 0) or 0
        return read, max((getattr(usage, "total_tokens", 0) or 0) - read, 0)
    told = (getattr(answer, "meta", None) or {}).get("tokens") or {}
    return told.get("input_tokens") or 0, told.get("output_tokens") or 0


class Usage:
    """Tokens and money by client and month, in a file that outlives the gateway."""

    def __init__(self, path):
        self._base = sqlite3.connect(path, timeout=10, isolation_level=None)
        # a count that a power cut may lose is cheaper than a wait for the disk at every answer
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.execute("PRAGMA synchronous = NORMAL")
        self._base.execute(
            "CREATE TABLE IF NOT EXISTS usage (client TEXT, month TEXT, tokens INTEGER NOT NULL,"
            " PRIMARY KEY (client, month))"
        )
        # money is decimal text: a number of the database's own would be rounded
        self._base.create_function("plus", 2, _plus, deterministic=True)
        self._base.execute(
            "CREATE TABLE IF NOT EXISTS spending (client TEXT, month TEXT, currency TEXT,"
            " amount TEXT NOT NULL, PRIMARY KEY (client, month, currency))"
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

    def spend(self, client, currency, amount):
        """Count what an answer cost a client now."""
        self._base.execute(
            "INSERT INTO spending VALUES (?, ?, ?, ?) ON CONFLICT (client, month, currency)"
            " DO UPDATE SET amount = plus(amount, excluded.amount)",
            (client, _month(), currency, str(amount)),
        )

    def spent(self, client, currency):
        """What the client's answers cost this month (UTC), in that currency."""
        row = self._base.execute(
            "SELECT amount FROM spending WHERE client = ? AND month = ? AND currency = ?",
            (client, _month(), currency),
        ).fetchone()
        return Decimal(row[0]) if row else Decimal(0)


def _plus(one, other):
    with localcontext(EXACT):
        return str(Decimal(one) + Decimal(other))


def _month():
    return datetime.now(timezone.utc).strftime("%Y-%m")  # noqa: UP017 - also for Python 3.10
