"""Fault: the link to a host is cut, mid-transfer, while a secret is sent, after a command has
begun, and after the new release was switched to; and an sshd that is stopped with SIGSTOP.

Each is noticed within 30 seconds. A host that was switched goes back by itself when its run does
not come again within a minute.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from planner.apply import steps
from planner.apply.execute import WINDOW_SECONDS
from planner.apply.steps import Layout
from planner.remote.hold import SILENCE_SECONDS
from planner.remote.script import Command
from planner.secret import SecretValue
from tests.farm import cgroups, ssh
from tests.farm.control import Host
from tests.faults.eight import HOME, PROJECT, Answer, Eight, finish

pytestmark = pytest.mark.farm

WITHIN = 5.0  # as long as a run waits to be told that another one is at work
NOTICED = 35.0  # 30 seconds, and what the command itself takes


def until(what: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.2)


def see(host: Host, script: str) -> bool:
    return host.run("sh", "-c", script, check=False).returncode == 0


def inside(host: Host, script: str) -> bool:
    """Look at the host's files from here, also while its link is cut."""
    return subprocess.run(["sh", "-c", script], cwd=host.root, check=False).returncode == 0


def cut_when(pair: Eight, host: Host, script: str) -> tuple[Answer, float]:
    """Apply, and cut the host's link once ``script`` holds there; the seconds after the cut."""
    process = pair.start("apply", str(pair.path), "--yes")
    begun = time.monotonic()
    until(lambda: inside(host, script), 60)
    host.cut()
    cut = time.monotonic()
    answer = finish(process, begun)
    return answer, time.monotonic() - cut


def names_all(answer: Answer, *words: str) -> None:
    """The message has the host, the step, the cause and what to type."""
    said = " ".join(answer.err.split())
    for word in words:
        assert word in said, answer.err


def test_mid_transfer(pair: Eight) -> None:
    host = pair.hosts["farm3"]
    # some of the archive has arrived, and not all of it
    part = f"test -n \"$(find ./{HOME}/incoming -name '*.part' -size +1M 2>/dev/null)\""
    answer, seconds = cut_when(pair, host, part)
    assert (answer.code, seconds < NOTICED) == (4, True), answer.err
    names_all(answer, "farm3: push", "same command again")
    host.mend()
    until(lambda: see(host, f"test ! -e /run/planner/{PROJECT}.lock"), SILENCE_SECONDS + 10)
    assert pair.apply().code == 0
    pair.whole()


def test_while_a_secret_is_sent(pair: Eight) -> None:
    """Its end never comes, and the lock is another run's within seconds."""
    host, layout = pair.hosts["farm3"], Layout(PROJECT)
    put = steps.put_secret(layout, "secrets/late", 0, (), SecretValue(b"a late secret\n" * 99))
    with ExitStack() as stack:

        def start(command: Command) -> subprocess.Popen[bytes]:
            pipe, line = subprocess.PIPE, ssh.argv(host.layout, host.name, command.argv)
            process = subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe)
            assert process.stdin is not None
            process.stdin.write(command.stdin)
            process.stdin.flush()
            return stack.enter_context(process)

        def holds(token: str) -> subprocess.Popen[bytes]:
            run = start(steps.lock(layout, token, f"run {token}", 30))
            assert run.stdout is not None
            assert run.stdout.readline() == b"held\n"
            return run

        first = holds("t1")
        guarded = steps.guarded(layout, "t1", put, 60)
        late = start(Command(guarded.argv, put.stdin[:99]))
        until(lambda: see(host, "pgrep -x head"), 10)
        first.communicate()
        begun = time.monotonic()
        second = holds("t2")
        assert time.monotonic() - begun < WITHIN
        _, said = late.communicate(put.stdin[99:])
        second.communicate()
    assert (late.returncode, said) == (75, b"the lock is another run's by now\n")
    assert not see(host, f"test -e {HOME}")
    assert pair.apply().code == 0
    pair.whole()


