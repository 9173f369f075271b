"""Who rents out GPUs: how they bill, what storage costs, and every offer with its date."""

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from planner.catalogue.figure import Source
from planner.catalogue.row import Row, open_row
from planner.money import HOURS_PER_MONTH, Money, Rate

HOUR = "h"
MONTH = "month"


class Terms(StrEnum):
    """What holds while a rental runs."""

    ON_DEMAND = "on-demand"
    INTERRUPTIBLE = "interruptible"  # taken away when somebody else wants it
    COMMITTED = "committed"  # paid for months or years ahead


class PriceFigure(StrEnum):
    """What a price is of all the prices there were."""

    LISTED = "listed"
    MEDIAN = "median"
    MEAN = "mean"
    TYPICAL = "typical"
    LOWEST = "lowest"


class Kind(NamedTuple):
    """One way to rent from a provider, in the provider's word."""

    name: str
    terms: Terms
    note: str | None


class Offer(NamedTuple):
    """Something rentable, on the day of its source.

    ``price`` is per hour or per month for ``covers`` GPUs; ``high`` closes a range that begins
    there. ``gpu`` is a device id, or a shop's name where that leaves the card open ("h100").
    ``gpus_together`` is how many are rented as one machine, where that is known.
    """

    provider: str
    gpu: str
    kind: str
    terms: Terms
    figure: PriceFigure
    price: Rate
    high: Money | None
    covers: int
    gpus_together: int | None
    setup: Money | None
    product: str | None
    machine: str | None
    ram_gb: int | None
    source: Source
    note: str | None

    def per_gpu_hour(self) -> Money:
        """The price of one GPU for one hour; a month is 730 hours. Not rounded."""
        hours = HOURS_PER_MONTH if self.price.per == MONTH else 1
        return Money(self.price.money.amount / hours / self.covers, self.price.money.currency)


class ServerOffer(NamedTuple):
    """A machine without a GPU, rentable by the month or hour."""

    provider: str
    product: str
    cpu: str | None
    cores: int | None
    ram_gb: int | None
    price: Rate
    setup: Money | None
    source: Source
    note: str | None


class StorageRate(NamedTuple):
    """The price of disk space per GB (or GiB) and month; ``stopped`` while the machine is off.

    ``above_gb`` and ``up_to_gb`` bound a volume's size for this price.
    """

    kind: str
    running: Rate
    high: Money | None
    stopped: Rate | None
    above_gb: int | None
    up_to_gb: int | None
    source: Source
    note: str | None


class Fee(NamedTuple):
    """Anything else that costs: traffic per GB, an address, a vCPU, a GB of RAM."""

    kind: str
    price: Rate
    source: Source
    note: str | None


class Billing(NamedTuple):
    """How a provider counts time. None is unknown."""

    unit: str
    monthly_cap: bool | None
    prepaid: bool | None
    minimum_deposit: Money | None
    can_stop: bool | None
    charged_while_stopped: bool | None
    charged_while_loading: bool | None
    whole_nodes: bool | None
    source: Source | None
    note: str | None


class Provider(NamedTuple):
    """One provider. ``kinds`` stand in the order in which planner prefers them."""

    id: str
    name: str
    url: str
    currency: str
    vat_included: bool | None
    billing: Billing
    kinds: tuple[Kind, ...]
    offers: tuple[Offer, ...]
    unpriced: tuple[str, ...]
    servers: tuple[ServerOffer, ...]
    storage: tuple[StorageRate, ...]
    fees: tuple[Fee, ...]
    note: str | None
    sources: tuple[Source, ...]


