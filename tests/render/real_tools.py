"""Finds the real readers of rendered files: Docker's compose plugin and systemd-analyze.

The plugin reads a file without any daemon. A machine without Docker has it once the test farm's
image was built (`tests/farm/farm image`), which takes it from Debian's package.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.farm.layout import Layout

_PLUGIN: Final = "cli-plugins/docker-compose"
_FOLDERS: Final = (
    "/usr/libexec/docker",
    "/usr/lib/docker",
    "/usr/local/libexec/docker",
    "/usr/local/lib/docker",
)


def compose_plugin() -> str:
    """The plugin's path. Skips the test where there is none, unless the farm is required."""
    image = Layout.from_environment().image
    places = [*map(Path, _FOLDERS), image / "usr/libexec/docker", Path.home() / ".docker"]
    for folder in places:
        if os.access(folder / _PLUGIN, os.X_OK):
            return str(folder / _PLUGIN)
    return _missing("Docker's compose plugin: install it, or run `tests/farm/farm image`")


def systemd_analyze() -> str:
    """The program's path. Skips the test where there is none, unless the farm is required."""
    return shutil.which("systemd-analyze") or _missing("systemd-analyze, of Debian's systemd")


def _missing(what: str) -> str:
    if os.environ.get("PLANNER_REQUIRE_FARM") == "1":
        pytest.fail(f"needs {what}")
    pytest.skip(f"needs {what}")
