"""The books of a placement: what is taken of every card, RAM, disk and port, and what is missing.

Mutable, and local to one run of ``place``: nothing else sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.placement.demand import Demand
from planner.room import Card, Room
from planner.units import gib


@dataclass(frozen=True, slots=True)
class Shortage:
    """One thing a host lacks. ``missing_bytes`` is None where bytes are not the matter."""

    what: str
    missing_bytes: int | None = None
    owner: str | None = None

    def __str__(self) -> str:
        if self.missing_bytes is None:
            return f"{self.what} is taken by {self.owner}"
        return f"{self.what} lacks {gib(self.missing_bytes)}"


class Ledger:
    """What has been taken so far. ``take`` refuses whatever ``shortages`` names."""

    def __init__(self, rooms: Mapping[str, Room]) -> None:
        self._rooms = rooms
        self._cards: dict[str, int] = {}
        self._owners: dict[str, list[str]] = {}
        self._whole: dict[str, str] = {}
        self._ram: dict[str, int] = {}
        self._disk: dict[str, int] = {}
        self._stored: set[tuple[str, str]] = set()
        self._ports: dict[str, dict[int, str]] = {}
        self._threads: dict[str, int] = {}

    def free_card(self, card: Card) -> int:
        """Bytes nobody has claimed; 0 for a card that is taken whole."""
        if card.key in self._whole:
            return 0
        return card.room_bytes - self._cards.get(card.key, 0)

    def free_ram(self, host: str) -> int | None:
        """RAM nobody has claimed, in bytes; None when it is not known."""
        left = [have - self._ram.get(name, 0) for name, have in self._ram_payers(host)]
        return min(left) if left else None

    def left(self, host: str) -> tuple[int | None, int | None, int | None]:
        """Bytes of a host's own RAM and disk and the cores nobody has claimed; None is unknown."""
        room = self._rooms[host]
        ram = None if room.ram_bytes is None else room.ram_bytes - self._ram.get(host, 0)
        disk = None if room.disk_bytes is None else room.disk_bytes - self._disk.get(host, 0)
        return ram, disk, self._cores(host)

    def stored(self, host: str) -> frozenset[str]:
        """Keys of what lies on a host's disk."""
        return frozenset(key for name, key in self._stored if name == host)

    def ports(self, host: str) -> dict[int, str]:
        """Written ports in use on a host, with their owners."""
        return dict(self._ports.get(host, {}))

    def shortages(self, host: str, demand: Demand) -> tuple[Shortage, ...]:
        """What the host lacks for this demand; empty when it fits."""
        found = [self._card(claim.card, claim.bytes, claim.whole) for claim in demand.cards]
        for name, have in self._ram_payers(host):
            what = "RAM" if name == host else f"RAM of {name}"
            found.append(_short(what, have - self._ram.get(name, 0), demand.ram_bytes))
        new = self._new_bytes(host, demand)
        for name, have in self._disk_payers(host):
            what = "disk" if name == host else f"disk of {name}"
            found.append(_short(what, have - self._disk.get(name, 0), new))
        cores = self._cores(host)
        if cores is not None and demand.threads > cores:
            what = f"{demand.threads} cores where {cores} are free: the rest"
            found.append(Shortage(what, owner="other replicas"))
        owner = self._ports.get(host, {}).get(demand.port) if demand.port else None
        if owner is not None:
            found.append(Shortage(f"port {demand.port}", owner=owner))
        return tuple(shortage for shortage in found if shortage is not None)

    def take(self, host: str, demand: Demand, owner: str) -> None:
        """Enter a demand under its owner's name. Raises ValueError when it does not fit."""
        lacking = self.shortages(host, demand)
        if lacking:
            raise ValueError(f"{host} has no room for {owner}: {'; '.join(map(str, lacking))}")
        for claim in demand.cards:
            key = claim.card.key
            self._cards[key] = self._cards.get(key, 0) + claim.bytes
            self._owners.setdefault(key, []).append(owner)
            if claim.whole:
                self._whole[key] = owner
        for name, _ in self._ram_payers(host):
            self._ram[name] = self._ram.get(name, 0) + demand.ram_bytes
        new = self._new_bytes(host, demand)
        for name, _ in self._disk_payers(host):
            self._disk[name] = self._disk.get(name, 0) + new
        self._stored.update((host, thing.key) for thing in demand.stored)
        self._threads[host] = self._threads.get(host, 0) + demand.threads
        if demand.port is not None:
            self._ports.setdefault(host, {})[demand.port] = owner

    def _card(self, card: Card, wanted: int, whole: bool) -> Shortage | None:
        name = f"{card.device.device.id} #{card.device.index}"
        if wanted > card.room_bytes:  # whoever has it: even alone it would be too small
            return Shortage(name, wanted - card.room_bytes)
        if card.key in self._whole:
            return Shortage(name, owner=self._whole[card.key])
        if whole and self._owners.get(card.key):
            return Shortage(name, owner=", ".join(self._owners[card.key]))
        missing = wanted - self.free_card(card)
        return Shortage(name, missing) if missing > 0 else None

    def _cores(self, host: str) -> int | None:
        cores = self._rooms[host].cores
        return None if cores is None else cores - self._threads.get(host, 0)

    def _ram_payers(self, host: str) -> list[tuple[str, int]]:
        """The hosts whose known RAM pays for what runs here, with what each has to give."""
        names = (host, *self._rooms[host].ram_charges)
        return [(n, have) for n in names if (have := self._rooms[n].ram_bytes) is not None]

    def _disk_payers(self, host: str) -> list[tuple[str, int]]:
        names = (host, *self._rooms[host].disk_charges)
        return [(n, have) for n in names if (have := self._rooms[n].disk_bytes) is not None]

    def _new_bytes(self, host: str, demand: Demand) -> int:
        """Bytes to store that are not on the host yet under the same key."""
        new = {t.key: t.bytes for t in demand.stored if (host, t.key) not in self._stored}
        return sum(new.values())


def _short(what: str, left: int, wanted: int) -> Shortage | None:
    return Shortage(what, wanted - left) if wanted > max(0, left) else None
