"""Finds providers, and of several prices for one GPU the one to plan with."""

from planner.catalogue.aliases import read_aliases
from planner.catalogue.figure import date_order
from planner.catalogue.match import Match, NotFound
from planner.catalogue.names import nearest, part_tokens, squash
from planner.catalogue.provider import HOUR, Offer, PriceFigure, Provider, Terms, parse_provider
from planner.catalogue.reader import PROVIDERS, CatalogueReader
from planner.units import round_up


def provider_row(reader: CatalogueReader, provider_id: str) -> Provider:
    """Return the provider of exactly that id. Raises CatalogueError when absent or malformed."""
    where = f"catalogue {PROVIDERS}/{provider_id}.yaml"
    return parse_provider(reader.read(PROVIDERS, provider_id), where)


def find_provider(reader: CatalogueReader, name: str) -> Match[Provider] | NotFound:
    """Find a provider: ``runpod``, ``RunPod``, ``vast.ai``. Raises CatalogueError."""
    ids = reader.names(PROVIDERS)
    plain = squash(name).removesuffix(".ai").removesuffix(".io").removesuffix(".com")
    if plain in ids:
        return Match(provider_row(reader, plain))
    for alias in read_aliases(reader, PROVIDERS).names:
        if squash(alias.name) == plain:
            return Match(provider_row(reader, alias.id), alias.note)
    return NotFound("provider", name, nearest(plain, ids) or ids)


def best_offer(
    reader: CatalogueReader, gpu: str, provider: str, kind: str | None = None, count: int = 1
) -> Match[Offer] | NotFound:
    """Return the price to plan with: the newest dated one, undated ones last.

    ``gpu`` is a device id, ``provider`` a provider id, ``kind`` one of its kinds or one of the
    Terms; without it only what runs until stopped counts. Among prices of one day the provider's
    order of kinds decides. A price for the card itself stands before one for any form of it, and
    a lowest price seen behind the others, and machines with many more than ``count`` cards behind
    all; those with fewer do not count. The note says what the price leaves open.
    """
    return best_of(provider_row(reader, provider), gpu, kind, count)


def best_of(
    row: Provider, gpu: str, kind: str | None = None, count: int = 1
) -> Match[Offer] | NotFound:
    """The same choice among the offers of a provider that is at hand."""
    fitting = sorted(
        _fitting(row, gpu, kind, count), key=lambda offer: _rank(row, gpu, count, offer)
    )
    if not fitting:
        return _no_offer(row, gpu, kind)
    best = fitting[-1]
    remarks = []
    if best.gpu != gpu:
        remarks.append(f"{row.name}'s price is for {best.gpu} in any form")
    if best.figure is PriceFigure.LOWEST:
        remarks.append("the lowest price seen: expect to pay more")
    if best.figure is PriceFigure.MEAN:
        remarks.append("a mean over mixed configurations")
    if best.source.date is None:
        remarks.append("the price has no date")
    return Match(best, "; ".join(remarks) or None)


def offers_for(reader: CatalogueReader, gpu: str) -> tuple[Offer, ...]:
    """Return every offer for a GPU, newest first. Reads every provider: for comparisons only."""
    rows = (provider_row(reader, provider_id) for provider_id in reader.names(PROVIDERS))
    found = (offer for row in rows for offer in _for_gpu(row, gpu))
    return tuple(sorted(found, key=lambda offer: date_order(offer.source.date), reverse=True))


def _for_gpu(provider: Provider, gpu: str) -> tuple[Offer, ...]:
    """Offers that name the card, and those that leave its form open ("h100")."""
    wanted = part_tokens(gpu)
    return tuple(offer for offer in provider.offers if part_tokens(offer.gpu) <= wanted)


def _fitting(provider: Provider, gpu: str, kind: str | None, count: int) -> tuple[Offer, ...]:
    wanted = Terms.ON_DEMAND.value if kind is None else kind
    kinds = [item.name for item in provider.kinds if item.name == wanted]
    kinds = kinds or [item.name for item in provider.kinds if item.terms.value == wanted]
    return tuple(
        offer
        for offer in _for_gpu(provider, gpu)
        if offer.kind in kinds and (offer.gpus_together is None or offer.gpus_together >= count)
    )


def _rank(
    provider: Provider, gpu: str, count: int, offer: Offer
) -> tuple[int, bool, bool, bool, str, int, bool]:
    """Sorts the offer to plan with last; by the hour before by the month, all else alike."""
    order = [kind.name for kind in provider.kinds].index(offer.kind)
    return (
        -round_up(count, offer.gpus_together or 1),
        offer.source.date is not None,
        offer.gpu == gpu,
        offer.figure is not PriceFigure.LOWEST,
        date_order(offer.source.date),
        -order,
        offer.price.per == HOUR,
    )


def _no_offer(provider: Provider, gpu: str, kind: str | None) -> NotFound:
    named = {kind.name for kind in provider.kinds} | {kind.terms.value for kind in provider.kinds}
    if kind is not None and kind not in named:
        known = tuple(kind.name for kind in provider.kinds)
        return NotFound("kind of rental", kind, known, f"{provider.name} has no such kind")
    if gpu in provider.unpriced:
        return NotFound("GPU", gpu, (), f"no dated price of {provider.name} is known")
    others = tuple(dict.fromkeys(offer.kind for offer in _for_gpu(provider, gpu)))
    if others:
        reason = f"{provider.name} has no known offer of it as {kind or Terms.ON_DEMAND}"
        return NotFound("GPU", gpu, others, reason)
    rented = tuple(dict.fromkeys(offer.gpu for offer in provider.offers))
    return NotFound("GPU", gpu, rented[:6], f"no offer of {provider.name} is known")
