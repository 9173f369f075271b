"""When a secret is brought to a host, what that restarts, and when it is taken away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.diff.differ import diff, kept
from planner.diff.rollback import plan_rollback
from planner.diff.values import Observed, PutSecret
from planner.render.bundle import HostBundle, Runtime, Workload
from planner.render.manifest import read_manifest
from planner.secret import SecretKind, SecretSource, SecretUse, SecretValue
from tests.diff.examples import PROJECT, as_rendered, bare, host_bundle, workload
from tests.diff.test_differ import assert_ordered, printed

KEY = SecretValue(b"5ec7e7")
OLD, NEW = SecretValue(b"old"), SecretValue(b"new")
SOURCE = SecretSource("key", SecretKind.ENV, "CHAT_KEY")


def using(name: str, *uses: SecretUse, runtime: Runtime = Runtime.COMPOSE) -> Workload:
    return replace(workload(name, runtime=runtime), secrets=uses)


def wanted(*workloads: Workload) -> HostBundle:
    return replace(host_bundle(*workloads), secrets=(SOURCE,))


def seen(bundle: HostBundle, value: SecretValue = OLD) -> Observed:
    places = {use.place for w in bundle.workloads for use in w.secrets}
    prints = dict.fromkeys(places, value.fingerprint(KEY.reveal()))
    return replace(as_rendered(bundle), secrets=prints, secret_key=KEY)


CHAT = wanted(using("chat-0", SecretUse("key")), workload("code-0"))


def test_a_new_host_gets_it_before_anything_starts() -> None:
    steps = diff(CHAT, bare(), {"key": OLD})
    assert_ordered(steps)
    assert printed(steps)[0] == "secret key: not on the host yet, chat-0 needs it ($CHAT_KEY)"
    starts = [step for step in steps if step.kind == "start"]
    assert any(name.endswith("/secret/key") for name in starts[0].depends_on) or all(
        "activate" in name for name in starts[0].depends_on
    )


def test_the_same_value_needs_nothing() -> None:
    assert diff(CHAT, seen(CHAT), {"key": OLD}) == ()
    assert kept(CHAT, seen(CHAT), {"key": OLD}) == ("chat-0", "code-0")


def test_another_value_restarts_only_what_uses_it() -> None:
    steps = diff(CHAT, seen(CHAT), {"key": NEW})
    assert_ordered(steps)
    assert printed(steps) == [
        "secret key: the host has another value than $CHAT_KEY, chat-0 needs it",
        "start chat-0: secret key changes",
        "verify chat-0: it has to answer /health on port 8000",
    ]
    assert steps[0].action == "update"
    assert steps[1].depends_on == (steps[0].id,)
    assert kept(CHAT, seen(CHAT), {"key": NEW}) == ("code-0",)


def test_a_value_that_is_not_known_here_stays_as_the_host_has_it() -> None:
    assert diff(CHAT, seen(CHAT), {}) == ()


def test_a_file_that_others_could_read_is_put_anew() -> None:
    host = replace(seen(CHAT), secrets={"secrets/key": ""})
    steps = diff(CHAT, host, {"key": OLD})
    assert [step.kind for step in steps] == ["secret", "start", "verify"]
    assert steps[0].cause == "others could read it on the host, chat-0 needs it ($CHAT_KEY)"


@pytest.mark.parametrize(
    ("kind", "put"),
    [(SecretKind.GENERATED, True), (SecretKind.PROMPT, True), (SecretKind.ENV, False)],
)
def test_one_that_only_hosts_have_is_put_anew_too(kind: SecretKind, put: bool) -> None:
    """A value that is neither here nor to be had from the host cannot be."""
    bundle = replace(CHAT, secrets=(replace(SOURCE, kind=kind),))
    host = replace(seen(CHAT), secrets={"secrets/key": ""})
    assert any(isinstance(step, PutSecret) for step in diff(bundle, host, {})) is put


def test_what_has_not_started_since_a_change_starts_again() -> None:
    host = replace(seen(CHAT), unread_secrets=frozenset({"chat-0"}))
    assert printed(diff(CHAT, host, {"key": OLD}))[0] == (
        "start chat-0: it has not started since one of its secrets changed"
    )


def test_each_user_id_gets_its_own_copy_and_the_last_use_takes_it_away() -> None:
    both = wanted(using("chat-0", SecretUse("key")), using("code-0", SecretUse("key", owner=5)))
    puts = [step for step in diff(both, bare(), {"key": OLD}) if isinstance(step, PutSecret)]
    assert [(p.place, p.owner, p.users) for p in puts] == [
        ("secrets/key", 0, ("chat-0",)),
        ("secrets/key@5", 5, ("code-0",)),
    ]
    none = host_bundle(workload("chat-0"))
    host = replace(as_rendered(none), secrets={"secrets/key": "x"}, secret_key=KEY)
    assert printed(diff(none, host)) == ["remove secrets/key: nothing uses it any more"]


def test_a_kept_release_keeps_its_secrets_and_a_rollback_needs_them() -> None:
    now = host_bundle(workload("chat-0", "newer"))
    old = {CHAT.digest: read_manifest(CHAT.files[-1].content)}
    host = replace(seen(CHAT), **{**_fields(now), "secrets": {"secrets/key": "x"}})
    host = replace(host, releases=(now.digest, CHAT.digest), manifests={**host.manifests, **old})
    assert diff(now, host) == ()
    assert not plan_rollback(PROJECT, {"box": host}, None).diagnostics
    plan = plan_rollback(PROJECT, {"box": replace(host, secrets={})}, None)
    assert "needs secrets/key, which is gone from box" in plan.diagnostics[0].summary


def _fields(bundle: HostBundle) -> dict[str, object]:
    made = as_rendered(bundle)
    return {name: getattr(made, name) for name in Observed.__slots__}


@pytest.mark.parametrize("value", [OLD, NEW])
def test_no_step_holds_a_value(value: SecretValue) -> None:
    for host in (bare(), seen(CHAT)):
        text = repr(diff(CHAT, host, {"key": value}))
        assert value.reveal().decode() not in text.replace("older", "")
