"""Twelve planted secrets, every command, success and failure: found nowhere but in their files.

Faults: a variable that is gone, a file that others can read, a program that cannot decrypt, a host
that is switched off, a container that ends at once, a fault of planner's own.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.farm.control import Farm, Host
from tests.farm.layout import GATEWAY
from tests.faults.haystack import in_folders, in_texts, needle
from tests.helpers.hub import stand_in

pytestmark = pytest.mark.farm

NAMES = ("made", "variable", "dollars", "file", "lines", "sops", "age", "typed", "hub", "shared",
         "unit-file", "unit-variable")  # fmt: skip
# Everything that runs on a host and says something: what planner asks, and what others could.
HOST_TEXTS = """
journalctl --no-pager --output=export 2>/dev/null
systemctl show 'planner-*' --no-pager
cat /etc/systemd/system/planner-* 2>/dev/null
for id in $(docker ps --all --quiet 2>/dev/null); do docker inspect $id; docker logs $id 2>&1; done
docker compose --project-name planner-planted ls 2>/dev/null
cat /proc/[0-9]*/cmdline 2>/dev/null
"""


@dataclass
class World:
    """A blueprint with twelve secrets over two real hosts, and all that was ever said."""

    folder: Path
    left: Host
    right: Host
    environ: dict[str, str]
    planted: dict[str, str]
    said: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.folder / "farm/planted.yaml"

    def run(self, *words: str, code: int | None = None, **changes: str | None) -> str:
        """One command, and what it said; ``changes`` are to its environment."""
        environ = {**self.environ, **{k: v for k, v in changes.items() if v is not None}}
        for name in (key for key, value in changes.items() if value is None):
            environ.pop(name, None)
        done = subprocess.run(
            [sys.executable, "-m", "planner.cli.main", *words],
            env=environ, cwd=self.folder, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        text = done.stdout + done.stderr
        self.said[f"{len(self.said)}: planner {' '.join(words)}"] = text
        assert code is None or done.returncode == code, text
        return text

    def type(self, answer: str, *words: str) -> int:
        """One command in a terminal, where ``answer`` is typed to its question."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execve(sys.executable, [sys.executable, "-m", "planner.cli.main", *words],
                      self.environ)  # fmt: skip
        text = b""
        while b"secret typed: " not in text:
            text += os.read(terminal, 65536)
        os.write(terminal, f"{answer}\n".encode())
        while True:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:  # the terminal's end, on Linux
                break
            if not chunk:
                break
            text += chunk
        self.said[f"{len(self.said)}: typed at planner {' '.join(words)}"] = text.decode()
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def document(self) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load(self.path.read_text())
        return loaded

    def write(self, document: dict[str, Any]) -> None:
        self.path.write_text(yaml.safe_dump(document, sort_keys=False))

    def disks(self) -> list[Path]:
        """What the hosts' disks hold beyond their image, Docker's own files included."""
        hosts = [host.layout.host(host.name) for host in (self.left, self.right)]
        return [part for host in hosts for part in (host.upper, host.docker) if part.exists()]

    def heard(self) -> dict[str, str]:
        """What programs on the hosts say."""
        return {h.name: h.run("sh", "-c", HOST_TEXTS).stdout for h in (self.left, self.right)}


def allowed(path: Path, world: World) -> bool:
    """Whether a file is one of those that a secret belongs in."""
    text = str(path)
    if path.is_relative_to(world.folder):
        inside = path.relative_to(world.folder).parts
        return inside[0] == "keys" or inside[:3] == ("farm", ".planner", "secrets")
    return "/var/lib/planner/planted/secrets/" in text


