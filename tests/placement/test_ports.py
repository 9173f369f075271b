"""Ports stay what they are when other models come and go."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.placement.ports import FIRST_PORT, PORTS, PortWish, assign_ports, stable_port


def test_port_is_the_hash_of_the_name() -> None:
    number = int(hashlib.sha256(b"home/chat/0").hexdigest()[:16], 16) % 10000
    assert stable_port("home", "chat", 0) == 20000 + number


def test_written_port_is_kept_and_others_step_aside() -> None:
    port = stable_port("home", "chat", 0)
    wishes = [PortWish("box", "chat", 0), PortWish("box", "other", 0, written=port)]
    assert assign_ports("home", wishes, {}) == {("chat", 0): port + 1, ("other", 0): port}


def test_port_taken_by_a_service_is_passed_over_on_its_host_only() -> None:
    port = stable_port("home", "chat", 0)
    taken = {"box": {port, port + 1}}
    assert assign_ports("home", [PortWish("box", "chat", 0)], taken) == {("chat", 0): port + 2}
    assert assign_ports("home", [PortWish("two", "chat", 0)], taken) == {("chat", 0): port}


def test_probing_wraps_at_the_end_of_the_range() -> None:
    port = stable_port("home", "chat", 0)
    taken = {"box": set(range(port, FIRST_PORT + PORTS))}
    assert assign_ports("home", [PortWish("box", "chat", 0)], taken)["chat", 0] == FIRST_PORT


def test_full_range_is_said() -> None:
    taken = {"box": set(range(FIRST_PORT, FIRST_PORT + PORTS))}
    with pytest.raises(ValueError, match="box has no free port"):
        assign_ports("home", [PortWish("box", "chat", 0)], taken)


names = st.text("abcdefghijklmnop", min_size=1, max_size=4)


@given(st.sets(names, min_size=1, max_size=30), names)
def test_adding_a_model_moves_no_other_unless_both_hash_alike(have: set[str], new: str) -> None:
    hashes = {stable_port("p", name, 0) for name in have}
    before = assign_ports("p", [PortWish("box", n, 0) for n in have], {})
    after = assign_ports("p", [PortWish("box", n, 0) for n in have | {new}], {})
    assert len(set(after.values())) == len(after)
    if stable_port("p", new, 0) not in set(before.values()) | hashes:
        assert {key: after[key] for key in before} == before