def test_after_the_command_has_begun(pair: Eight) -> None:
    host = pair.hosts["farm3"]
    answer, seconds = cut_when(pair, host, f"test -e ./{HOME}/unproven/g-0")
    assert (answer.code, seconds < NOTICED) == (4, True), answer.err
    names_all(answer, "farm3:", "same command again")
    host.mend()
    assert pair.apply().code == 0
    pair.whole()


def switched(before: str) -> str:
    """Whether another release is the current one."""
    return f"! readlink ./{HOME}/current | grep -q {before}"


def test_after_the_switch_the_host_goes_back_by_itself(pair: Eight) -> None:
    assert pair.apply().code == 0
    pair.write("2k")
    goes_back(pair, "farm1", switched(pair.release("farm1")))
    pair.write("1k")
    assert pair.apply().code == 0  # sees that what came back answers
    pair.whole()


def test_after_something_was_stopped_the_host_goes_back_by_itself(pair: Eight) -> None:
    both = {**pair.places, "farm3": ("g", "h")}
    pair.places = both
    pair.write()
    assert pair.apply().code == 0
    pair.places = {**both, "farm3": ("g",)}
    pair.write()
    pair.places = both
    unit = f"./etc/systemd/system/planner-{PROJECT}-h-0.service"
    goes_back(pair, "farm3", f"! test -L {unit}")
    pair.write()
    assert pair.apply().code == 0
    pair.whole()


def goes_back(pair: Eight, name: str, moment: str) -> None:
    """Cut the host's link at that moment of an apply: it brings back by itself what served."""
    host, before = pair.hosts[name], pair.release(name)
    answer, seconds = cut_when(pair, host, moment)
    assert (answer.code, seconds < NOTICED) == (4, True), answer.err
    names_all(answer, f"{name} goes back to release {before[:8]} by itself")
    until(
        lambda: inside(host, f"! test -e ./{HOME}/pending"),
        WINDOW_SECONDS + SILENCE_SECONDS + 60,
    )
    host.mend()
    until(lambda: see(host, "true"), 30)
    assert pair.release(name) == before
    assert pair.living(name) == pair.wanted(name)


def test_a_run_that_comes_again_in_time_goes_on(pair: Eight) -> None:
    assert pair.apply().code == 0
    host, before = pair.hosts["farm3"], pair.release("farm3")
    pair.write("2k")
    cut_when(pair, host, switched(before))
    host.mend()
    # the host waits for signs of life of a run that it cannot know to be gone
    until(lambda: pair.apply().code == 0, SILENCE_SECONDS + 30)
    assert pair.release("farm3") != before
    pair.whole()


def test_an_sshd_that_stops_answering(pair: Eight) -> None:
    host = pair.hosts["farm3"]
    process = pair.start("apply", str(pair.path), "--yes")
    begun = time.monotonic()
    part = f"test -n \"$(find ./{HOME}/incoming -name '*.part' -size +1M 2>/dev/null)\""
    until(lambda: inside(host, part), 60)
    signalled = sshds(host, signal.SIGSTOP)
    assert signalled
    stopped = time.monotonic()
    try:
        answer = finish(process, begun)
        assert answer.code == 4, answer.err
        assert time.monotonic() - stopped < NOTICED
        again = pair.apply()
        assert (again.code, again.seconds < NOTICED) == (4, True)
        names_all(again, "farm3", "ssh -v")
    finally:
        sshds(host, signal.SIGCONT)
    until(lambda: pair.apply().code == 0, 60)
    pair.whole()


def sshds(host: Host, number: signal.Signals) -> list[int]:
    """Signal every sshd of a host from outside; which they were."""
    found = []
    for pid in cgroups.members(host.name):
        with suppress(OSError):
            if (Path("/proc") / str(pid) / "comm").read_text().startswith("sshd"):
                os.kill(pid, number)
                found.append(pid)
    return found
