"""How to log in: the address first, then ~/.ssh/config, then SSH's defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import UsageError
from planner.remote.address import HostAddress
from planner.remote.ssh_config import Login, read_ssh_config, resolve_login

HOME = Path("/home/me")
CONFIG = """
Host box
  HostName 10.0.0.2
  User ops
  Port 2222
  IdentityFile ~/.ssh/farm
  IdentitiesOnly yes
  UserKnownHostsFile /k1 /k2
  ProxyJump me@gate:2200
Host strange
  ProxyCommand nc %h %p
Host named
  HostKeyAlias other
"""


def login(address: HostAddress, text: str | None = CONFIG, **environ: str) -> Login:
    config = None
    if text is not None:
        import paramiko

        config = paramiko.SSHConfig.from_text(text)
    return resolve_login(address, config, environ, HOME)


def test_the_configuration_is_read() -> None:
    found = login(HostAddress("box"))
    assert (found.host, found.port, found.user) == ("10.0.0.2", 2222, "ops")
    assert found.identities == (Path("~/.ssh/farm").expanduser(),)
    assert found.known_hosts[:2] == (Path("/k1"), Path("/k2"))
    assert found.jump == HostAddress("gate", "me", 2200)
    assert not found.agent


def test_the_address_wins() -> None:
    address = HostAddress("box", "root", 22, identity="/key", known_hosts="/known", jump="gate2")
    found = login(address, SSH_AUTH_SOCK="/sock")
    assert (found.port, found.user) == (22, "root")
    assert (found.identities, found.explicit) == ((Path("/key"),), True)
    assert found.known_hosts == (Path("/known"),)
    assert found.jump == HostAddress("gate2", identity="/key", known_hosts="/known")


def test_without_a_configuration_ssh_defaults_hold() -> None:
    found = login(HostAddress("box"), None, SSH_AUTH_SOCK="/sock")
    assert (found.host, found.port, found.agent, found.explicit) == ("box", 22, True, False)
    assert HOME / ".ssh/id_ed25519" in found.identities
    assert found.known_hosts[0] == HOME / ".ssh/known_hosts"


def test_known_hosts_may_come_from_the_environment() -> None:
    found = login(HostAddress("box"), PLANNER_KNOWN_HOSTS="/mine")
    assert found.known_hosts == (Path("/mine"),)


def test_the_key_may_come_from_the_environment_but_the_address_wins() -> None:
    found = login(HostAddress("box"), PLANNER_IDENTITY="/keys/farm")
    assert found.identities == (Path("/keys/farm"),)
    found = login(HostAddress("box", identity="/keys/mine"), PLANNER_IDENTITY="/keys/farm")
    assert found.identities == (Path("/keys/mine"),)


def test_a_chain_of_jumps_is_unrolled_from_its_end() -> None:
    found = login(HostAddress("far", jump="a,b:23"), None)
    assert found.jump == HostAddress("b", port=23, jump="a")


def test_an_alias_names_the_host_key() -> None:
    assert login(HostAddress("named")).name == "other"


def test_a_proxy_command_is_refused_in_words() -> None:
    with pytest.raises(UsageError, match="ProxyCommand"):
        login(HostAddress("strange"))


def test_a_configuration_that_is_not_there_is_no_mistake(tmp_path: Path) -> None:
    assert read_ssh_config(tmp_path / "config") is None


def test_a_broken_configuration_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("Host box\n  nonsense\n")
    with pytest.raises(UsageError) as caught:
        read_ssh_config(file)
    assert caught.value.where == str(file)
