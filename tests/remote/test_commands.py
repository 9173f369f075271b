"""Commands: quoted once, never glued."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.remote.script import Script, inline_command, script_command, script_text
from planner.remote.transport import command_line, put_command

TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))


@given(st.lists(TEXT, min_size=1))
def test_every_argument_survives_the_shell(argv: list[str]) -> None:
    assert shlex.split(command_line(argv, root=True)) == argv


@given(st.lists(TEXT, min_size=1))
def test_sudo_gets_the_same_arguments(argv: list[str]) -> None:
    assert shlex.split(command_line(argv, root=False)) == ["sudo", "-n", "--", *argv]


INLINE = {Script.LOCK, Script.GUARD, Script.FETCH_HUB, Script.PUT_SECRET}


@pytest.mark.parametrize("script", sorted(INLINE))
def test_scripts_that_need_their_input_are_arguments_themselves(script: Script) -> None:
    command = inline_command(script, "$(reboot)", "a b")
    assert command.argv[:2] == ("sh", "-c")
    assert command.argv[3:] == ("sh", "$(reboot)", "a b")
    assert command.stdin == b""


@pytest.mark.parametrize("script", sorted(set(Script) - INLINE))
def test_scripts_ship_and_take_arguments_only(script: Script) -> None:
    text = script_text(script).decode()
    # it ends by itself: the end of its input may be lost with the link
    assert text.splitlines()[-1] == 'main "$@" </dev/null; exit'
    command = script_command(script, "$(reboot)", "a b")
    assert command.argv == ("sh", "-s", "--", "$(reboot)", "a b")
    assert command.stdin == script_text(script)


def test_a_path_is_an_argument_of_put() -> None:
    argv = put_command("/a b/$(x)", 5)
    assert argv[-2:] == ["/a b/$(x)", "5"]
    assert "$(x)" not in argv[2]
