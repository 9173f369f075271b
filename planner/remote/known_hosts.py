"""Which host keys a user trusts: reads OpenSSH's known_hosts, decides about a key. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase


class Verdict(Enum):
    """What known_hosts says about a key."""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class HostKey:
    """A line of known_hosts that concerns the host asked about."""

    kind: str  # ssh-ed25519, ecdsa-sha2-nistp256, ssh-rsa
    blob: bytes
    file: str
    line: int
    revoked: bool = False


def keys_of(text: str, name: str, file: str) -> list[HostKey]:
    """The keys that known_hosts text ``text`` lists for ``name``.

    ``name`` is as OpenSSH writes it: the host, or ``[host]:port`` for a port other than 22.
    Lines that cannot be read are passed over, as OpenSSH does; authorities of certificates are
    not supported, so their lines trust nothing.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        marker = fields.pop(0) if fields[0].startswith("@") else ""
        if len(fields) < 3 or marker == "@cert-authority" or not _names(fields[0], name):
            continue
        try:
            blob = base64.b64decode(fields[2], validate=True)
        except binascii.Error:
            continue
        found.append(HostKey(fields[1], blob, file, number, marker == "@revoked"))
    return found


def judge(keys: Iterable[HostKey], kind: str, blob: bytes) -> Verdict:
    """What the lines about a host say of the key it showed.

    A host that is known by keys of other kinds only counts as changed: an attacker picks the kind.
    """
    keys = list(keys)
    if any(key.revoked and key.blob == blob for key in keys):
        return Verdict.REVOKED
    trusted = [key for key in keys if not key.revoked]
    if any(key.kind == kind and key.blob == blob for key in trusted):
        return Verdict.TRUSTED
    return Verdict.CHANGED if trusted else Verdict.UNKNOWN


def host_name(host: str, port: int) -> str:
    """A host as known_hosts names it."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def fingerprint(blob: bytes) -> str:
    """A key's fingerprint as ssh-keygen -l prints it."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def _names(patterns: str, name: str) -> bool:
    """Whether the first field of a line is about ``name``."""
    if patterns.startswith("|1|"):
        return _hashed(patterns, name)
    matched = False
    for pattern in patterns.lower().split(","):
        negated = pattern.startswith("!")
        # [ and ] stand for themselves in known_hosts, not for a set of characters
        glob = pattern.removeprefix("!").replace("[", "[[]")
        if fnmatchcase(name, glob):
            if negated:
                return False
            matched = True
    return matched


def _hashed(field: str, name: str) -> bool:
    """Whether a hashed host field stands for ``name``."""
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in field[3:].split("|"))
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)
