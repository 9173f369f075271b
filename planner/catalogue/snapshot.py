"""Offers that stand in files of their own: a dated snapshot, or quotes of the farm's owner.

A row names everything it needs, so that a quote is one line::

    offers:
    - {provider: runpod, gpu: rtx-4090, kind: secure, price: 0.69 USD/h, source: mail}
    sources:
      mail: {url: https://www.runpod.io/pricing, date: '2026-11-23', evidence: user}
"""

from __future__ import annotations

from typing import Final

from planner.catalogue.provider import (
    HOUR,
    MONTH,
    Billing,
    Kind,
    Offer,
    PriceFigure,
    Provider,
    Terms,
)
from planner.catalogue.row import Row, open_row
from planner.money import Money, Rate, parse_money, parse_rate

_UNKNOWN: Final = "unknown"


def parse_offers(data: object, where: str) -> tuple[Offer, ...]:
    """The offers of a file. Raises CatalogueError naming file and key."""
    row = open_row(data, where)
    found = tuple(_offer(item) for item in row.rows("offers"))
    row.done()
    return found


def with_offers(provider: Provider, offers: tuple[Offer, ...]) -> Provider:
    """The provider with the offers of a snapshot that are its own; what both have stays once."""
    known = {_key(offer) for offer in provider.offers}
    added = tuple(o for o in offers if o.provider == provider.id and _key(o) not in known)
    if not added:
        return provider
    named = {kind.name for kind in provider.kinds}
    kinds = {o.kind: Kind(o.kind, o.terms, None) for o in added if o.kind not in named}
    return provider._replace(
        kinds=(*provider.kinds, *kinds.values()), offers=(*provider.offers, *added)
    )


def only_offers(provider: str, offers: tuple[Offer, ...]) -> Provider | None:
    """A provider of which nothing but offers is known; None when there are none."""
    own = tuple(offer for offer in offers if offer.provider == provider)
    if not own:
        return None
    billing = Billing(_UNKNOWN, None, None, None, None, None, None, None, None, None)
    currency = own[0].price.money.currency
    bare = Provider(
        provider, provider, "", currency, None, billing, (), (), (), (), (), (), None, ()
    )
    return with_offers(bare, own)


def _key(offer: Offer) -> tuple[object, ...]:
    day = (offer.source.url, offer.source.date)
    return (offer.gpu, offer.kind, offer.price, offer.gpus_together, offer.product, *day)


def _offer(row: Row) -> Offer:
    return Offer(
        provider=row.text("provider"),
        gpu=row.text("gpu"),
        kind=row.text("kind"),
        terms=row.choice("terms", Terms, Terms.ON_DEMAND),
        figure=row.choice("figure", PriceFigure, PriceFigure.LISTED),
        price=_price(row),
        high=_money(row, "high"),
        covers=row.opt_integer("covers") or 1,
        gpus_together=row.opt_integer("gpus_together"),
        setup=_money(row, "setup"),
        product=row.opt_text("product"),
        machine=row.opt_text("machine"),
        ram_gb=row.opt_integer("ram_gb"),
        source=row.source(),
        note=row.opt_text("note"),
    )


def _price(row: Row) -> Rate:
    text = row.text("price")
    for per in (HOUR, MONTH):
        try:
            return parse_rate(text, per)
        except ValueError:
            continue
    raise row.fault("price", f"{text!r} is no price: write 0.69 USD/h or 214 EUR/month")


def _money(row: Row, key: str) -> Money | None:
    text = row.opt_text(key)
    if text is None:
        return None
    try:
        return parse_money(text)
    except ValueError as fault:
        raise row.fault(key, str(fault)) from fault
