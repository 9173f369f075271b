"""The program that sudo lets a user run: it knows planner's scripts and refuses everything else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from planner.apply import steps
from planner.apply.steps import Layout
from planner.errors import UsageError
from planner.remote.helper import helper_text, installer
from planner.remote.script import Command, Script, script_text
from planner.remote.transport import command_line, put_command
from planner.secret import SecretValue

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="hosts are Linux")
LAYOUT = Layout("demo")
REFUSED = 77


@pytest.fixture
def helper(tmp_path: Path) -> Path:
    """The program, with what it would start printed instead."""
    path = tmp_path / "planner-host"
    path.write_text(helper_text().replace('exec "$@"', 'printf "%s\\n" "$1" "$2" "$4" "$5"'))
    return path


def run(helper: Path, command: Command) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["sh", helper, *command.argv], input=command.stdin, capture_output=True)


def every() -> dict[str, Command]:
    """The commands that planner gives."""
    changes = {
        "begin": steps.begin_transfer(LAYOUT, "x.part"),
        "activate": steps.activate(LAYOUT, "abc"),
        "secret": steps.put_secret(LAYOUT, "secrets/a", 0, (), SecretValue(b"x")),
        "remove": steps.remove_project(LAYOUT),
        "data": steps.remove_data(LAYOUT, "notes"),
        "watch": steps.watch(LAYOUT, 60, "abc"),
    }
    guarded = {f"guarded-{k}": steps.guarded(LAYOUT, "t", c, 60) for k, c in changes.items()}
    return {
        **changes,
        **guarded,
        "observe": steps.observe(LAYOUT),
        "lock": steps.lock(LAYOUT, "t", "me", 30),
        "unlock": steps.unlock(LAYOUT, "t"),
        "put": Command(tuple(put_command(LAYOUT.incoming("x.part"), 0)), b"x"),
    }


@pytest.mark.parametrize("name", every())
def test_it_runs_what_planner_asks_for(helper: Path, name: str) -> None:
    done = run(helper, every()[name])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:3] == [b"sh", b"-c", b"sh"]


STOP = script_text(Script.STOP).decode()
GUARD = script_text(Script.GUARD).decode()
OURS = ("/var/lib/planner", "/etc/systemd/system", "demo")


def ours(script: Script, *words: str) -> tuple[str, ...]:
    """A script of planner's on its own folders, with these words besides."""
    return ("sh", "-c", script_text(script).decode(), "sh", *OURS, *words)


# what would be more than planner's scripts on planner's folders
ASTRAY = {
    "a watch with a program of somebody's own": ours(
        Script.WATCH, "/run/planner", "60", "abc", "id", script_text(Script.ACTIVATE).decode()
    ),
    "a watch whose second program is": ours(
        Script.WATCH, "/run/planner", "60", "abc", script_text(Script.GO_BACK).decode(), "id"
    ),
    "a watch elsewhere": ours(Script.WATCH, "/etc", "60", "abc"),
    "a file moved out": ours(Script.PLACE_FILE, "x", "0", "weights/../../../../../etc/cron.d/x"),
    "a file moved in": ours(Script.PLACE_FILE, "../../../../../etc/shadow", "0", "weights/0/x"),
    "a folder unpacked outside": ours(Script.UNPACK_ROOT, "x", "0", "../../../../etc"),
    "a mark removed outside": ours(Script.SECRETS_READ, "../../../../../../etc/passwd"),
    "the locks of others": ours(Script.UNLOCK, "/run/other", "token"),
}


@pytest.mark.parametrize("name", ASTRAY)
def test_its_scripts_stay_in_planners_folders(helper: Path, name: str) -> None:
    done = run(helper, Command(ASTRAY[name]))
    assert done.returncode == REFUSED, done.stdout
    assert done.stdout == b""


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("id",),
        ("sh",),
        ("sh", "-c", "id"),
        ("sh", "-c", "id", "sh", "/var/lib/planner", "/etc/systemd/system", "demo"),
        ("sh", "-c", STOP + "id", "sh", "/var/lib/planner", "/etc/systemd/system", "demo"),
        ("sh", "-c", STOP, "sh", "/etc", "/etc/systemd/system", "demo"),
        ("sh", "-c", STOP, "sh", "/var/lib/planner", "/tmp", "demo"),
        ("sh", "-c", STOP, "sh", "/var/lib/planner", "/etc/systemd/system", "../x"),
        ("sh", "-c", STOP, "sh", "/var/lib/planner", "/etc/systemd/system", ""),
        ("sh", "-c", STOP, "bash", "/var/lib/planner", "/etc/systemd/system", "demo"),
        ("sh", "-c", GUARD, "sh", "/run/planner", "demo", "t", "60", "/var/lib/planner", "id"),
        ("sh", "-c", GUARD, "sh", "/run/planner", "demo", "t", "60", "/var/lib/planner", "sh",
         "-c", "id", "sh", "x"),
        ("sh", "-c", GUARD, "sh", "/run/planner", "demo", "t", "60", "/tmp", "sh", "-c", STOP,
         "sh", "/var/lib/planner", "/etc/systemd/system", "demo"),
        ("sh", "-c", GUARD, "sh", "/tmp", "demo", "t", "60", "/var/lib/planner", "sh", "-s", "--",
         "/var/lib/planner", "/etc/systemd/system", "demo"),
        ("sh", "-c", GUARD, "sh", "/run/planner", "other", "t", "60", "/var/lib/planner", "sh",
         "-c", STOP, "sh", "/var/lib/planner", "/etc/systemd/system", "demo"),
        ("sh", "-s", "--", "/var/lib/planner", "/etc/systemd/system", "demo"),
        ("docker", "run", "--privileged", "-v", "/:/host"),
        ("sudo", "-i", "x", "y"),
        tuple(put_command("/etc/cron.d/x", 0)),
        tuple(put_command("/var/lib/planner/demo/incoming/../../../../etc/cron.d/x", 0)),
        tuple(put_command("/var/lib/planner/demo/releases/x", 0)),
        tuple(put_command("/var/lib/planner/../x/incoming/y", 0)),
    ],
)  # fmt: skip
def test_it_refuses_everything_else(helper: Path, argv: tuple[str, ...]) -> None:
    done = run(helper, Command(argv, b"id\n"))
    assert done.returncode == REFUSED, done.stdout
    assert done.stdout == b""
    assert b"planner-host refuses this" in done.stderr


def test_every_script_is_one_it_knows() -> None:
    text = helper_text()
    assert "@" not in text.split("SCRIPTS=")[1].splitlines()[0]
    assert len(text.split("SCRIPTS='")[1].split("'")[0].split()) == len(Script) - 1


def test_sudo_is_given_the_one_program() -> None:
    line = command_line(["sh", "-s", "--", "a b"], root=False, helper=True)
    assert line == "sudo -n -- /usr/local/sbin/planner-host sh -s -- 'a b'"


@pytest.mark.parametrize("user", ["root ALL=(ALL) ALL\nx", "a b", "", "%wheel", "ALL,x"])
def test_only_a_name_reaches_the_rule(user: str) -> None:
    with pytest.raises(UsageError):
        installer(user)
