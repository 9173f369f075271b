"""What the observe script prints, read."""

from __future__ import annotations

import pytest

from planner.apply.observed import parse_observed
from planner.diff.values import Health, Observed
from planner.errors import PlannerError
from planner.render.bundle import Runtime

SHA = "ab" * 32
TEXT = f"""\
@planner 1
@folder
@release 75ced781d8c95d29
@files
{SHA}  ./compose.yaml
{SHA}  ./units/planner-demo-chat-0.service
@releases
75ced781d8c95d29
1111111111111111
2222222222222222.part
@places
weights/{SHA}/tiny model.gguf
incoming/x.part
@links
planner-demo-chat-0.service here yes
planner-demo-code-0.service here no
planner-demo-gone-0.service nowhere yes
planner-demo-two-chat-0.service elsewhere yes
@units
Id=planner-demo-chat-0.service
ActiveState=active
SubState=running
Result=success
MainPID=4711
Environment=PLANNER_PROJECT=demo PLANNER_DIGEST=newdigest
NRestarts=0

Id=planner-demo-code-0.service
ActiveState=activating
SubState=auto-restart
Result=exit-code
MainPID=0
Environment=PLANNER_PROJECT=demo PLANNER_DIGEST=newdigest
NRestarts=4

Id=planner-demo-two-chat-0.service
ActiveState=active
SubState=running
Result=success
MainPID=4712
Environment=PLANNER_PROJECT=demo-two PLANNER_DIGEST=d
NRestarts=0
@environs
/proc/4711/environ:PLANNER_DIGEST=olddigest\0/proc/4712/environ:PLANNER_DIGEST=d\0
@containers
c1|running|Up 3 minutes|box-0|d1|
c2|running|Up 3 minutes (unhealthy)|box-1|d2|planner-demo_notes,/var/lib/x
c3|running|Up 3 seconds (health: starting)|box-2|d3|
c4|restarting|Restarting (3) 1 second ago|box-3|d4|
c5|exited|Exited (0) 2 hours ago|box-4|d5|
@volumes
planner-demo_notes
planner-demo_idle
planner-demo-two_other
@images
planner.local/demo|0123456789abcdef|<none>
planner.local/demo-two|0123456789abcdef|<none>
vllm/vllm-openai|v0.19.0|sha256:{SHA}
<none>|<none>|<none>
@foreign-links
/var/lib/planner/demo/releases
/var/lib/planner/demo/artifacts/@x
@lock me@laptop since 10:00
@machine
ram_kib 1024
systemd yes
tool curl
docker yes
compose yes
@disk
Filesystem     1024-blocks      Used Available Capacity Mounted on
/dev/vda        1000000000 500000000 250000000      67% /
@gpus
0, GPU-aa, NVIDIA GeForce RTX 4090, 24564, 123
1, GPU-bb, NVIDIA GB10, [N/A], [N/A]
@end
"""


@pytest.fixture(scope="module")
def seen() -> Observed:
    return parse_observed("box", "demo", TEXT)


def test_the_release_and_its_files(seen: Observed) -> None:
    assert seen.release == "75ced781d8c95d29"
    assert seen.releases == ("75ced781d8c95d29", "1111111111111111")
    assert seen.files["units/planner-demo-chat-0.service"] == SHA
    assert seen.folder


def test_places_and_images(seen: Observed) -> None:
    assert seen.artifacts == {
        f"weights/{SHA}/tiny model.gguf",
        "incoming/x.part",
        "image/planner.local/demo:0123456789abcdef",
        f"registry/vllm/vllm-openai@sha256:{SHA}",
    }


def test_links_that_planner_did_not_make(seen: Observed) -> None:
    home = "/var/lib/planner/demo"
    assert seen.foreign_links == (f"{home}/artifacts/@x", f"{home}/releases")


@pytest.mark.parametrize("line", ["releases", " /var/lib/planner/demo/releases", "ls: no"])
def test_a_link_has_a_whole_path(line: str) -> None:
    with pytest.raises(PlannerError, match="does not understand") as caught:
        parse_observed("box", "demo", TEXT.replace("@foreign-links", f"@foreign-links\n{line}"))
    assert line.strip() in str(caught.value.cause)


def test_links_of_this_project_only(seen: Observed) -> None:
    assert seen.units == {
        "planner-demo-chat-0.service": True,
        "planner-demo-code-0.service": False,
        "planner-demo-gone-0.service": False,
    }


def test_what_a_process_was_started_with_decides_which_version_runs(seen: Observed) -> None:
    units = {w.name: w for w in seen.workloads if w.runtime is Runtime.SYSTEMD}
    assert sorted(units) == ["chat-0", "code-0", "gone-0"]
    chat = units["chat-0"]
    assert (chat.digest, chat.health, chat.identity) == ("olddigest", Health.RUNNING, "4711")
    assert units["code-0"].health is Health.RESTARTING
    assert units["gone-0"].health is Health.STOPPED


def test_containers(seen: Observed) -> None:
    boxes = [(w.identity, w.health, w.digest) for w in seen.workloads if w.name.startswith("box")]
    assert boxes == [
        ("c1", Health.RUNNING, "d1"),
        ("c2", Health.UNHEALTHY, "d2"),
        ("c3", Health.STARTING, "d3"),
        ("c4", Health.RESTARTING, "d4"),
        ("c5", Health.STOPPED, "d5"),
    ]


def test_the_machine(seen: Observed) -> None:
    assert seen.ram_bytes == 1024 * 1024
    assert seen.disk_free_bytes == 250000000 * 1024
    assert (seen.docker, seen.compose, seen.systemd) == ("present", "present", "present")
    assert seen.tools == {"curl"}
    assert [(d.index, d.uuid, d.total_bytes >> 20) for d in seen.devices] == [
        (0, "GPU-aa", 24564),
        (1, "GPU-bb", 0),
    ]
    assert seen.lock == "me@laptop since 10:00"


def test_versions_when_they_were_asked_for() -> None:
    text = TEXT.replace("@end", "@versions\nsystemd 252\ndocker 27.1\ncompose 2.30\n@end")
    seen = parse_observed("box", "demo", text)
    assert (seen.docker, seen.compose, seen.systemd) == ("27.1", "2.30", "252")


def test_a_docker_that_does_not_answer_is_told_from_one_without_containers() -> None:
    text = TEXT[: TEXT.index("@containers")] + (
        "@containers\nCannot connect to the Docker daemon\n@docker-silent\n@machine\ndocker yes\n"
        "@end\n"
    )
    seen = parse_observed("box", "demo", text)
    assert seen.docker_problem == "Cannot connect to the Docker daemon"


@pytest.mark.parametrize("text", ["", "Welcome to box!\n", TEXT.replace("@end\n", "")])
def test_an_answer_that_is_cut_short_is_never_taken_for_an_empty_host(text: str) -> None:
    with pytest.raises(PlannerError, match="does not understand"):
        parse_observed("box", "demo", text)


def test_data_and_who_uses_it(seen: Observed) -> None:
    assert seen.data == {"notes": ("box-1",), "idle": ()}
