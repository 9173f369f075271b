"""Three real hosts with eight models, the real command line in processes of its own, and what must
be there, and nothing else, once an apply has converged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.farm.control import Farm, Host

FULL = os.environ.get("PLANNER_FAULTS") == "full"
"""Whether every point is tried, which takes hours, or a sample of them."""
SHARE = tuple(map(int, os.environ.get("PLANNER_SHARE", "1/1").split("/")))
"""Which share of all points is tried, and of how many: ``1/4`` has every fourth, from the first."""

PROJECT = "eight"
HOME = f"/var/lib/planner/{PROJECT}"
ROOT = Path(__file__).parents[2]
PLACES = {"farm1": ("a", "b", "c"), "farm2": ("d", "e", "f"), "farm3": ("g", "h")}

# everything of the project that lives on a host
LIVING = """
docker ps --all --no-trunc --filter label=io.planner.project=PROJECT \
  --format '{{.Label "io.planner.workload"}} {{.State}}' 2>/dev/null
systemctl list-units --no-legend --plain 'planner-*' | awk '{print $1, $3}'
"""
# what a run may leave and nobody needs
LEFT = f"""
ls /run/planner
find {HOME} -name '*.part' -o -path '*/incoming/*' -o -path '*/unproven/*' -o -name 'pending*' \
  -o -path '*/traffic/*'
find {HOME} /etc/systemd/system -name '*planner-new*'
pgrep -af 'sh -s --|go_back|dd bs=1' | grep -v pgrep
"""


class Answer(NamedTuple):
    """What a command said, its exit code, and how long it took in seconds."""

    out: str
    err: str
    code: int
    seconds: float


@dataclass
class Eight:
    """A blueprint over the farm's hosts. ``places`` says which models run where, ``ram`` what each
    host has."""

    path: Path
    farm: Farm
    archive: Path
    model: Path
    places: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(PLACES))
    ram: str = "8GiB"

    @property
    def hosts(self) -> dict[str, Host]:
        return {name: self.farm.host(name) for name in self.places}

    def write(self, context: str = "1k", **changes: Any) -> None:
        """Every model with this much context; ``changes`` go into every model, None takes out."""
        models = {
            name: {
                "source": str(self.model),
                "engine": "llama.cpp",
                "image": {"archive": str(self.archive)},
                "context": context,
                "parallel": 1,
                "on": host,
                **changes,
            }
            for host, names in self.places.items()
            for name in names
        }
        for model in models.values():
            for key in [key for key, value in model.items() if value is None]:
                del model[key]
        self.path.write_text(json.dumps({**self.document(), "models": models}))  # JSON is YAML

    def document(self) -> dict[str, Any]:
        """The blueprint without its models."""
        hosts = {
            name: {
                "address": f"root@{host.address}",
                "identity": str(self.farm.key),
                "ram": self.ram,
                "disk": "20GB",
                "runtime": "systemd" if name == "farm3" else "compose",
            }
            for name, host in self.hosts.items()
        }
        return {"planner": 1, "project": PROJECT, "hosts": hosts}

    def start(
        self, *words: str, kill_at: int | None = None, meet: Path | None = None
    ) -> subprocess.Popen[str]:
        """``planner WORDS`` as a process; it kills itself at a point of its way, or waits for
        another one before it asks for the lock."""
        at = [] if kill_at is None else [f"--kill-at={kill_at}"]
        at += [] if meet is None else [f"--meet={meet}"]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.faults.process", *at, "--", *words],
            cwd=ROOT,
            env={
                **os.environ,
                "NO_COLOR": "1",
                "PLANNER_KNOWN_HOSTS": str(self.farm.known_hosts),
                "XDG_CACHE_HOME": str(self.path.parent / "cache"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def planner(self, verb: str, *words: str, kill_at: int | None = None) -> Answer:
        """Run ``planner VERB BLUEPRINT WORDS`` to its end."""
        begun = time.monotonic()
        process = self.start(verb, str(self.path), *words, kill_at=kill_at)
        return finish(process, begun)

    def apply(self, **options: Any) -> Answer:
        return self.planner("apply", "--yes", **options)

    def living(self, host: str) -> list[str]:
        """Every container and unit of the project, with its state."""
        script = LIVING.replace("PROJECT", PROJECT)
        said = self.hosts[host].run("sh", "-c", script, check=False).stdout
        return sorted(line for line in said.splitlines() if line)

    def wanted(self, host: str) -> list[str]:
        """What living() says once the host is as the blueprint says."""
        names = [f"{name}-0" for name in self.places[host]]
        if host == "farm3":
            return sorted(f"planner-{PROJECT}-{name}.service active" for name in names)
        return sorted(f"{name} running" for name in names)

    def left(self, host: str) -> list[str]:
        """What runs have left on a host that nobody needs."""
        said = self.hosts[host].run("sh", "-c", LEFT, check=False).stdout
        return said.splitlines()

    def rest(self, host: str, seconds: float = 10) -> list[str]:
        """What is still left once everything that ends by itself has had its time."""
        deadline = time.monotonic() + seconds
        while (found := self.left(host)) and time.monotonic() < deadline:
            time.sleep(0.2)
        return found

    def whole(self) -> None:
        """Everything is there once, it answers, and nothing else is left."""
        plan = self.planner("plan", "--detailed-exitcode")
        assert plan.code == 0, plan.out + plan.err
        for host in self.places:
            living, left = self.living(host), self.rest(host)
            assert living == self.wanted(host), (host, living)
            assert left == [], (host, left)
        names = {path.name for path in (self.path.parent / ".planner").iterdir()}
        assert names <= {".gitignore", f"{PROJECT}.json", f"{PROJECT}.previous.json"}
        record = json.loads((self.path.parent / f".planner/{PROJECT}.json").read_text())
        assert set(record["hosts"]) == set(self.places)

    def bare(self) -> None:
        """Nothing of the project is on any host."""
        for host in self.places:
            living, left = self.living(host), self.rest(host)
            assert (living, left) == ([], []), (host, living, left)
            assert self.hosts[host].run("ls", "-d", HOME, check=False).stdout == ""

    def release(self, host: str) -> str:
        """The release that is current on a host."""
        link = self.hosts[host].run("readlink", f"{HOME}/current", check=False).stdout
        return link.strip().rpartition("/")[2]

    def clear(self) -> None:
        """Take everything away, whatever a test has left."""
        for host in self.hosts.values():
            host.mend()
        for _ in range(2):
            if self.planner("destroy", "--yes").code == 0:
                return
        raise AssertionError("the hosts cannot be cleared")


def finish(process: subprocess.Popen[str], begun: float, seconds: float = 300) -> Answer:
    """Wait for a process's end."""
    out, err = process.communicate(timeout=seconds)
    return Answer(out, err, process.returncode, time.monotonic() - begun)


def spread(points: int, most: int) -> Iterator[int]:
    """All points of the share, which are told as they come; or as many as a sample may have, first
    and last included."""
    if not FULL:
        last = points - 1
        yield from sorted({1 + round(n * last / (most - 1)) for n in range(most)})
        return
    share, of = SHARE
    for point in range(share, points + 1, of):
        print(f"point {point} of {points}", flush=True)
        yield point