@pytest.fixture
def world(
    farm: Farm,
    docker_host: Host,
    systemd_host: Host,
    llama_archive: Path,
    tiny_model: Path,
    tmp_path: Path,
) -> Iterator[World]:
    planted = {name: needle(name) for name in NAMES}
    planted["dollars"] = f"a$HOME${{X}}'\"\\ {planted['dollars']} $(id)"
    planted["lines"] = f"first\n{planted['lines']}\nlast"
    planted["unit-variable"] = f"%n%%$X {planted['unit-variable']} é"
    keys = tmp_path / "keys"
    keys.mkdir()
    for name in ("file", "lines", "unit-file"):
        (keys / name).write_text(planted[name])
        (keys / name).chmod(0o600)
    tools = _tools(tmp_path, keys, planted)
    environ = {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PLANNER_KNOWN_HOSTS": str(farm.known_hosts),
        "PLANNER_IDENTITY": str(farm.key),
        "PLANTED_VARIABLE": planted["variable"],
        "PLANTED_DOLLARS": planted["dollars"],
        "PLANTED_UNIT": planted["unit-variable"],
        "PLANTED_SHARED": planted["shared"],
        "HF_TOKEN": planted["hub"],
    }
    for name in ("home", "tmp", "farm"):
        (tmp_path / name).mkdir()
    made = World(tmp_path, docker_host, systemd_host, environ, planted)
    del planted["made"]  # planner makes it
    made.write(_blueprint(made, llama_archive, tiny_model))
    yield made
    made.run("destroy", str(made.path), "--yes")


