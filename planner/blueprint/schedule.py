"""Reads when a rented host runs: ``mon-fri 09:00-19:00 Europe/Berlin``."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final, NamedTuple

from planner.money import HOURS_PER_MONTH

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EXAMPLE: Final = "mon-fri 09:00-19:00 Europe/Berlin"
_DAY_MINUTES: Final = 24 * 60
_WEEK_MINUTES: Final = 7 * _DAY_MINUTES
_TIMES: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})")
# The shape of a tz database name. Whether it exists is for whoever starts and stops the host: that
# database is a file, and hours a month do not depend on it.
_ZONE: Final = re.compile(r"[A-Z][A-Za-z_+-]*(?:/[A-Z][A-Za-z0-9_+-]*){0,2}|UTC")


class Window(NamedTuple):
    """Minutes of a day on some days; ``end`` before ``start`` runs into the next day."""

    days: tuple[int, ...]
    start: int
    end: int

    def minutes(self) -> set[int]:
        """The minutes of the week (0 is Monday 00:00) that it covers."""
        overnight = _DAY_MINUTES if self.end < self.start else 0
        length = self.end - self.start + overnight
        first = (day * _DAY_MINUTES + self.start for day in self.days)
        return {(at + step) % _WEEK_MINUTES for at in first for step in range(length)}


class Schedule(NamedTuple):
    """When something runs each week. ``zone`` is a tz database name, or None for "always"."""

    windows: tuple[Window, ...]
    zone: str | None
    text: str

    @property
    def week_hours(self) -> Fraction:
        """Hours a week; minutes that two windows share count once."""
        covered: set[int] = set()
        for window in self.windows:
            covered |= window.minutes()
        return Fraction(len(covered), 60)

    @property
    def month_hours(self) -> Fraction:
        """Hours a month of 730 hours: a week has 168, so hours a week x 730 / 168."""
        return self.week_hours * HOURS_PER_MONTH / 168


ALWAYS: Final = Schedule((Window(tuple(range(7)), 0, _DAY_MINUTES),), None, "always")


def parse_schedule(text: str) -> Schedule:
    """The schedule that ``text`` says: days, times and a time zone; or ``always``.

    Days are ``mon-fri``, ``sat,sun`` or ``daily``; several windows are joined by ``;``; 22:00-06:00
    runs into the next day and 24:00 is midnight. Raises ValueError with what to write instead.
    """
    words = text.split()
    if [word.lower() for word in words] in (["always"], ["24/7"]):
        return ALWAYS
    if len(words) < 3 or not _ZONE.fullmatch(words[-1]):
        raise ValueError(
            f"{text!r} does not say days, times and a time zone: write {EXAMPLE}, or always"
        )
    windows = " ".join(words[:-1]).split(";")
    return Schedule(tuple(_window(part) for part in windows), words[-1], " ".join(words))


def _window(text: str) -> Window:
    words = text.split()
    if len(words) != 2:
        raise ValueError(f"{text.strip()!r} is not days and times: write it as in {EXAMPLE}")
    match = _TIMES.fullmatch(words[1])
    if match is None:
        raise ValueError(f"{words[1]!r} is not a span of time: write it as 09:00-19:00")
    start, end = _minute(match[1], match[2], 23), _minute(match[3], match[4], 24)
    if start == end:
        raise ValueError(f"{words[1]!r} starts where it ends: write 00:00-24:00 for a whole day")
    return Window(_days(words[0]), start, end)


def _minute(hour: str, minute: str, last_hour: int) -> int:
    at = int(hour) * 60 + int(minute)
    if int(minute) > 59 or int(hour) > last_hour or at > _DAY_MINUTES:
        raise ValueError(f"{hour}:{minute} is no time of day: write 00:00 to 24:00")
    return at


def _days(text: str) -> tuple[int, ...]:
    """Numbers of the days in ``mon-fri``, ``sat,sun`` or ``daily``; ``fri-mon`` wraps."""
    if text.lower() == "daily":
        return tuple(range(7))
    found: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = part.partition("-")
        start, end = _day(first), _day(last if dash else first)
        found |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return tuple(sorted(found))


def _day(text: str) -> int:
    if text not in DAYS:
        raise ValueError(f"{text!r} is no day: write mon, tue, wed, thu, fri, sat, sun or daily")
    return DAYS.index(text)