def parse_provider(data: object, where: str) -> Provider:
    """Turn a row of ``data/providers`` into a Provider. Raises CatalogueError."""
    row = open_row(data, where)
    name, currency = row.text("id"), row.text("currency")
    kinds = {key: _kind(key, item) for key, item in row.table("kinds")}
    provider = Provider(
        id=name,
        name=row.text("name"),
        url=row.text("url"),
        currency=currency,
        vat_included=row.opt_flag("vat_included"),
        billing=_billing(row.row("billing"), currency),
        kinds=tuple(kinds.values()),
        offers=tuple(_offer(item, name, currency, kinds) for item in row.rows("offers")),
        unpriced=row.texts("unpriced"),
        servers=tuple(_server(item, name, currency) for item in row.rows("servers")),
        storage=tuple(_storage(item, currency) for item in row.rows("storage")),
        fees=tuple(_fee(item, currency) for item in row.rows("fees")),
        note=row.opt_text("note"),
        sources=tuple(row.sources.values()),
    )
    row.done()
    return provider


def _kind(name: str, row: Row) -> Kind:
    return Kind(name, row.choice("terms", Terms), row.opt_text("note"))


def _offer(row: Row, provider: str, currency: str, kinds: dict[str, Kind]) -> Offer:
    kind = row.text("kind")
    if kind not in kinds:
        raise row.fault("kind", f"{kind!r} is none of this provider's kinds: {', '.join(kinds)}")
    currency = row.opt_text("currency") or currency
    per = row.opt_text("per") or HOUR
    if per not in (HOUR, MONTH):
        raise row.fault("per", f"{per!r} is neither {HOUR} nor {MONTH}")
    return Offer(
        provider=provider,
        gpu=row.text("gpu"),
        kind=kind,
        terms=kinds[kind].terms,
        figure=row.choice("figure", PriceFigure, PriceFigure.LISTED),
        price=Rate(Money(row.number("price"), currency), per),
        high=_money(row.opt_number("high"), currency),
        covers=row.opt_integer("covers") or 1,
        gpus_together=row.opt_integer("gpus_together"),
        setup=_money(row.opt_number("setup"), currency),
        product=row.opt_text("product"),
        machine=row.opt_text("machine"),
        ram_gb=row.opt_integer("ram_gb"),
        source=row.source(),
        note=row.opt_text("note"),
    )


def _server(row: Row, provider: str, currency: str) -> ServerOffer:
    currency = row.opt_text("currency") or currency
    return ServerOffer(
        provider=provider,
        product=row.text("product"),
        cpu=row.opt_text("cpu"),
        cores=row.opt_integer("cores"),
        ram_gb=row.opt_integer("ram_gb"),
        price=Rate(Money(row.number("price"), currency), row.opt_text("per") or MONTH),
        setup=_money(row.opt_number("setup"), currency),
        source=row.source(),
        note=row.opt_text("note"),
    )


def _storage(row: Row, currency: str) -> StorageRate:
    per, stopped = row.opt_text("per") or "GB-month", row.opt_number("stopped")
    return StorageRate(
        kind=row.text("kind"),
        running=Rate(Money(row.number("running"), currency), per),
        high=_money(row.opt_number("high"), currency),
        stopped=None if stopped is None else Rate(Money(stopped, currency), per),
        above_gb=row.opt_integer("above_gb"),
        up_to_gb=row.opt_integer("up_to_gb"),
        source=row.source(),
        note=row.opt_text("note"),
    )


def _fee(row: Row, currency: str) -> Fee:
    price = Rate(Money(row.number("price"), currency), row.text("per"))
    return Fee(row.text("kind"), price, row.source(), row.opt_text("note"))


def _billing(row: Row, currency: str) -> Billing:
    return Billing(
        unit=row.text("unit"),
        monthly_cap=row.opt_flag("monthly_cap"),
        prepaid=row.opt_flag("prepaid"),
        minimum_deposit=_money(row.opt_number("minimum_deposit"), currency),
        can_stop=row.opt_flag("can_stop"),
        charged_while_stopped=row.opt_flag("charged_while_stopped"),
        charged_while_loading=row.opt_flag("charged_while_loading"),
        whole_nodes=row.opt_flag("whole_nodes"),
        source=row.opt_source(),
        note=row.opt_text("note"),
    )


def _money(amount: Decimal | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)
