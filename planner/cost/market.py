"""What could be had for money when a farm does not fit: one card rented, or one bought.

Only cards worth a look: the cheapest, then each that holds more than all cheaper ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from planner.blueprint import schema
from planner.catalogue.device import Device
from planner.catalogue.find_offer import provider_row
from planner.catalogue.find_part import all_devices
from planner.catalogue.provider import HOUR, Offer, PriceFigure, Terms
from planner.catalogue.reader import PROVIDERS, CatalogueReader
from planner.cost.exchange import convert
from planner.cost.offers import newest
from planner.cost.prices import Prices
from planner.farm import FarmHost, HostDevice
from planner.money import HOURS_PER_MONTH, Money
from planner.placement.ways_out import Market

Priced = tuple[Device, Money]


def market(reader: CatalogueReader, prices: Prices, currency: str) -> Market:
    """One card of each kind worth a look: rented for a month of 730 hours, and at the street's
    lowest price. Reads every provider and device: for a farm that does not fit only."""
    devices = {device.id: device for device in all_devices(reader)}
    rented: dict[str, tuple[Money, Offer]] = {}
    every = (
        offer for name in reader.names(PROVIDERS) for offer in provider_row(reader, name).offers
    )
    for offer in newest(every, reader):
        price = _monthly(offer, prices, currency) if offer.gpu in devices else None
        known = rented.get(offer.gpu)
        if price is not None and (known is None or price.amount < known[0].amount):
            rented[offer.gpu] = (price, offer)
    worth = _worth((devices[gpu], price) for gpu, (price, _) in rented.items())
    hosts = tuple((_host(device, rented[device.id][1]), price) for device, price in worth)
    return Market(hosts, _worth(_street(devices.values(), prices, currency)))


def _monthly(offer: Offer, prices: Prices, currency: str) -> Money | None:
    """A month of one card rented by the hour until stopped; None for everything else, and for a
    price that was the lowest seen: nobody gets it when he needs it."""
    if offer.terms is not Terms.ON_DEMAND or offer.price.per != HOUR:
        return None
    if offer.figure is PriceFigure.LOWEST:
        return None
    if (offer.gpus_together or 1) > 1:
        return None
    return _converted(offer.per_gpu_hour() * HOURS_PER_MONTH, prices, currency)


def _street(devices: Iterable[Device], prices: Prices, currency: str) -> Iterable[Priced]:
    for device in devices:
        lows = [_converted(price.low, prices, currency) for price in device.street_prices]
        known = [price for price in lows if price is not None]
        if known:
            yield device, min(known, key=lambda price: price.amount)


def _converted(money: Money, prices: Prices, currency: str) -> Money | None:
    try:
        return convert(money, currency, prices)[0].rounded()
    except ValueError:
        return None


def _worth(cards: Iterable[Priced]) -> tuple[Priced, ...]:
    """By price, without those that hold no more than a cheaper one."""
    found: list[Priced] = []
    most = Decimal(0)
    for device, price in sorted(cards, key=lambda item: (item[1].amount, item[0].id)):
        if device.memory_bytes is not None and device.memory_bytes > most:
            most = Decimal(device.memory_bytes)
            found.append((device, price))
    return tuple(found)


def _host(device: Device, offer: Offer) -> FarmHost:
    spec = schema.Host(rent=schema.Rent(provider=offer.provider, gpu=device.id))
    cards = (HostDevice(0, device, device.memory_bytes or 0),)
    return FarmHost(f"rented-{device.id}", spec, cards, None, None, None, None, None)
