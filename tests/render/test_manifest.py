"""A release's description comes back from a host as it was written."""

from __future__ import annotations

from planner.render.bundle import Probe, Runtime, Workload
from planner.render.manifest import read_manifest, render_manifest

BARE = Workload(
    "quiet-0", "models.quiet[0]", Runtime.SYSTEMD, "d1", ("a",), Probe(20001, "/health"), 20001
)
CARDS = Workload(
    "chat-0", "models.chat[0]", Runtime.COMPOSE, "d2", devices=(0, 3), memory_share=0.45
)


def test_workloads_come_back_with_their_cards_and_caps() -> None:
    written = render_manifest("demo", "box", (), (BARE, CARDS), ())
    assert read_manifest(written.content).workloads == (BARE, CARDS)


def test_what_needs_no_card_says_nothing_of_cards() -> None:
    assert "devices" not in render_manifest("demo", "box", (), (BARE,), ()).content
