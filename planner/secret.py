"""Secrets as values: where one comes from, who uses it, and the value that nothing can print."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NoReturn

PREFIX: Final = "secret:"
# Where a workload sees its secrets; in a unit, systemd's folder of credentials stands for it.
FOLDER: Final = "/run/secrets"
MAX_BYTES: Final = 64 << 10


class SecretValue:
    """A secret's value. Only ``reveal`` gives it away.

    It cannot be formatted, logged, pickled, copied or written as JSON: each of these raises
    TypeError, so that a mistake is a failure and not a leak. ``repr`` alone answers, because
    tracebacks and debuggers ask for it, and says nothing.
    """

    __slots__ = ("__value",)

    def __init__(self, value: bytes) -> None:
        self.__value = value

    def reveal(self) -> bytes:
        """The value, for the one place that sends it and the one that stores it."""
        return self.__value

    def fingerprint(self, key: bytes) -> str:
        """What tells this value from others, to those alone who have ``key``.

        SHA-256 over the key and the value, because a shell without OpenSSL computes it as well;
        nobody is convinced by it, so that lengthening it gains nothing.
        """
        return hashlib.sha256(key + self.__value).hexdigest()

    def __repr__(self) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretValue):
            return NotImplemented
        return hmac.compare_digest(self.__value, other.__value)

    __hash__ = None  # type: ignore[assignment] # a key of a mapping is soon printed

    def __str__(self) -> str:
        self._refuse()

    def __format__(self, spec: str) -> str:
        self._refuse()

    def __reduce_ex__(self, protocol: object) -> str:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise TypeError("a secret cannot be turned into text")


class SecretKind(StrEnum):
    """Where a secret's value comes from."""

    ENV = "env"  # an environment variable of whoever runs planner
    FILE = "file"
    SOPS = "sops"  # a value in a file that sops encrypted
    AGE = "age"  # a file that age encrypted
    PROMPT = "prompt"  # asked for when a host lacks it
    GENERATED = "generated"  # made by planner and kept beside the blueprint

    @property
    def kept_by_hosts(self) -> bool:
        """Whether a host's value is the right one when it is nowhere else."""
        return self in (SecretKind.PROMPT, SecretKind.GENERATED)


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret named ``name`` comes from: a reference, never a value.

    ``place`` is the variable or path as written, ``key`` the value's path in a sops file or the
    identity file of age.
    """

    name: str
    kind: SecretKind = SecretKind.GENERATED
    place: str = ""
    key: str = ""

    @property
    def origin(self) -> str:
        """How people read it in a plan: ``$HF_TOKEN``."""
        match self.kind:
            case SecretKind.ENV:
                return f"${self.place}"
            case SecretKind.FILE | SecretKind.AGE:
                return self.place
            case SecretKind.SOPS:
                return f"{self.place} ({self.key})" if self.key else self.place
            case SecretKind.PROMPT:
                return "what you type"
            case SecretKind.GENERATED:
                return "made by planner"


@dataclass(frozen=True, slots=True)
class SecretUse:
    """A workload's use of a secret, as a file that ``owner`` (a user id inside) may read.

    With ``variable`` the program is started with that variable set from the file, for programs
    that read no file.
    """

    name: str
    variable: str | None = None
    owner: int = 0

    @property
    def path(self) -> str:
        """The file as the workload sees it."""
        return f"{FOLDER}/{self.name}"

    @property
    def place(self) -> str:
        """The file on the host, within the project's folder: one copy an owner."""
        return f"secrets/{self.name}@{self.owner}" if self.owner else f"secrets/{self.name}"


def reference(text: str) -> str | None:
    """The secret that ``secret:NAME`` names; None for a text that is no reference."""
    return text[len(PREFIX) :] if text.startswith(PREFIX) else None
