"""Names, addresses and paths: where everything of the farm lives."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tests.farm.commands import FarmError

DEFAULT_DIR = Path("/var/tmp/planner-farm")  # survives a reboot, unlike /tmp on many machines
PROJECT_ROOT = Path(__file__).resolve().parents[2]

MOST_NUMBER = 99


def _number() -> int:
    text = os.environ.get("FARM_NUMBER") or "0"
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_NUMBER):
        raise SystemExit(f"farm: FARM_NUMBER is 0 to {MOST_NUMBER}, not {text!r}")
    return int(text)


# Farms with different numbers share nothing but what is built once, and stand side by side.
NUMBER = _number()
_SUFFIX = f"-{NUMBER}" if NUMBER else ""
GATEWAY = f"10.77.{NUMBER}.1"
PREFIX_LENGTH = 24
FIRST_HOST_BYTE = 11
MOST_HOSTS = 200
BRIDGE = f"br-planner{_SUFFIX}"
GROUP = f"planner-farm{_SUFFIX}"
NAMESPACE_PREFIX = f"planner{NUMBER or ''}-"
LINK_PREFIX = f"pf{NUMBER or ''}-"

# One farm at a time uses the bridge and the addresses, whatever folder it lives in.
RUN_DIR = Path(f"/run/planner-farm{_SUFFIX}")
LOCK_FILE = RUN_DIR / "lock"
STATE_FILE = RUN_DIR / "state.json"
REAPER_LOG = RUN_DIR / "reaper.log"

_HOST_NAME = re.compile(r"farm([1-9][0-9]{0,2})")


@dataclass(frozen=True)
class HostPaths:
    """The folder of one host; it lives and dies with the farm."""

    folder: Path

    @property
    def root(self) -> Path:
        """Where the host's merged root file system is mounted."""
        return self.folder / "root"

    @property
    def upper(self) -> Path:
        """What the host changed against the image."""
        return self.folder / "upper"

    @property
    def work(self) -> Path:
        """Scratch folder that overlayfs needs beside `upper`."""
        return self.folder / "work"

    @property
    def docker(self) -> Path:
        """The host's /var/lib/docker: overlay2 cannot lie on an overlay."""
        return self.folder / "docker"

    @property
    def prepared(self) -> Path:
        """There when the disk has all that it needs for the first boot."""
        return self.folder / "prepared"

    @property
    def console(self) -> Path:
        """Everything the host wrote to its console, all boots."""
        return self.folder / "console.log"


@dataclass(frozen=True)
class Layout:
    """Paths under the farm's folder. Image, archive and key stay between runs, hosts do not."""

    folder: Path

    @classmethod
    def from_environment(cls) -> Layout:
        """The folder in FARM_DIR, or the default."""
        return cls(Path(os.environ.get("FARM_DIR") or DEFAULT_DIR).absolute())

    @property
    def image(self) -> Path:
        return self.folder / "image"

    @property
    def llama(self) -> Path:
        return self.folder / "llama.tar"

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def known_hosts(self) -> Path:
        return self.folder / f"known_hosts{_SUFFIX}"

    @property
    def hosts(self) -> Path:
        return self.folder / f"hosts{_SUFFIX}"

    def host(self, name: str) -> HostPaths:
        return HostPaths(self.hosts / name)


def host_names(count: int) -> list[str]:
    """farm1 .. farm`count`. Raises FarmError when the network has no room for them."""
    if not 1 <= count <= MOST_HOSTS:
        raise FarmError(f"a farm has 1 to {MOST_HOSTS} hosts, not {count}")
    return [f"farm{number}" for number in range(1, count + 1)]


def number_of(name: str) -> int:
    """The number in a host's name. Raises FarmError when it is not a name of the farm's."""
    match = _HOST_NAME.fullmatch(name)
    if match is None or int(match[1]) > MOST_HOSTS:
        raise FarmError(f"no such host: {name!r}; hosts are called farm1, farm2, ...")
    return int(match[1])


def address_of(name: str) -> str:
    """The host's IPv4 address: farm1 is 10.77.0.11."""
    return f"{GATEWAY.rpartition('.')[0]}.{FIRST_HOST_BYTE + number_of(name) - 1}"


def namespace_of(name: str) -> str:
    """The host's network namespace."""
    return f"{NAMESPACE_PREFIX}{name}"


def link_of(name: str) -> str:
    """This machine's end of the host's network cable (at most 15 characters)."""
    return f"{LINK_PREFIX}{name}"


def machine_of(name: str) -> str:
    """What systemd-nspawn calls the host: no two machines of one name run at once."""
    return f"{name}{_SUFFIX}"
