"""What a comparison is made of: ways to have the farm, their speed, and when one pays back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from planner.cost.values import CostReport
from planner.diagnostics import Diagnostic
from planner.farm import Farm, FarmHost, FarmModel, HostDevice, Placement
from planner.money import Money
from planner.sizing.values import SizeReport

Sizer = Callable[[FarmModel, FarmHost, tuple[HostDevice, ...]], SizeReport]


@dataclass(frozen=True, slots=True)
class Draft:
    """A way before it is priced: the farm changed, what changed on which host, what to know.

    ``kept`` are hosts that this way leaves as they are although they have a GPU. ``partial`` says
    that a part of it has no known price and is not counted, so that it costs more than is said.
    """

    name: str
    farm: Farm
    placement: Placement
    changed: tuple[tuple[str, str], ...]
    kept: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    partial: bool = False


@dataclass(frozen=True, slots=True)
class ModelSpeed:
    """Expected decode tokens per second of all replicas, one answer each; None is unknown.

    ``fits`` is whether every replica does; a speed of what does not fit means nothing and is None.
    """

    model: str
    tokens_per_second: float | None
    fits: bool


class Verdict(StrEnum):
    """When a way is cheaper than the farm as written."""

    SAME = "costs the same"
    ALWAYS = "from the start"
    NEVER = "never"
    AFTER = "after"
    UNTIL = "until"
    OPEN = "not known"


@dataclass(frozen=True, slots=True)
class BreakEven:
    """``months`` until both have cost the same; None where that never happens.

    ``bound`` is "at least" or "at most" where a part of the way has no known price.
    """

    verdict: Verdict
    months: Decimal | None = None
    bound: str | None = None

    def __str__(self) -> str:
        if self.months is None:
            return self.verdict.value
        bound = {"at least": ">", "at most": "<"}.get(self.bound or "", "")
        unit = "month" if self.months == 1 else "months"
        return f"{self.verdict.value} {bound}{self.months:,} {unit}"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to have the farm, priced. ``break_even`` is None for the farm as written.

    ``partial`` is as in Draft.
    """

    name: str
    report: CostReport
    speeds: tuple[ModelSpeed, ...]
    changed: tuple[tuple[str, str], ...]
    kept: tuple[str, ...]
    remarks: tuple[str, ...]
    break_even: BreakEven | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """The farm as written, and other ways to have it, the cheapest month first."""

    written: Way
    others: tuple[Way, ...]
    diagnostics: tuple[Diagnostic, ...]


def break_even(written: CostReport, other: CostReport, *, partial: bool = False) -> BreakEven:
    """When ``other`` has cost less than ``written``, in months to a tenth.

    After n months each has cost what was paid once plus n times what runs on: purchases count in
    full at the start, not spread. Both reports are in one currency. ``partial`` says that the
    other one costs more at the start than its report knows.
    """
    once = _over(other.once, written.once)
    running = _over(other.running, written.running)
    if once <= 0 and running <= 0:
        if partial:
            return BreakEven(Verdict.OPEN)
        return BreakEven(Verdict.SAME if once == running == 0 else Verdict.ALWAYS)
    if once >= 0 and running >= 0:
        return BreakEven(Verdict.NEVER)
    months = (-once / running).quantize(Decimal("0.1"))
    if once > 0:
        return BreakEven(Verdict.AFTER, months, "at least" if partial else None)
    return BreakEven(Verdict.UNTIL, months, "at most" if partial else None)


def _over(one: Money, other: Money) -> Decimal:
    if one.currency != other.currency:
        raise ValueError(f"{one.currency} and {other.currency} cannot be compared: convert first")
    return one.amount - other.amount
