"""What one shared card can hold: sets of replicas, found where they are needed.

Column generation (Gilmore and Gomory, "A linear programming approach to the cutting-stock problem",
1961): the relaxation says what a place for one more of each replica is worth, a knapsack finds the
set that is worth most, until no set is worth more than its card. A plan made of such sets goes onto
the cards as it is, where sums of memory alone would not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from planner.placement.classes import Bin, ClassModel
from planner.placement.glop import Relaxed, relaxed
from planner.placement.knapsack import fullest
from planner.units import ceil_div

ROUNDS: Final = 40  # of the relaxation; later ones find little
_SCALE: Final = 10**7  # worths as whole numbers
_CLOSE: Final = 1e-6  # floating point's own noise, as a share of the largest worth


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
        for variable in pattern.variables:
            self.linear.rows[self._holds[pattern.number, variable]][0][here] = 1

    def settle(self, objective: Mapping[int, int]) -> None:
        """Take the whole part of what the relaxation plans as given: what is left is small."""
        answer = relaxed(self.linear, objective)
        if answer is None:
            return
        for here, _ in self.cards:
            whole = int(answer.values[here] + _CLOSE)
            self.linear.low[here] = max(self.linear.low[here], whole)

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
    model: ClassModel, objective: Mapping[int, int], rounds: int = ROUNDS
) -> tuple[Pattern, ...]:
    """Patterns that make ``objective`` small."""
    known = dict.fromkeys(_alone(model))
    master = PatternModel(model, known)
    whole = {**objective, **master.fines}
    for _ in range(rounds):
        answer = relaxed(master.linear, whole)
        if answer is None:
            break
        found = [p for p in _priced(master, answer) if p not in known]
        if not found:
            break
        for pattern in found:
            known[pattern] = None
            master.add(pattern)
    return tuple(known)


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
        if most <= _CLOSE:
            continue
        scaled = [int(worth / most * _SCALE) for worth in worths]
        value, chosen = fullest(scaled, [way.memory for way in one.ways], one.room)
        if value / _SCALE * most > price + most * _CLOSE * 10:
            yield Pattern(number, _one_a_family(one, chosen))


def _one_a_family(one: Bin, chosen: Iterable[int]) -> tuple[int, ...]:
    """The first of each family: two replicas of a model never share a card."""
    families: dict[str, int] = {}
    for place in chosen:
        families.setdefault(one.ways[place].family, one.ways[place].variable)
    return tuple(families.values())


def _alone(model: ClassModel) -> Iterator[Pattern]:
    for number, one in enumerate(model.bins):
        yield from (Pattern(number, (w.variable,)) for w in one.ways if w.memory <= one.room)
