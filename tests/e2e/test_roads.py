"""The road over SSH to real hosts: trust, logins, jumps, streams, time limits."""

from __future__ import annotations

import hashlib
import io
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from planner.errors import HostUnreachable, PlannerError, TrustRefused
from planner.remote.address import HostAddress
from planner.remote.connect import connect
from planner.remote.transport import ConnectionLost, HttpRequest, Transport
from tests.farm import image
from tests.farm.control import Farm, Host

pytestmark = pytest.mark.farm

Address = Callable[..., HostAddress]


@pytest.fixture
def address(farm: Farm) -> Address:
    """The address of a host of the farm, by name, with what a test changes of it."""

    def make(host: Host, **changes: str | int | None) -> HostAddress:
        usual = {
            "host": host.address,
            "user": "root",
            "identity": str(farm.key),
            "known_hosts": str(farm.known_hosts),
        }
        return HostAddress(**{**usual, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def road(docker_host: Host, address: Address) -> Iterator[Transport]:
    """A connection as root to a host."""
    with closing(connect(address(docker_host))) as transport:
        yield transport


def test_a_command_gets_its_arguments_and_its_input_and_gives_everything_back(
    road: Transport,
) -> None:
    script = 'cat; echo "$1" >&2; exit 7'
    result = road.run(["sh", "-c", script, "sh", "a 'b' $(c)"], stdin=b"in\xc3\xa9")
    assert (result.exit, result.stdout, result.stderr) == (7, "iné", "a 'b' $(c)\n")


def test_large_outputs_on_both_streams_do_not_block(road: Transport) -> None:
    script = "head -c 5000000 /dev/zero | tr '\\0' e >&2; head -c 5000000 /dev/zero | tr '\\0' o"
    result = road.run(["sh", "-c", script], seconds=30)
    assert (len(result.stdout), len(result.stderr)) == (5_000_000, 5_000_000)


def test_lines_come_while_the_command_runs(road: Transport) -> None:
    seen: list[tuple[str, float]] = []
    script = "echo one; read -r _ </dev/null; sleep 0.4; printf two"
    road.run(["sh", "-c", script], on_line=lambda line: seen.append((line, time.monotonic())))
    assert [line for line, _ in seen] == ["one", "two"]
    assert seen[1][1] - seen[0][1] > 0.2


def test_a_command_that_takes_too_long_is_given_up(road: Transport) -> None:
    with pytest.raises(ConnectionLost, match="connection to"):
        road.run(["sleep", "30"], seconds=0.5)
    assert road.run(["true"]).ok


def test_put_goes_on_at_its_offset(road: Transport) -> None:
    content = bytes(range(256)) * 8192
    sent: list[int] = []
    road.put(io.BytesIO(content[:1000]), "/tmp/put", progress=lambda _: None)
    road.put(io.BytesIO(content), "/tmp/put", offset=1000, progress=sent.append)
    assert sent[-1] == len(content)
    assert sent == sorted(sent)
    digest = road.run(["sha256sum", "/tmp/put"]).stdout.split()[0]
    assert digest == hashlib.sha256(content).hexdigest()


def test_put_says_why_the_host_refused(road: Transport) -> None:
    with pytest.raises(PlannerError) as caught:
        road.put(io.BytesIO(bytes(4 << 20)), "/dev/full", progress=lambda _: None)
    assert "No space left on device" in (caught.value.cause or "")


def test_a_port_of_the_host_is_asked_through_the_connection(road: Transport) -> None:
    server = ["systemd-run", "--unit=asked", "python3", "-m", "http.server", "8765"]
    assert road.run([*server, "--bind", "127.0.0.1"]).ok
    try:
        request = HttpRequest(8765, "/")
        deadline = time.monotonic() + 20
        while (answer := road.http(request)) is None:
            assert time.monotonic() < deadline
        assert answer.ok
        assert b"Directory listing" in answer.body
        missing = road.http(HttpRequest(8765, "/nothing-here"))
        assert missing is not None
        assert missing.status == 404
    finally:
        road.run(["systemctl", "stop", "asked"])
    assert road.http(HttpRequest(8766, "/")) is None


def test_an_unknown_key_is_refused_and_the_printed_command_settles_it(
    docker_host: Host, address: Address, tmp_path: Path
) -> None:
    known = tmp_path / "known hosts"
    unknown = address(docker_host, known_hosts=str(known))
    with pytest.raises(TrustRefused) as caught:
        connect(unknown)
    error = caught.value
    shown = docker_host.run("ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub").stdout
    assert shown.split()[1] in (error.cause or "")
    assert error.exit_code == 11
    command = (error.advice or "").rpartition("then: ")[2]
    assert command.startswith("ssh-keyscan ")
    subprocess.run(command, shell=True, check=True, capture_output=True)
    connect(unknown).close()
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", known], check=True, capture_output=True)
    assert docker_host.address not in known.read_text()
    connect(unknown).close()


def test_a_changed_key_is_refused_and_the_printed_command_settles_it(
    docker_host: Host, systemd_host: Host, address: Address, tmp_path: Path
) -> None:
    other = systemd_host.run("cat", "/etc/ssh/ssh_host_ed25519_key.pub").stdout
    known = tmp_path / "known_hosts"
    known.write_text(f"{docker_host.address} {other}")
    changed = address(docker_host, known_hosts=str(known))
    with pytest.raises(TrustRefused, match="has changed") as caught:
        connect(changed)
    assert f"{known}:1 has ssh-ed25519" in (caught.value.cause or "")
    command = (caught.value.advice or "").partition(": ")[2]
    assert command.startswith(f"ssh-keygen -R {docker_host.address}")
    subprocess.run(command, shell=True, check=True, capture_output=True)
    connect(changed).close()


def test_a_user_with_sudo_works_as_root(docker_host: Host, address: Address) -> None:
    with closing(connect(address(docker_host, user=image.ADMINISTRATOR))) as transport:
        assert transport.run(["id", "-u"]).stdout == "0\n"
        content = bytes(range(256)) * 40_000
        transport.put(io.BytesIO(content), "/root/by-sudo", progress=lambda _: None)
        digest = transport.run(["sha256sum", "/root/by-sudo"]).stdout.split()[0]
        assert digest == hashlib.sha256(content).hexdigest()


def test_a_user_without_sudo_is_told_how_to_get_it(
    docker_host: Host, address: Address, farm: Farm
) -> None:
    docker_host.run("useradd", "--create-home", "--shell=/bin/bash", "plain")
    docker_host.run("cp", "-r", "/root/.ssh", "/home/plain/")
    docker_host.run("chown", "-R", "plain:", "/home/plain/.ssh")
    try:
        with closing(connect(address(docker_host, user="plain"))) as transport:
            with pytest.raises(HostUnreachable, match="sudo") as caught:
                transport.run(["id", "-u"])
            assert "planner hosts sudoers --user plain" in (caught.value.advice or "")
    finally:
        docker_host.run("userdel", "--remove", "--force", "plain")


def test_a_refused_login_names_the_keys_that_were_tried(
    docker_host: Host, address: Address, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    with pytest.raises(HostUnreachable, match="refused the login of root") as caught:
        connect(address(docker_host, identity=str(key)))
    assert str(key) in (caught.value.cause or "")
    assert "ssh-copy-id" in (caught.value.advice or "")


def test_a_key_with_a_passphrase_is_said_to_need_the_agent(
    docker_host: Host, address: Address, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", key], check=True)
    with pytest.raises(HostUnreachable) as caught:
        connect(address(docker_host, identity=str(key)))
    assert f"ssh-add {key}" in (caught.value.cause or "")


def test_the_agent_opens_the_door(
    docker_host: Host, address: Address, farm: Farm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    line = ["ssh-agent", "-D", "-a", str(tmp_path / "agent")]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL) as agent:
        try:
            monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
            monkeypatch.setenv("HOME", str(tmp_path))
            deadline = time.monotonic() + 10
            while not (tmp_path / "agent").exists():
                assert time.monotonic() < deadline
            subprocess.run(["ssh-add", "-q", farm.key], check=True)
            with closing(connect(address(docker_host, identity=None))) as transport:
                assert transport.run(["true"]).ok
        finally:
            agent.terminate()


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_keys_open_the_door_too(
    docker_host: Host, address: Address, tmp_path: Path, kind: str
) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    docker_host.run("sh", "-c", f"echo {shlex.quote(public)} >>/root/.ssh/authorized_keys")
    connect(address(docker_host, identity=str(key))).close()


def test_a_host_behind_another_is_reached_through_it(
    docker_host: Host, systemd_host: Host, address: Address
) -> None:
    behind = address(systemd_host, jump=f"root@{docker_host.address}")
    with closing(connect(behind)) as transport:
        assert transport.run(["hostname"]).stdout.strip() == systemd_host.name
        origin = transport.run(["sh", "-c", 'echo "$SSH_CONNECTION"'])
        assert origin.stdout.split()[0] == docker_host.address


def test_an_unknown_host_behind_another_gets_advice_that_goes_through_it(
    docker_host: Host, systemd_host: Host, address: Address, tmp_path: Path
) -> None:
    keys = docker_host.run("cat", "/etc/ssh/ssh_host_ed25519_key.pub").stdout
    known = tmp_path / "known_hosts"
    known.write_text(f"{docker_host.address} {keys}")
    behind = address(systemd_host, jump=f"root@{docker_host.address}", known_hosts=str(known))
    with pytest.raises(TrustRefused) as caught:
        connect(behind)
    assert caught.value.where == systemd_host.address
    assert f"ssh -J root@{docker_host.address}" in (caught.value.advice or "")


def test_a_port_that_nobody_listens_on_is_named(docker_host: Host, address: Address) -> None:
    with pytest.raises(HostUnreachable, match="cannot be reached on port 2222") as caught:
        connect(address(docker_host, port=2222))
    assert caught.value.cause == "Connection refused"


def test_a_cut_cable_ends_the_wait_within_its_limit(
    docker_host: Host, address: Address, road: Transport
) -> None:
    docker_host.cut()
    try:
        begun = time.monotonic()
        with pytest.raises(HostUnreachable, match="cannot be reached"):
            connect(address(docker_host))
        assert time.monotonic() - begun < 12
        with pytest.raises(ConnectionLost):
            road.run(["true"], seconds=3)
        assert time.monotonic() - begun < 20
    finally:
        docker_host.mend()
