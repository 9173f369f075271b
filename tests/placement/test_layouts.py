"""Over many cards, or a copy on each: what each layout holds, how fast it is, and what fails."""

from dataclasses import replace

from planner.placement.layouts import Layout, layouts
from planner.placement.place import place
from planner.sizing.values import Speed
from planner.units import GIB
from planner.views.layouts import layouts_to_list, layouts_to_text
from planner.views.terminal import Style
from tests.placement.builders import cards, farm, host, model, report


def size(model, host, devices):
    """40 GiB over the cards; two cards read 1.5 times as fast as one."""
    count = max(1, len(devices))
    told = report(model, devices, 40 * GIB // count, max_context=8192 * (count - 1))
    return replace(told, decode=Speed(1, 100 * 1.5 ** (count.bit_length() - 1), 999))


def compared(**spec):
    whole = farm([host("box", cards(4)), host("one", cards(1))], [model("big",
                 context=8192, **spec)])  # fmt: skip
    return layouts(place(whole, size)[0].replicas, size)


def test_every_way_to_use_equal_cards_is_compared() -> None:
    (found,) = compared()
    one, two, four = found.layouts
    assert (found.model, found.host, found.device) == ("big", "box", "rtx-4090")
    assert (one.cards, one.copies, one.works) == (1, 4, False)
    assert one.fault == "each card lacks 16.01 GiB"
    assert (two.copies, two.max_context, two.each, two.total) == (2, 8192, 150, 300)
    assert (four.copies, four.max_context, four.total) == (1, 24576, 225)


def test_what_the_blueprint_fixes_is_not_compared() -> None:
    assert compared(tensor_parallel=2) == ()


def test_the_table_says_what_fails_with_one_card() -> None:
    text = layouts_to_text(compared(), Style())
    lines = text.splitlines()
    assert lines[0] == "big on the 4 x rtx-4090 of box"
    assert lines[2].startswith("4 copies on one card each")
    assert lines[2].endswith("each card lacks 16.01 GiB")
    assert max(map(len, lines)) <= 80
    assert layouts_to_list(compared())[0]["layouts"][1]["total"] == 300


def test_each_layout_says_how_much_stops_when_a_card_fails() -> None:
    lines = layouts_to_text(compared(), Style()).splitlines()
    assert lines[1].endswith(" out")
    for layout in compared()[0].layouts:
        (line,) = [line for line in lines if line.startswith(_start(layout))]
        if layout.works:
            assert line.split()[-1] == f"{100 / layout.copies:.0f}"
    assert "out: per cent of the copies that stop when one card fails" in lines
    assert [item["out"] for item in layouts_to_list(compared())[0]["layouts"]] == [
        round(1 / layout.copies, 3) for layout in compared()[0].layouts
    ]


def _start(layout: Layout) -> str:
    return "one copy on " if layout.copies == 1 else f"{layout.copies} copies on "
