"""A secret's value gives itself away by one word only; where it comes from is no secret."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pytest

from planner.remote.script import Command
from planner.secret import SecretKind, SecretSource, SecretUse, SecretValue, reference

TEXT = "correct-horse-battery"
VALUE = SecretValue(TEXT.encode())


@dataclass(frozen=True)
class Holder:
    value: SecretValue


@pytest.mark.parametrize(
    "leak",
    [
        str,
        "{}".format,
        "{:>10}".format,
        "%s".__mod__,
        json.dumps,
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        bytes,
        lambda value: f"{value}",
        lambda value: "key " + value,
        lambda value: {value: 1},
        lambda value: asdict(Holder(value)),
        lambda value: json.dumps(vars(value)),
    ],
)
def test_nothing_turns_it_into_text(leak: Callable[[SecretValue], object]) -> None:
    with pytest.raises(TypeError):
        leak(VALUE)


def test_what_must_answer_says_nothing(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("test").warning("value: %r", VALUE)
    assert repr(Holder(VALUE)) == "Holder(value=<secret>)"
    assert TEXT not in caplog.text + capsys.readouterr().err
    assert TEXT not in repr(Command(("sh",), VALUE.reveal()))


def test_it_is_compared_and_fingerprinted_by_its_value() -> None:
    assert SecretValue(TEXT.encode()) == VALUE
    assert SecretValue(b"other") != VALUE
    assert VALUE.fingerprint(b"k1") == SecretValue(TEXT.encode()).fingerprint(b"k1")
    assert len({VALUE.fingerprint(b"k1"), VALUE.fingerprint(b"k2")}) == 2
    assert VALUE.reveal() == TEXT.encode()


def test_a_reference_is_told_from_a_text() -> None:
    assert reference("secret:chat-key") == "chat-key"
    assert reference("chat-key") is None


def test_each_user_id_has_a_copy_of_its_own() -> None:
    assert SecretUse("a").place == "secrets/a"
    assert SecretUse("a", owner=65534).place == "secrets/a@65534"
    assert SecretUse("a").path == SecretUse("a", owner=65534).path == "/run/secrets/a"


@pytest.mark.parametrize("kind", SecretKind)
def test_a_plan_can_say_where_a_secret_comes_from(kind: SecretKind) -> None:
    assert SecretSource("name", kind, "PLACE").origin
