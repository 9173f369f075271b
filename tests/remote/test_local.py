"""The road to this machine."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from planner.errors import PlannerError
from planner.remote.address import HostAddress
from planner.remote.connect import connect
from planner.remote.local import LocalTransport
from planner.remote.transport import ConnectionLost

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="commands run as root")


@pytest.fixture
def here() -> LocalTransport:
    transport = connect(HostAddress("local"))
    assert isinstance(transport, LocalTransport)
    return transport


def test_a_command_gets_its_input_and_gives_everything_back(here: LocalTransport) -> None:
    lines: list[str] = []
    script = 'cat; echo "$1" >&2; exit 7'
    result = here.run(["sh", "-c", script, "sh", "a b"], stdin=b"1\n2\n", on_line=lines.append)
    assert (result.exit, result.stdout, result.stderr) == (7, "1\n2\n", "a b\n")
    assert lines == ["1", "2"]


def test_large_outputs_on_both_streams_do_not_block(here: LocalTransport) -> None:
    script = "head -c 500000 /dev/zero >&2; head -c 500000 /dev/zero"
    result = here.run(["sh", "-c", script])
    assert (len(result.stdout), len(result.stderr)) == (500_000, 500_000)


def test_input_that_nobody_reads_is_no_failure(here: LocalTransport) -> None:
    assert here.run(["true"], stdin=bytes(1 << 20)).ok


def test_a_command_that_takes_too_long_is_given_up(here: LocalTransport) -> None:
    with pytest.raises(ConnectionLost):
        here.run(["sleep", "30"], seconds=0.05)


def test_put_goes_on_at_its_offset(here: LocalTransport, tmp_path: Path) -> None:
    target = str(tmp_path / "a b")
    here.put(io.BytesIO(b"0123"), target, progress=lambda _: None)
    sent: list[int] = []
    here.put(io.BytesIO(b"0123456"), target, offset=4, progress=sent.append)
    assert Path(target).read_bytes() == b"0123456"
    assert sent == [7]


def test_put_says_why_it_failed(here: LocalTransport, tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match="cannot be written"):
        here.put(io.BytesIO(b"x"), f"{tmp_path}/no/such/folder", progress=lambda _: None)
