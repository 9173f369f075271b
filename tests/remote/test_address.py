"""Addresses as people write them."""

from __future__ import annotations

import pytest

from planner.remote.address import HostAddress, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("box", HostAddress("box")),
        ("me@192.168.1.10", HostAddress("192.168.1.10", "me")),
        ("me@box.lan:2222", HostAddress("box.lan", "me", 2222)),
        ("me@[fd00::2]:22", HostAddress("fd00::2", "me", 22)),
        ("fd00::2", HostAddress("fd00::2")),
        ("local", HostAddress("local")),
    ],
)
def test_addresses(text: str, address: HostAddress) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["", "@box", "me@", "box:", "box:0", "box:99999", "box:ssh", "-oProxyCommand=x", "a b",
     "me@a;b", "-x@box", "box:²"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_address(text)


def test_only_local_is_this_machine() -> None:
    assert parse_address("local").is_local
    assert not parse_address("localhost").is_local
