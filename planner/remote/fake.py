"""A host in memory, and the road to it: for rehearsals and tests that need no machine.

It understands the scripts and commands planner sends, by name, and keeps what they would change.
It answers in the words the real scripts print, so that the same parsers read it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shlex
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from planner.remote.script import Script, script_text
from planner.remote.transport import (
    HELD,
    ConnectionLost,
    Holding,
    HttpAnswer,
    HttpRequest,
    LineSink,
    Progress,
    Result,
    command_line,
)

_KEY = "5ec7e7"  # what the fake host makes fingerprints with


@dataclass(slots=True)
class FakeWorkload:
    """A container or unit; ``state`` in its runtime's word."""

    runtime: str
    digest: str
    identity: int
    state: str = "running"
    restarts: int = 0
    log: str = ""


@dataclass(slots=True)
class FakeHost:
    """What one host has of one project.

    ``data`` names volumes with the workloads that mount them; ``breaks`` maps a script's or
    command's name to what it says when it fails; ``on_start`` may change a workload that was just
    started; ``answers`` gives an HTTP request's answer or just its status, None for none;
    ``budget`` is how many calls go through before the connection breaks; ``others`` are projects
    beside this one.
    """

    docker: str | None = "27.0.0"
    compose: str | None = "2.30.0"
    systemd: str | None = "255"
    ram_bytes: int = 64 << 30
    disk_free_bytes: int = 1 << 40
    gpus: list[tuple[str, int]] = field(default_factory=list)
    tools: list[str] = field(default_factory=lambda: ["curl"])
    folder: bool = False
    current: str | None = None
    releases: dict[str, dict[str, bytes]] = field(default_factory=dict)
    places: set[str] = field(default_factory=set)
    incoming: dict[str, bytes] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)
    workloads: dict[str, FakeWorkload] = field(default_factory=dict)
    data: dict[str, set[str]] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    unproven: set[str] = field(default_factory=set)
    lock: tuple[str, str] | None = None
    pending: str | None = None
    foreign_links: list[str] = field(default_factory=list)
    inspected: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    breaks: dict[str, str] = field(default_factory=dict)
    on_start: Callable[[str, FakeWorkload], None] | None = None
    answers: Callable[[HttpRequest], int | HttpAnswer | None] = lambda _: 200
    budget: int | None = None
    others: set[str] = field(default_factory=set)
    starts: int = 0

    def restart(self, name: str, runtime: str, digest: str) -> None:
        """Put a new workload in the place of the one by that name."""
        self.starts += 1
        state = "running" if runtime == "compose" else "active"
        workload = FakeWorkload(runtime, digest, 1000 + self.starts, state)
        self.workloads[name] = workload
        if self.on_start is not None:
            self.on_start(name, workload)

    def wanted_digest(self, name: str) -> str | None:
        """A workload's digest according to the current release's manifest."""
        files = self.releases.get(self.current or "", {})
        manifest = json.loads(files.get("manifest.json", b'{"workloads": []}'))
        known = [*manifest["workloads"], *manifest.get("surges", [])]
        rows = (row for row in known if row["name"] == name)
        return next((str(row["digest"]) for row in rows), None)


class FakeTransport:
    """The road to a FakeHost; several may lead to the same one."""

    def __init__(self, host: FakeHost) -> None:
        self.host = host
        self.closed = False
        self._broken = False
        self._held: str | None = None

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        seconds: float = 60,
        on_line: LineSink | None = None,
    ) -> Result:
        """Do in memory what the command would do; see Transport.run."""
        command_line(argv, root=True)  # what cannot be quoted could not be sent either
        token, argv = _unguarded(argv)
        name, args = _name(argv, stdin)
        self._spend(name)
        if token is not None and (self.host.lock is None or self.host.lock[0] != token):
            return Result(75, "", "the lock is another run's by now")
        if token is not None and self.host.foreign_links:
            return Result(73, f"{self.host.foreign_links[0]}\n")
        if name in self.host.breaks:
            return Result(1, "", self.host.breaks[name])
        if name == Script.PUT_SECRET:
            args.insert(1, stdin.partition(b"\n")[2].decode())
        result = _HANDLERS[name](self.host, *args)
        for line in result.stdout.splitlines() if on_line else ():
            on_line(line)  # type: ignore[misc]
        return result

    def put(self, source: BinaryIO, path: str, *, offset: int = 0, progress: Progress) -> None:
        """Keep the bytes in memory; see Transport.put."""
        self._spend("put")
        source.seek(offset)
        name = path.rpartition("/")[2]
        before = self.host.incoming.get(name, b"")[:offset]
        self.host.incoming[name] = before + source.read()
        progress(len(self.host.incoming[name]))

    def http(self, request: HttpRequest, *, seconds: float = 10) -> HttpAnswer | None:
        """Answer as ``answers`` says."""
        self._spend("http" if request.body is None else "http-post")
        answer = self.host.answers(request)
        return HttpAnswer(answer) if isinstance(answer, int) else answer

    def hold(self, argv: Sequence[str], *, seconds: float = 20) -> Holding | Result:
        """Hold the lock until it is released, or this road ends."""
        token, holder = argv[6:8]
        self._spend("lock")
        result = _lock(self.host, token, holder)
        if result.stdout.encode().strip() != HELD:
            return result
        self._held = token
        return _FakeHold(self, token)

    def give_back(self) -> None:
        """What the host does when the road that holds its lock ends."""
        if self.host.lock is not None and self.host.lock[0] == self._held:
            self.host.lock = None

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True
        self.give_back()

    def _spend(self, name: str) -> None:
        self.host.calls.append(name)
        self._broken = self._broken or self.host.budget == 0
        if self._broken:
            # and stays so: only a new connection helps
            self.give_back()
            raise ConnectionLost("the connection broke", cause="the fake host's budget is over")
        if self.host.budget is not None:
            self.host.budget -= 1


