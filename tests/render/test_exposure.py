"""A port is open as far as was asked for, and never to everybody without a key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.blueprint.schema import Exposure
from planner.render.exposure import check_exposure
from tests.engines.launches import launch


def said(expose: Exposure, listen: str | None) -> list[str]:
    placed = launch("llama.cpp", expose=expose).placed
    placed = replace(placed, host=placed.host._replace(listen=listen))
    return [item.where for item in check_exposure(placed)]


@pytest.mark.parametrize("listen", [None, "8.8.8.8", "0.0.0.0"])
def test_loopback_needs_no_address(listen: str | None) -> None:
    assert said(Exposure.LOOPBACK, listen) == []


@pytest.mark.parametrize(
    "listen", ["10.0.0.2", "192.168.1.10", "172.16.0.1", "100.64.0.7", "fd12::1", "127.0.0.1"]
)
def test_private_addresses_may_be_listened_on(listen: str) -> None:
    assert said(Exposure.LAN, listen) == []


@pytest.mark.parametrize(
    "listen", ["0.0.0.0", "::", "8.8.8.8", "2600::1", "100.128.0.1", "box.lan", ""]
)
def test_others_may_not(listen: str) -> None:
    assert said(Exposure.LAN, listen) == ["hosts.box.listen"]


def test_a_host_without_a_private_address_is_said() -> None:
    assert said(Exposure.LAN, None) == ["models.chat.expose"]


def test_public_is_refused() -> None:
    assert said(Exposure.PUBLIC, "10.0.0.2") == ["models.chat.expose"]
