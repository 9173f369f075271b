"""Draws who the month falls to: hosts, models, roles, and a million tokens."""

from __future__ import annotations

import textwrap
from typing import Any

from planner.cost.values import Share, Shares, TokenCost
from planner.views.columns import aligned, clip
from planner.views.markdown import table
from planner.views.terminal import Style, clean


def shares_to_dict(shares: Shares) -> dict[str, Any]:
    """Lists by host, model and role, what falls to no model, and prices per million tokens.

    Amounts are texts as in the rest of the report; speeds are tokens per second.
    """
    return {
        "hosts": [_share(share) for share in shares.hosts],
        "models": [_share(share) for share in shares.models],
        "roles": [_share(share) for share in shares.roles],
        "idle": [_share(share) for share in shares.idle],
        "per_million_tokens": [_tokens(item) for item in shares.tokens],
    }


def _share(share: Share) -> dict[str, Any]:
    return {"name": share.name, "monthly": str(share.monthly.amount), "basis": share.basis}


def _tokens(item: TokenCost) -> dict[str, Any]:
    return {
        "model": item.model,
        "per_million": str(item.per_million.amount),
        "low": str(item.low.amount),
        "high": str(item.high.amount),
        "tokens_per_second": str(round(item.tokens_per_second, 1)),
        "basis": item.basis,
    }


def shares_to_lines(shares: Shares, style: Style) -> list[str]:
    """A block for each way to divide the month; none where there is nothing to divide it among."""
    return [
        *_block("by host", shares.hosts, style),
        *_block("by model, as each takes of its hosts' memory", shares.models, style),
        *_block("no model runs on", shares.idle, style, basis=False),
        *_block("by role", shares.roles, style),
        *_token_block(shares.tokens, style),
    ]


def _block(title: str, shares: tuple[Share, ...], style: Style, *, basis: bool = True) -> list[str]:
    if not shares:
        return []
    rows = aligned([(_name(s.name), f"{s.monthly.amount:,}") for s in shares], right=frozenset({1}))
    drawn = ["", style.paint(title, "bold")]
    for share, row in zip(shares, rows, strict=True):
        drawn += [row, *(wrapped(share.basis, style) if basis else [])]
    return drawn


def _token_block(tokens: tuple[TokenCost, ...], style: Style) -> list[str]:
    if not tokens:
        return []
    rows = aligned(
        [(_name(t.model), f"{t.per_million.amount:,}", f"({_range(t)})") for t in tokens],
        right=frozenset({1}),
    )
    title = f"a million tokens, {tokens[0].per_million.currency}"
    drawn = ["", style.paint(title, "bold")]
    for item, row in zip(tokens, rows, strict=True):
        drawn += [row, *wrapped(item.basis, style)]
    return drawn


def _range(item: TokenCost) -> str:
    return f"{item.low.amount:,} to {item.high.amount:,}"


def shares_to_markdown(shares: Shares) -> list[str]:
    """Tables by host, model, role and for a million tokens."""
    found: list[str] = []
    for title, each in (
        ("host", shares.hosts),
        ("model", shares.models),
        ("without a model", shares.idle),
        ("role", shares.roles),
    ):
        if each:
            head = (title, f"{each[0].monthly.currency} a month", "basis")
            rows = [(share.name, f"{share.monthly.amount:,}", share.basis) for share in each]
            found += ["", *table(head, rows, frozenset({1}))]
    if shares.tokens:
        currency = shares.tokens[0].per_million.currency
        heads = ("model", f"{currency} a million tokens", "from fast to slow", "basis")
        lines = [(t.model, f"{t.per_million.amount:,}", _range(t), t.basis) for t in shares.tokens]
        found += ["", *table(heads, lines, frozenset({1}))]
    return found


def wrapped(text: str, style: Style) -> list[str]:
    """``text`` dimmed and indented, within the width."""
    parts = textwrap.wrap(clean(text), style.width - 2, break_on_hyphens=False)
    return ["  " + style.paint(part, "dim") for part in parts]


def _name(name: str) -> str:
    return clip(clean(name), 24)