class _FakeHold:
    """The lock of a fake host, held."""

    def __init__(self, road: FakeTransport, token: str) -> None:
        self._road, self._token = road, token

    @property
    def lost(self) -> bool:
        lock = self._road.host.lock
        return lock is None or lock[0] != self._token

    def release(self, seconds: float = 10) -> bool:
        self._road.host.calls.append("unlock")
        self._road.give_back()
        return True


def _unguarded(argv: Sequence[str]) -> tuple[str | None, Sequence[str]]:
    """The token of the lock that a command needs, and the command itself."""
    if list(argv[:3]) == ["sh", "-c", script_text(Script.GUARD).decode()]:
        return argv[6], argv[9:]
    return None, argv


def _name(argv: Sequence[str], stdin: bytes) -> tuple[str, list[str]]:
    """What a command is, and its arguments without base, units and project."""
    if list(argv[:3]) == ["sh", "-s", "--"]:
        for script in Script:
            if script_text(script) == stdin:
                return script.value, [argv[5], *argv[6:]]
    if list(argv[:2]) == ["sh", "-c"]:
        for script in Script:
            if script_text(script).decode() == argv[2]:
                return script.value, [argv[6], *argv[7:]]
    raise AssertionError(f"the fake host does not know {shlex.join(argv)}")


def _observe(host: FakeHost, project: str, locks: str, depth: str) -> Result:
    lines = ["@planner 1", *(["@folder"] if host.folder else [])]
    if host.current is not None:
        files = host.releases[host.current].items()
        rows = [f"{hashlib.sha256(text).hexdigest()}  ./{path}" for path, text in files]
        lines += [f"@release {host.current}", "@files", *rows]
    else:
        lines += ["@others", *sorted(host.others)]
    images = sorted(p for p in host.places if p.startswith(("image/", "registry/")))
    lines += ["@releases", *reversed(host.releases), "@manifests", *_manifests(host)]
    lines += ["@places", *sorted(host.places - set(images))]
    lines += [f"incoming/{name}" for name in sorted(host.incoming)]
    lines += [f"@unproven {name}" for name in sorted(host.unproven)]
    lines += [f"@pending {host.pending}"] if host.pending else []
    lines += _secrets(host)
    lines += ["@links", *(f"{unit} {_leads(host, unit)} yes" for unit in sorted(host.links))]
    lines += ["@foreign-links", *host.foreign_links]
    lines += _workloads(host, project)
    if host.docker:
        lines += ["@volumes", *(f"planner-{project}_{name}" for name in sorted(host.data))]
        lines += ["@images", *map(_image_line, images)]
    if host.lock:
        lines += [f"@lock {host.lock[1]}", f"@lock-token {host.lock[0]}"]
    lines += ["@machine", f"ram_kib {host.ram_bytes >> 10}"]
    tools = {"docker": host.docker, "compose": host.compose, "systemd": host.systemd}
    lines += [f"{tool} yes" for tool, version in tools.items() if version]
    lines += [f"tool {tool}" for tool in host.tools]
    free = host.disk_free_bytes >> 10
    lines += ["@disk", "Filesystem", f"fake 0 0 {free} 0% /"]
    lines += ["@gpus"]
    lines += [f"{i}, GPU-{i}, {n}, {size >> 20}, 0" for i, (n, size) in enumerate(host.gpus)]
    if depth == "full" or host.current is None:
        lines += ["@versions", *(f"{t} {version}" for t, version in tools.items() if version)]
    return Result(0, "\n".join([*lines, "@end"]) + "\n")