def _tools(folder: Path, keys: Path, planted: dict[str, str]) -> Path:
    """The real age where it is installed; a stand-in for sops, which no Debian package has."""
    tools = folder / "tools"
    tools.mkdir()
    (keys / "sops").write_text(planted["sops"])
    (tools / "sops").write_text(f"#!/bin/sh\n[ ! -e {keys}/broken ] && cat {keys}/sops\n")
    if subprocess.run(["sh", "-c", "command -v age"], capture_output=True).returncode == 0:
        subprocess.run(["age-keygen", "-o", keys / "identity"], check=True, capture_output=True)
        asked = ["age-keygen", "-y", keys / "identity"]
        public = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
        subprocess.run(["age", "-r", public, "-o", keys / "age.age"], check=True,
                       input=planted["age"].encode())  # fmt: skip
    else:
        (keys / "age").write_text(planted["age"])
        (tools / "age").write_text(f"#!/bin/sh\ncat {keys}/age\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return tools


def _blueprint(world: World, archive: Path, model: Path) -> dict[str, Any]:
    common = {"engine": "llama.cpp", "image": {"archive": str(archive)}, "context": "1k",
              "parallel": 1, "expose": "lan"}  # fmt: skip
    hosts = {"left": (world.left, "compose"), "right": (world.right, "systemd")}
    return {
        "planner": 1,
        "project": "planted",
        "hosts": {
            name: {"address": f"root@{host.address}", "runtime": runtime, "ram": "4GiB"}
            for name, (host, runtime) in hosts.items()
        },
        "models": {
            "chat": {
                **common,
                "source": str(model),
                "on": "left",
                "api_key": "secret:made",
                "environment": {
                    "A": "secret:variable", "B": "secret:dollars", "C": "secret:file",
                    "D": "secret:lines", "E": "secret:sops", "F": "secret:age",
                    "G": "secret:typed", "H": "secret:shared", "PLAIN": "no $secret",
                },
            },
            "quiet": {
                **common,
                "source": str(model),
                "on": "right",
                "api_key": "secret:unit-file",
                "environment": {"I": "secret:unit-variable", "J": "secret:shared"},
            },
            "gated": {
                **common,
                "source": "acme/tiny/tiny.gguf",
                "footprint": "200MB",
                "on": "left",
                "hub_token": "secret:hub",
            },
        },
        "secrets": {
            "made": {},
            "variable": {"env": "PLANTED_VARIABLE"},
            "dollars": {"env": "PLANTED_DOLLARS"},
            "file": {"file": "../keys/file"},
            "lines": {"file": "../keys/lines"},
            "sops": {"sops": "../keys/sops", "key": "a.b"},
            "age": {"age": "../keys/age.age", "identity": "../keys/identity"},
            "typed": {"prompt": True},
            "hub": {"env": "HF_TOKEN"},
            "shared": {"env": "PLANTED_SHARED"},
            "unit-file": {"file": "../keys/unit-file"},
            "unit-variable": {"env": "PLANTED_UNIT"},
        },
    }  # fmt: skip


def test_they_are_found_nowhere_but_in_their_files(world: World, tiny_model: Path) -> None:
    repositories = {"acme/tiny": {"tiny.gguf": tiny_model.read_bytes(), "config.json": b"{}"}}
    token = world.planted["hub"]
    with stand_in(repositories, GATEWAY, token=token) as (server, _):
        world.environ["HF_ENDPOINT"] = f"http://{server}"
        failures_before_anything_runs(world)
        successes(world)
        they_arrive(world)
        failures_while_something_runs(world)
        nothing_gives_them_away(world)
        the_search_can_find_them(world)
        world.run("destroy", str(world.path), "--yes", code=0)
    nothing_gives_them_away(world)
    left_over = in_folders(world.planted, world.disks())
    assert left_over == []


def failures_before_anything_runs(world: World) -> None:
    path = str(world.path)
    world.run("lock", path, code=3, HF_TOKEN="hf-wrong")
    world.run("lock", path, code=0)
    world.run("apply", path, "--yes", code=3, PLANTED_VARIABLE=None)
    (world.folder / "keys/file").chmod(0o644)
    world.run("apply", path, "--yes", code=3)
    (world.folder / "keys/file").chmod(0o600)
    (world.folder / "keys/broken").touch()
    world.run("plan", path)
    (world.folder / "keys/broken").unlink()
    world.run("apply", path, "--yes", code=2)  # nobody types
    world.run("apply", path, code=2)  # nobody confirms
    world.run("apply", f"{path}.gone", "--yes", code=3)


def successes(world: World) -> None:
    path, out = str(world.path), str(world.folder / "plan.json")
    world.run("validate", path, code=0)
    for form in ("text", "json"):
        world.run("size", path, "--format", form, code=0)
        world.run("cost", "estimate", path, "--format", form)
        world.run("cost", "diff", path, path, "--format", form)
        world.run("plan", path, "--format", form, code=0)
    world.run("cost", "compare", path)
    world.run("size", path, "--explain", code=0)
    world.run("render", path, "--output", str(world.folder / "rendered"), code=0)
    world.run("plan", path, "--out", out, "--detailed-exitcode", code=10)
    assert world.type(world.planted["typed"], "apply", path, "--yes") == 0
    made = world.path.parent / ".planner/secrets/planted/made"
    world.planted["made"] = made.read_text()
    assert "Nothing to do" in world.run("apply", path, "--yes", code=0)
    for form in ("text", "json"):
        world.run("status", path, "--format", form, code=0)
        world.run("drift", path, "--format", form, "--detailed-exitcode", code=0)
        world.run("apply", path, "--yes", "--format", form, code=0)
        world.run("unlock", path)
        world.run("hosts", "probe", path, "--format", form, code=0)
    # another value, another context, and back
    world.planted["shared-2"] = needle("shared-2")
    world.environ["PLANTED_SHARED"] = world.planted["shared-2"]
    text = world.run("apply", path, "--yes", code=0)
    assert text.count("~ secret   shared") == 2
    document = world.document()
    document["models"]["quiet"]["context"] = "2k"
    world.write(document)
    world.run("apply", path, "--yes", code=0)
    world.run("rollback", path, "--yes", code=0)


def they_arrive(world: World) -> None:
    """Each workload has its secrets as it should, and asks its clients for the key."""
    seen = world.left.run(
        "sh", "-c",
        'id=$(docker ps --quiet --filter label=io.planner.workload=chat-0); '
        'docker exec "$id" cat /run/secrets/made; '
        'tr "\\0" "\\n" </proc/$(docker inspect --format "{{.State.Pid}}" "$id")/environ',
    ).stdout  # fmt: skip
    for name in ("made", "variable", "dollars", "file", "lines", "sops", "age", "typed"):
        assert world.planted[name] in seen, name
    assert f"H={world.planted['shared-2']}" in seen
    assert "PLAIN=no $secret" in seen
    unit = world.right.run(
        "sh", "-c",
        'unit=planner-planted-quiet-0.service; cat /run/credentials/$unit/unit-file; '
        'tr "\\0" "\\n" </proc/$(systemctl show --value -p MainPID $unit)/environ',
    ).stdout  # fmt: skip
    assert world.planted["unit-file"] in unit
    assert f"I={world.planted['unit-variable']}" in unit
    for host, workload, key in (
        (world.left, "chat-0", world.planted["made"]),
        (world.right, "quiet-0", world.planted["unit-file"]),
    ):
        port = _port(world, workload)
        assert _asked(host, port, None) == 401
        assert _asked(host, port, "wrong") == 401
        assert _asked(host, port, key) == 200


def _port(world: World, workload: str) -> int:
    text = world.run("status", str(world.path))
    line = next(line for line in text.splitlines() if line.strip().startswith(workload))
    return int(line.rpartition(":")[2])


def _asked(host: Host, port: int, key: str | None) -> int:
    head = {"Content-Type": "application/json"}
    head |= {} if key is None else {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"http://{host.address}:{port}/v1/completions",
                                     b'{"prompt": "a", "max_tokens": 1}', head)  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def failures_while_something_runs(world: World) -> None:
    path, document = str(world.path), world.document()
    good = world.path.read_text()
    # a container that ends at once, and a unit that has no such program
    document["models"]["chat"]["extra_args"] = ["--no-such-option"]
    world.write(document)
    world.run("apply", path, "--yes")
    document["models"]["quiet"]["binary"] = "/usr/bin/no-such-program"
    world.write(document)
    world.run("apply", path, "--yes")
    world.path.write_text(good)
    # a reference that leads nowhere, and a value where a reference belongs
    for wrong in ("secret:shred", world.planted["file"], f"secret:{world.planted['file']}"):
        world.path.write_text(good.replace("secret:shared", wrong, 1))
        world.run("validate", path)
    broken = {**world.document(), "secrets": {}}
    world.write(broken)
    world.run("plan", path, code=3)
    world.path.write_text(good)
    # a fault of planner's own, while it holds them
    _crash(world, PLANNER_DEBUG="1")
    _crash(world)
    world.right.kill()
    try:
        world.run("apply", path, "--yes")
        world.run("status", path)
    finally:
        world.right.boot()
    world.run("apply", path, "--yes", code=0)


def _crash(world: World, **changes: str) -> None:
    """A fault of planner's own in the midst of an apply: its report must not hold them either."""
    script = (
        "import sys; from planner.apply import execute; from planner.cli.main import run\n"
        "def crash(*a, **k): raise RuntimeError(repr(a) + repr(k))\n"
        "execute.execute = crash\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    values = {**world.environ, "PLANTED_SHARED": needle("other"), **changes}
    world.planted[f"shared-{len(world.planted)}"] = values["PLANTED_SHARED"]
    done = subprocess.run(
        [sys.executable, "-c", script, "apply", str(world.path), "--yes"],
        env=values, cwd=world.folder, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 1
    assert "RuntimeError" in done.stderr
    world.said[f"{len(world.said)}: a crash"] = done.stdout + done.stderr


def nothing_gives_them_away(world: World) -> None:
    assert in_texts(world.planted, world.said) == []
    assert in_texts(world.planted, world.heard()) == []
    found = in_folders(world.planted, [world.folder, *world.disks()])
    blueprints = [path for path in found if not allowed(path, world)]
    assert blueprints == []


def the_search_can_find_them(world: World) -> None:
    """What the search looked at does hold a secret once it is put there."""
    value = world.planted["variable"]
    assert in_texts(world.planted, {"x": f"key={value}"}) == ["variable in x"]
    found = in_folders(world.planted, world.disks())
    assert {path.name for path in found} >= {"variable@65534", "made@65534", "unit-file"}
    world.left.run("docker", "run", "--detach", "--name", "leak", "--label", f"leak={value}",
                   "planner.local/leak", check=False)  # fmt: skip
    image = world.left.run("docker", "images", "--quiet").stdout.split()[0]
    world.left.run("docker", "create", "--name", "leak", "--env", f"LEAK={value}", image, "true")
    world.right.run("logger", f"it is {value}")
    world.right.run("journalctl", "--sync")
    try:
        assert len(in_texts({"variable": value}, world.heard())) == 2
        there = in_folders({"variable": value}, world.disks())
        assert any(path.name == "config.v2.json" for path in there)
    finally:
        world.left.run("docker", "rm", "leak")
        world.right.run("sh", "-c", "journalctl --rotate; journalctl --vacuum-time=1s")
