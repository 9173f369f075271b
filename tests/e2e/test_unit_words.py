"""A real systemd gives a program the very words that were written into its unit."""

from __future__ import annotations

import base64

import pytest

from planner.render.unit_text import command, entry, to_unit
from tests.farm.control import Host
from tests.render.test_unit_text import NASTY

pytestmark = pytest.mark.farm

UNIT = "planner-words.service"


def test_words_reach_the_program_as_they_are(systemd_host: Host) -> None:
    setting = "ODD=a b  $HOME %n \"q\" \\ 'x' é"
    print_all = 'printf "%s\\0" "$@" "$ODD" >/run/planner-words'
    service = [
        entry("Type", "oneshot"),
        command("ExecStart", "/bin/sh", "-c", print_all, "sh", *NASTY),
        entry("Environment", setting),
    ]
    path = f"/run/systemd/system/{UNIT}"
    systemd_host.run("sh", "-c", f"cat >{path}", text_input=to_unit([("Service", service)]))
    try:
        systemd_host.run("systemctl", "daemon-reload")
        systemd_host.run("systemctl", "start", UNIT)
        printed = base64.b64decode(systemd_host.run("base64", "/run/planner-words").stdout)
        assert printed.decode().split("\0")[:-1] == [*NASTY, setting.removeprefix("ODD=")]
    finally:
        systemd_host.run("rm", "-f", path, "/run/planner-words")
        systemd_host.run("systemctl", "daemon-reload")
