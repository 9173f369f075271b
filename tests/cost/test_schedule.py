"""When a rented host runs, as people write it."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.blueprint.schedule import ALWAYS, DAYS, parse_schedule


@pytest.mark.parametrize(
    ("text", "hours_a_week"),
    [
        ("mon-fri 09:00-19:00 Europe/Berlin", 50),
        ("Mon-Fri 9:00-19:00 Europe/Berlin", 50),
        ("daily 00:00-24:00 UTC", 168),
        ("sat,sun 10:00-14:30 America/Argentina/Ushuaia", 9),
        ("fri-mon 00:00-01:00 UTC", 4),
        ("mon,wed-fri 12:00-13:00 UTC", 4),
        ("sun 22:00-06:00 Asia/Tokyo", 8),
        ("mon-fri 09:00-12:00; mon-fri 13:00-18:00 Europe/Berlin", 40),
        ("mon 09:00-12:00; mon 11:00-13:00 UTC", 4),
        ("sun 23:00-02:00; mon 01:00-03:00 UTC", 4),
        ("always", 168),
        ("24/7", 168),
    ],
)
def test_hours_a_week(text: str, hours_a_week: int) -> None:
    assert parse_schedule(text).week_hours == hours_a_week


def test_a_month_is_730_hours_of_weeks_of_168() -> None:
    assert parse_schedule("mon-fri 09:00-19:00 Europe/Berlin").month_hours == Fraction(
        50 * 730, 168
    )
    assert ALWAYS.month_hours == 730
    assert parse_schedule("daily 00:00-24:00 UTC").month_hours == 730


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "write mon-fri 09:00-19:00 Europe/Berlin, or always"),
        ("mon-fri 09:00-19:00", "time zone"),
        ("mon-fri 09:00-19:00 berlin", "time zone"),
        ("mon-fri 9-19 Europe/Berlin", "write it as 09:00-19:00"),
        ("mon-fri 09:00-25:00 UTC", "25:00 is no time of day"),
        ("mon-fri 24:00-09:00 UTC", "24:00 is no time of day"),
        ("mon-fri 09:60-10:00 UTC", "09:60 is no time of day"),
        ("mon-fri 09:00-24:01 UTC", "24:01 is no time of day"),
        ("mon-fri 09:00-09:00 UTC", "write 00:00-24:00"),
        ("monday 09:00-19:00 UTC", "'monday' is no day"),
        ("mon- 09:00-19:00 UTC", "'' is no day"),
        ("mon-fri 09:00-19:00 extra UTC", "not days and times"),
        ("mon 09:00-10:00; UTC", "not days and times"),
    ],
)
def test_what_to_write_instead(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="(?s).*" + says.replace("(", r"\(")):
        parse_schedule(text)


@given(
    st.sets(st.sampled_from(DAYS), min_size=1),
    st.integers(0, 23 * 60 + 59),
    st.integers(1, 24 * 60),
)
def test_hours_are_days_times_length(days: set[str], start: int, length: int) -> None:
    end = (start + length) % 1440 or 1440
    if start == end:
        return  # a whole day from the middle of one cannot be written; 00:00-24:00 is
    clock = f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
    schedule = parse_schedule(f"{','.join(days)} {clock} UTC")
    assert schedule.week_hours == Fraction(len(days) * length, 60)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_words(text: str) -> None:
    try:
        hours = parse_schedule(text).week_hours
    except ValueError as fault:
        said = str(fault)
    else:
        assert 0 < hours <= 168
        return
    assert ": write " in said
