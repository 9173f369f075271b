"""Refuses a host whose key is unknown or has changed, and says which command settles it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from planner.errors import TrustRefused
from planner.remote.known_hosts import HostKey, Verdict, fingerprint, host_name, judge, keys_of
from planner.remote.ssh_config import Login


def trusted_keys(login: Login) -> list[HostKey]:
    """The lines about this host in all of its known_hosts files that can be read."""
    name = host_name(login.name, login.port)
    keys: list[HostKey] = []
    for path in login.known_hosts:
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        keys += keys_of(text, name, str(path))
    return keys


def check_host_key(login: Login, keys: Sequence[HostKey], kind: str, blob: bytes) -> None:
    """Raises TrustRefused unless the key the host showed is one of ``keys``."""
    verdict = judge(keys, kind, blob)
    if verdict is Verdict.TRUSTED:
        return
    name = host_name(login.name, login.port)
    shown = f"it shows {kind} {fingerprint(blob)}"
    file = login.known_hosts[0]
    scan = shlex.join(["ssh-keyscan", "-p", str(login.port), login.host]) + f" >> {_path(file)}"
    if login.jump is not None:
        # ssh-keyscan cannot go through another host; ssh asks, and writes the key down
        through = ["ssh", "-J", str(login.jump), "-p", str(login.port)]
        scan = shlex.join([*through, f"{login.user}@{login.host}", "true"])
    if verdict is Verdict.UNKNOWN:
        raise TrustRefused(
            f"the host key of {name} is not known",
            where=login.host,
            cause=shown,
            advice=f"compare that fingerprint with the host's own "
            f"(there: ssh-keygen -lf /etc/ssh/ssh_host_{_short(kind)}_key.pub), then: {scan}",
        )
    if verdict is Verdict.REVOKED:
        raise TrustRefused(
            f"the host key of {name} is revoked", where=login.host, cause=f"{shown}, in {file}"
        )
    old = next(key for key in keys if not key.revoked)
    forget = shlex.join(["ssh-keygen", "-R", name]) + f" -f {_path(Path(old.file))}"
    raise TrustRefused(
        f"the host key of {name} has changed: the host was reinstalled, or somebody is in between",
        where=login.host,
        cause=f"{shown}, but {old.file}:{old.line} has {old.kind} {fingerprint(old.blob)}",
        advice=f"only if you know why it changed: {forget} && {scan}",
    )


def _path(path: Path) -> str:
    """A path as people type it."""
    home = str(Path.home())
    text = str(path)
    if text.startswith(home + "/") and shlex.quote(text) == text:
        return "~" + text.removeprefix(home)
    return shlex.quote(text)


def _short(kind: str) -> str:
    """ed25519, ecdsa or rsa: what sshd names the key file after."""
    return "ecdsa" if kind.startswith("ecdsa") else kind.removeprefix("ssh-").split("-")[0]