def _secrets(host: FakeHost) -> list[str]:
    if not host.secrets:
        return []
    lines = [f"@secret-key {_KEY}", "@secrets"]
    for place, value in sorted(host.secrets.items()):
        owner = place.partition("@")[2] or "0"
        sum_ = hashlib.sha256(_KEY.encode() + value).hexdigest()
        lines.append(f"{sum_} 600 {owner} {place}")
    return [*lines, "@unread-secrets", *sorted(host.unread)]


def _put_secret(
    host: FakeHost, project: str, value: str, place: str, owner: str, *users: str
) -> Result:
    host.secrets[place] = value.encode()
    host.unread |= set(users)
    return Result(0)


def _read_secret(host: FakeHost, project: str, place: str) -> Result:
    if place not in host.secrets:
        return Result(1, "", "no such file")
    return Result(0, host.secrets[place].decode())


def _secrets_read(host: FakeHost, project: str, workload: str) -> Result:
    host.unread.discard(workload)
    return Result(0)


def _manifests(host: FakeHost) -> list[str]:
    lines: list[str] = []
    for release, files in host.releases.items():
        text = files.get("manifest.json", b"").decode()
        lines += [f"==> {release}/manifest.json <==", *text.splitlines()]
    return lines


def _leads(host: FakeHost, unit: str) -> str:
    """Where a link leads: through ``current``, so nowhere when the release lacks the unit."""
    return "here" if f"units/{unit}" in host.releases.get(host.current or "", {}) else "nowhere"


def _workloads(host: FakeHost, project: str) -> list[str]:
    containers, units, environs = ["@containers"], ["@units"], ["@environs"]
    for name, workload in sorted(host.workloads.items()):
        if workload.runtime == "compose":
            status = f"{workload.state} for a while"
            mounts = ",".join(f"planner-{project}_{d}" for d, u in host.data.items() if name in u)
            fields = (
                f"id{workload.identity}",
                workload.state,
                status,
                name,
                workload.digest,
                mounts,
            )
            containers.append("|".join(fields))
            continue
        pid = workload.identity if workload.state == "active" else 0
        units += [
            f"Id=planner-{project}-{name}.service",
            f"ActiveState={workload.state}",
            f"MainPID={pid}",
            f"Environment=PLANNER_PROJECT={project} PLANNER_DIGEST={host.wanted_digest(name)}",
        ]
        if pid:
            environs.append(f"/proc/{pid}/environ:PLANNER_DIGEST={workload.digest}")
    return [*containers, *units, *environs]


def _image_line(place: str) -> str:
    kind, _, name = place.partition("/")
    if kind == "image":
        repository, _, tag = name.rpartition(":")
        return f"{repository}|{tag}|<none>"
    repository, _, digest = name.partition("@")
    return f"{repository}|<none>|{digest}"


def _lock(host: FakeHost, token: str, holder: str) -> Result:
    if host.lock is not None:
        return Result(75, host.lock[1] + "\n")
    host.lock = (token, holder)
    return Result(0, HELD.decode() + "\n")


def _unlock(host: FakeHost, project: str, locks: str, token: str) -> Result:
    taken = host.lock is not None and host.lock[0] == token
    if taken:
        host.lock = None
    return Result(0, "taken away\n" if taken else "")


def _begin_transfer(host: FakeHost, project: str, part: str) -> Result:
    host.folder = True
    return Result(0, f"{len(host.incoming.get(part, b''))}\n")


def _place(host: FakeHost, project: str, part: str, wanted: str, place: str) -> Result:
    got = hashlib.sha256(host.incoming.get(part, b"")).hexdigest()
    host.incoming.pop(part, None)
    if got != wanted:
        return Result(65, "", f"SHA-256 is {got} instead of {wanted}")
    host.places.add(place)
    return Result(0)


def _load_image(host: FakeHost, project: str, part: str, wanted: str, image: str) -> Result:
    return _place(host, project, part, wanted, f"image/{image}")


def _pull_image(host: FakeHost, project: str, reference: str, mark: str) -> Result:
    name, _, digest = reference.partition("@")
    listed = name.removeprefix("docker.io/").removeprefix("library/")
    host.places |= {f"image/{mark}", f"registry/{listed}@{digest}"}
    return Result(0, "Pull complete\n")


def _fetch_hub(
    host: FakeHost, project: str, hub: str, repo: str, revision: str, place: str, *pairs: str
) -> Result:
    host.places.discard(f"{place}.part")
    host.places.add(place)
    return Result(0, "bytes 1\n")


