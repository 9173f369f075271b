"""Debian packages from the mirror of this machine's apt, verified by apt itself."""

from __future__ import annotations

import os
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from tests.farm.commands import KEYRING, FarmError, run

_MIRROR_VARIABLE = "PLANNER_FARM_MIRROR"


def mirror_with(suite: str) -> str:
    """Address of a mirror that has `suite`: the one in PLANNER_FARM_MIRROR, else one of apt's own.

    Raises FarmError when none of them has it, as on a distribution other than Debian.
    """
    given = os.environ.get(_MIRROR_VARIABLE)
    candidates = [given.rstrip("/")] if given else _configured_sites()
    for site in candidates:
        if _serves(site, suite):
            return site
    looked_at = ", ".join(candidates) or "none with http"
    raise FarmError(
        f"no mirror in apt's configuration has Debian {suite} (looked at: {looked_at}).\n"
        f"Name one: {_MIRROR_VARIABLE}=http://MIRROR/debian"
    )


def _configured_sites() -> list[str]:
    """Sites of apt's package indexes, the most used first."""
    shown = run(["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]).stdout
    sites = [site.rstrip("/") for site in shown.split() if site.startswith(("http://", "https://"))]
    return [site for site, _ in Counter(sites).most_common()]


def _serves(site: str, suite: str) -> bool:
    try:
        with urllib.request.urlopen(f"{site}/dists/{suite}/InRelease", timeout=20) as answer:
            return b"BEGIN PGP SIGNED MESSAGE" in answer.read(200)
    except OSError:
        return False


class Suite:
    """One Debian suite seen through an apt of its own: nothing of the machine's apt is touched."""

    def __init__(self, suite: str, folder: Path, log: IO[str]) -> None:
        """Read the suite's index into `folder`, which the caller removes."""
        self._folder = folder
        self._log = log
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        sources = folder / "sources.list"
        sources.write_text(f"deb [signed-by={KEYRING}] {mirror_with(suite)} {suite} main\n")
        self._options = [
            f"Dir::Etc::SourceList={sources}",
            "Dir::Etc::SourceParts=-",
            f"Dir::State::Lists={folder / 'lists'}",
            "Dir::State::Status=/dev/null",
            f"Dir::Cache={folder / 'cache'}",
            "Dir::Cache::pkgcache=",
            "Dir::Cache::srcpkgcache=",
            "APT::Sandbox::User=root",
            "APT::Install-Recommends=false",
            "Acquire::Languages=none",
            "Acquire::Retries=3",
        ]
        self._apt("update", "--error-on=any")

    def fetch(self, packages: Sequence[str]) -> list[Path]:
        """Fetch packages and all they depend on, installed here or not; the .deb files, sorted."""
        self._apt("install", "--yes", "--download-only", *packages)
        return sorted((self._folder / "cache" / "archives").glob("*.deb"))

    def _apt(self, verb: str, *words: str) -> None:
        options = [word for option in self._options for word in ("-o", option)]
        run(["apt-get", *options, "--quiet", verb, *words], log=self._log)
