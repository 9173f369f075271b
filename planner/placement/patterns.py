"""What one shared card, or one host's RAM, can hold: sets of replicas, found where they are needed.

Column generation (Gilmore and Gomory, "A linear programming approach to the cutting-stock problem",
1961): the relaxation says what a place for one more of each replica is worth, a knapsack finds the
set that is worth most, until no set is worth more than its card. A plan made of such sets goes onto
the cards as it is, where sums of memory alone would not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from planner.placement.classes import IN_RAM, Bin, ClassModel
from planner.placement.glop import Relaxed, relaxed
from planner.placement.instance import Spot
from planner.placement.knapsack import fullest
from planner.units import ceil_div

ROUNDS: Final = 40  # of the relaxation; later ones find little
_SCALE: Final = 10**7  # worths as whole numbers
_FINE: Final = 1 << 12  # parts of a host's RAM that sizes are rounded up to
CLOSE: Final = 1e-6  # floating point's own noise, as a share of the largest worth


@dataclass(frozen=True, slots=True)
class Pattern:
    """Variables of the model that one card of bin ``number`` can hold together."""

    number: int
    variables: tuple[int, ...]


class PatternModel:
    """A class model whose shared cards are filled by patterns only: ``cards`` are how many cards
    hold each. What no pattern holds is fined, by its MiB: more than any card for it would cost."""

    def __init__(self, model: ClassModel, patterns: Iterable[Pattern]) -> None:
        self.model, self.linear = model, model.linear.copy()
        self.cards: list[tuple[int, Pattern]] = []
        self.fines: dict[int, int] = {}
        self._holds: dict[tuple[int, int], int] = {}
        self._cards_of: dict[int, int] = {}
        price = _price(model)
        for number, one in enumerate(model.bins):
            self._cards_of[number] = self._row({one.sharing: -1}, None, 0)
            for way in one.ways:
                fine = self.linear.variable(0, self.linear.high[way.variable])
                self.fines[fine] = price * way.memory
                self._holds[number, way.variable] = self._row({way.variable: -1, fine: 1}, 0, None)
        for pattern in patterns:
            self.add(pattern)

    def add(self, pattern: Pattern) -> None:
        """One more way to fill a card."""
        most = self.linear.high[self.model.bins[pattern.number].sharing]
        here = self.linear.variable(0, most)
        self.cards.append((here, pattern))
        self.linear.rows[self._cards_of[pattern.number]][0][here] = 1
        for variable, count in Counter(pattern.variables).items():
            self.linear.rows[self._holds[pattern.number, variable]][0][here] = count

    def settle(self, answer: Relaxed) -> dict[int, float]:
        """Take the whole part of what the relaxation plans as given; the fractions that are left,
        by variable."""
        left: dict[int, float] = {}
        for here, _ in self.cards:
            whole = int(answer.values[here] + CLOSE)
            self.linear.low[here] = max(self.linear.low[here], whole)
            if answer.values[here] - whole > CLOSE:
                left[here] = answer.values[here] - whole
        return left

    def unsettle(self) -> None:
        """Nothing is given any more."""
        for here, _ in self.cards:
            self.linear.low[here] = 0

    def worth(self, answer: Relaxed, number: int) -> tuple[list[float], float]:
        """What a place is worth for each way of a bin, and what one more card there would cost."""
        one = self.model.bins[number]
        places = [
            max(0.0, answer.duals[self._holds[number, v]])
            for v in (way.variable for way in one.ways)
        ]
        return places, -answer.duals[self._cards_of[number]]

    def _row(self, terms: dict[int, int], low: int | None, high: int | None) -> int:
        self.linear.rows.append((terms, low, high))
        return len(self.linear.rows) - 1


def patterns(
    model: ClassModel,
    objective: Mapping[int, int],
    seeds: Iterable[Pattern] = (),
    rounds: int = ROUNDS,
) -> PatternModel:
    """A model with patterns that make ``objective`` small, grown from ``seeds``."""
    master = PatternModel(model, dict.fromkeys((*_alone(model), *seeds)))
    enrich(master, {**objective, **master.fines}, rounds)
    return master


def laid(model: ClassModel, spots: Iterable[Spot]) -> Iterator[Pattern]:
    """What each bin holds in an assignment."""
    instance = model.instance
    place_of = {site: place for place, one in enumerate(model.of) for site in one.members}
    variable = {(place, group, option): v for v, place, group, option in model.counts}
    number = {(one.place, one.slot): n for n, one in enumerate(model.bins)}
    held: dict[tuple[int, int | str], list[int]] = defaultdict(list)
    for spot in spots:
        place, site = place_of[spot.site], instance.sites[spot.site]
        option = instance.groups[spot.group].on(site)[spot.option]
        shares = option.count == 1 and not option.whole
        slot = IN_RAM if option.slot is None else option.slot
        if (place, slot) in number and (shares or slot == IN_RAM):
            key = spot.cards[0] if spot.cards else spot.site
            held[number[place, slot], key].append(variable[place, spot.group, spot.option])
    for (bin_number, _), variables in held.items():
        yield Pattern(bin_number, tuple(sorted(variables)))


def enrich(master: PatternModel, objective: Mapping[int, int], rounds: int) -> Relaxed | None:
    """The relaxation with more patterns, while there are any that it lacks; None without one."""
    known = {pattern for _, pattern in master.cards}
    for _ in range(rounds):
        answer = relaxed(master.linear, objective)
        found = [p for p in _priced(master, answer) if p not in known] if answer else []
        if not found:
            return answer
        for pattern in found:
            known.add(pattern)
            master.add(pattern)
    return relaxed(master.linear, objective)


def _price(model: ClassModel) -> int:
    """Twice the dearest rent of a MiB; 1 where nothing is rented."""
    rents = [
        ceil_div(2 * one.site.cost, memory)
        for one in model.of
        if (memory := sum(card.room for slot in one.site.slots for card in slot))
    ]
    return max([1, *rents])


def _priced(master: PatternModel, answer: Relaxed) -> Iterator[Pattern]:
    """For each bin the set that is worth more than its card, where there is one."""
    for number, one in enumerate(master.model.bins):
        worths, price = master.worth(answer, number)
        most = max(worths, default=0.0)
        if most <= CLOSE:
            continue
        scaled = [int(worth / most * _SCALE) for worth in worths]
        ways = list(_multiples(one))
        unit = ceil_div(one.room, _FINE) if one.slot == IN_RAM else 1
        value, chosen = fullest(
            [many * scaled[place] for place, many in ways],
            [ceil_div(many * one.ways[place].memory, unit) for place, many in ways],
            one.room // unit,
        )
        if value / _SCALE * most > price + most * CLOSE * 10:
            yield Pattern(number, _one_a_family(one, [ways[choice] for choice in chosen]))


def _multiples(one: Bin) -> Iterator[tuple[int, int]]:
    """Each way once, twice, four times ... so that sums of them are every number it may have."""
    for place, way in enumerate(one.ways):
        many, left = 1, way.most
        while left:
            yield place, min(many, left)
            left -= min(many, left)
            many *= 2


def _one_a_family(one: Bin, chosen: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """The first of each family: two replicas of a model never share a card."""
    seen: set[str] = set()
    variables: list[int] = []
    for place, many in sorted(chosen):
        way = one.ways[place]
        if way.family not in seen:
            variables += [way.variable] * many
            seen.update({way.family} - {""})
    return tuple(variables)


def _alone(model: ClassModel) -> Iterator[Pattern]:
    for number, one in enumerate(model.bins):
        yield from (Pattern(number, (w.variable,)) for w in one.ways if w.memory <= one.room)