def _write_release(host: FakeHost, project: str, part: str, release: str) -> Result:
    files = {}
    with tarfile.open(fileobj=io.BytesIO(host.incoming.pop(part))) as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            files[entry.name] = content.read() if content else b""
    host.releases.pop(release, None)
    host.releases[release] = files
    return Result(0)


def _activate(host: FakeHost, project: str, release: str) -> Result:
    if release not in host.releases:
        return Result(66, "", f"release {release} is not on the host")
    host.current = release
    units = {p.removeprefix("units/") for p in host.releases[release] if p.startswith("units/")}
    host.links = units
    return Result(0)


def _start(host: FakeHost, project: str, runtime: str, name: str, how: str, seconds: str) -> Result:
    if how != "surge":
        host.unproven.add(name)
    digest = host.wanted_digest(name)
    if digest is None:
        return Result(1, "", f"no such service: {name}")
    before = host.workloads.get(name)
    same = before is not None and (before.digest, before.state) == (digest, "running")
    if not same or how == "replace" or runtime == "systemd":
        host.restart(name, runtime, digest)
    return Result(0)


def _inspect(host: FakeHost, project: str, *ports: str) -> Result:
    return Result(0, "\n".join(["@planner 1", *host.inspected, "@end"]) + "\n")


def _watch(
    host: FakeHost, project: str, locks: str, window: str, previous: str, *texts: str
) -> Result:
    host.pending = previous
    return Result(0)


def _confirm(host: FakeHost, project: str, *names: str) -> Result:
    host.unproven -= set(names)
    host.pending = None
    return Result(0)


def _stop(host: FakeHost, project: str, runtime: str, name: str, seconds: str) -> Result:
    host.workloads.pop(name, None)
    host.unproven.discard(name)
    host.links.discard(f"planner-{project}-{name}.service")
    return Result(0)


def _look(host: FakeHost, project: str, runtime: str, name: str, lines: str) -> Result:
    workload = host.workloads.get(name)
    if workload is None:
        return Result(0, "missing 0 no such container\n")
    log = workload.log if int(lines) else ""
    return Result(0, f"{workload.state} {workload.restarts} exit 0\n{log}")


def _start_log(host: FakeHost, project: str, lines: str, *asked: str) -> Result:
    said = []
    for name, pattern in zip(asked[1::3], asked[2::3], strict=True):
        workload = host.workloads.get(name)
        log = workload.log.splitlines()[: int(lines)] if workload else []
        said += [f"@log {name}", *(f" {line}" for line in log if re.search(pattern, line))]
    return Result(0, "\n".join([*said, "@end"]) + "\n")


def _remove(host: FakeHost, project: str, place: str) -> Result:
    host.places.discard(place)
    kind, _, name = place.partition("/")
    if kind == "incoming":
        host.incoming.pop(name, None)
    if kind == "secrets":
        host.secrets.pop(place, None)
    if kind == "releases":
        host.releases.pop(name, None)
    return Result(0)


def _remove_data(host: FakeHost, project: str, name: str) -> Result:
    if name not in host.data:
        return Result(66, "", f"there is no data named {name}")
    del host.data[name]
    return Result(0)


def _remove_project(host: FakeHost, project: str) -> Result:
    host.current, host.folder, host.pending = None, False, None
    host.releases, host.incoming, host.workloads = {}, {}, {}
    host.secrets, host.unread, host.unproven = {}, set(), set()
    host.links = set()
    host.places = {place for place in host.places if place.startswith("registry/")}
    return Result(0)


_HANDLERS: dict[str, Callable[..., Result]] = {
    Script.OBSERVE: _observe,
    Script.UNLOCK: _unlock,
    Script.BEGIN_TRANSFER: _begin_transfer,
    Script.PLACE_FILE: _place,
    Script.UNPACK_ROOT: _place,
    Script.LOAD_IMAGE: _load_image,
    Script.PULL_IMAGE: _pull_image,
    Script.FETCH_HUB: _fetch_hub,
    Script.WRITE_RELEASE: _write_release,
    Script.ACTIVATE: _activate,
    Script.START: _start,
    Script.INSPECT: _inspect,
    Script.WATCH: _watch,
    Script.CONFIRM: _confirm,
    Script.STOP: _stop,
    Script.LOOK: _look,
    Script.START_LOG: _start_log,
    Script.PUT_SECRET: _put_secret,
    Script.READ_SECRET: _read_secret,
    Script.SECRETS_READ: _secrets_read,
    Script.REMOVE: _remove,
    Script.REMOVE_DATA: _remove_data,
    Script.REMOVE_PROJECT: _remove_project,
}
