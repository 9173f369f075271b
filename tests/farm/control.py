"""The farm as tests and the command use it: hosts by name, up and down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.farm import claim, clearing, disk, gpu, image, keys, llama, machine, network, reaper, ssh
from tests.farm.at_once import for_all
from tests.farm.commands import FarmError, require_machine
from tests.farm.layout import Layout, address_of, number_of
from tests.farm.layout import host_names as names_for
from tests.farm.processes import Process

_REAPER_WITHIN_S = 60.0


@dataclass(frozen=True)
class Host:
    """One host of the farm."""

    name: str
    layout: Layout

    @property
    def address(self) -> str:
        """Its IPv4 address."""
        return address_of(self.name)

    @property
    def root(self) -> Path:
        """Its root file system as this machine sees it."""
        return self.layout.host(self.name).root

    @property
    def console(self) -> Path:
        """What it wrote to its console."""
        return self.layout.host(self.name).console

    @property
    def has_docker(self) -> bool:
        """Whether a Docker engine is installed."""
        return disk.has_docker(self.layout.host(self.name))

    @property
    def is_running(self) -> bool:
        """Whether it is switched on."""
        return machine.is_running(self.name)

    def run(
        self,
        *command: str,
        check: bool = True,
        user: str = "root",
        text_input: str | None = None,
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the host; with `check` another status than 0 raises FarmError."""
        return ssh.call(
            self.layout,
            self.name,
            command,
            user=user,
            check=check,
            text_input=text_input,
            timeout=timeout,
        )

    def import_image(self, archive: Path, tag: str) -> None:
        """Give its Docker engine an image made from a root folder archive."""
        line = ssh.argv(self.layout, self.name, ["docker", "import", "-", tag])
        with archive.open("rb") as stream:
            done = subprocess.run(line, stdin=stream, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise FarmError(f"docker import on {self.name}: {done.stderr.strip()}")

    def cut(self) -> None:
        """Pull its network cable."""
        network.cut(self.name)

    def mend(self) -> None:
        """Plug its network cable in again."""
        network.mend(self.name)

    def kill(self) -> None:
        """Cut its power."""
        machine.power_off(self.layout, self.name)

    def boot(self) -> None:
        """Switch it on again with its disk as it was, and wait until it is ready."""
        disk.prepare(self.layout, self.name, docker=True)
        machine.start(self.layout, self.name)
        machine.wait_ready(self.layout, self.name)

    def reset(self) -> None:
        """Make it a new machine: its disk as the image has it, new host keys, then boot it."""
        docker = self.has_docker
        self.kill()
        disk.remove(self.layout, self.name)
        disk.prepare(self.layout, self.name, docker=docker)
        machine.start(self.layout, self.name)
        keys.write_known_hosts(self.layout)
        machine.wait_ready(self.layout, self.name)

    def gpu(self, model: str, memory_mib: int, count: int = 1, used_mib: int = 0) -> None:
        """Let it pretend to have `count` NVIDIA cards of `memory_mib` MiB; 0 takes them away."""
        gpu.pretend(self.layout, self.name, model, memory_mib, count, used_mib)

    def change_host_keys(self, *, tell: bool = True) -> None:
        """Give it new SSH host keys, as after a reinstallation.

        Unless `tell` is false, the farm's known_hosts file has them too.
        """
        keys.make_host_keys(self.root)
        if tell:
            keys.write_known_hosts(self.layout)


class Farm:
    """All hosts together. Build it, `up`, use `host(...)`, `down`."""

    def __init__(self, layout: Layout | None = None) -> None:
        self.layout = layout or Layout.from_environment()
        self._reaper: subprocess.Popen[str] | None = None

    @property
    def hosts(self) -> list[Host]:
        """All hosts, by number."""
        return [Host(name, self.layout) for name in clearing.host_names(self.layout)]

    def host(self, name: str) -> Host:
        """One host. Raises FarmError when the farm has none of this name."""
        number_of(name)
        if name not in clearing.host_names(self.layout):
            known = ", ".join(clearing.host_names(self.layout)) or "none; type: farm up 2"
            raise FarmError(f"the farm has no host {name} (it has: {known})")
        return Host(name, self.layout)

    @property
    def key(self) -> Path:
        """The private key that opens every host."""
        return self.layout.key

    @property
    def known_hosts(self) -> Path:
        """A known_hosts file with the true keys of all hosts."""
        return self.layout.known_hosts

    def image(self) -> Path:
        """The hosts' image, built when needed."""
        require_machine()
        return image.ensure(self.layout)

    def llama(self) -> Path:
        """The root folder archive with llama-server, built when needed."""
        require_machine()
        return llama.ensure(self.layout)

    def up(
        self,
        count: int,
        *,
        no_docker: Collection[str] = (),
        owner: int | None = None,
        wait_s: float = 0,
    ) -> list[Host]:
        """Boot farm1..farm`count`, those in `no_docker` without a Docker engine; wait until ready.

        With an `owner` (a process number) the farm ends when that process does, however it ends.
        Without, it stays until `down`, and `up` may be called again for more hosts. Waits up to
        `wait_s` seconds for a farm that another process has. Raises FarmError when a host does not
        come up.
        """
        require_machine()
        names = names_for(count)
        if strangers := sorted(set(no_docker) - set(names)):
            raise FarmError(f"not among the hosts to boot: {', '.join(strangers)}")
        image.ensure(self.layout)
        keys.ensure_user_key(self.layout)
        lock = claim.lock(wait_s)
        try:
            self._claim(owner, lock)
            self._boot([name for name in names if not machine.is_running(name)], no_docker)
        finally:
            os.close(lock)
        return [Host(name, self.layout) for name in names]

    def down(self, *, force: bool = False) -> list[str]:
        """Remove all hosts and every trace of them; the names removed, none when nothing was there.

        Raises FarmError when the farm belongs to a living process that the caller does not descend
        from, unless `force`.
        """
        found = claim.current()
        owner = found.owner if found else None
        if owner and owner.alive() and not force and not owner.is_self_or_ancestor():
            raise FarmError(
                f"the farm belongs to process {owner.pid} ({owner.command()}) and ends with it; "
                "to end it now: farm down --force"
            )
        names = clearing.host_names(Layout(found.folder) if found else self.layout)
        self._end_reaper(found)
        lock = claim.lock(wait_s=_REAPER_WITHIN_S)
        try:
            self._clear()
        finally:
            os.close(lock)
        return names

    def _clear(self) -> None:
        """Clear what is left of a farm, in whatever folder it was. The caller holds the lock."""
        left = claim.current()
        if left is not None and left.folder != self.layout.folder:
            clearing.clear(Layout(left.folder))
        clearing.clear(self.layout)

    def _claim(self, owner: int | None, lock: int) -> None:
        """Make the farm ours: clear a dead owner's, join a standing one, start the reaper."""
        found = claim.current()
        if found is None or found.owner is not None:
            self._clear()
        elif owner is not None or found.folder != self.layout.folder:
            raise FarmError(
                f"a farm without an owner stands since {found.since}, in {found.folder}.\n"
                "If nobody needs it any more, end it with: farm down"
            )
        else:
            print(f"farm: joining the farm that stands since {found.since}", file=sys.stderr)
            return
        if owner is None:
            claim.Claim(self.layout.folder).save()
            return
        process = Process.find(owner)
        if process is None:
            raise FarmError(f"there is no process {owner} to own the farm")
        self._reaper = reaper.spawn(process, self.layout, lock)
        claim.Claim(self.layout.folder, process, Process.find(self._reaper.pid)).save()

    def _boot(self, names: Sequence[str], no_docker: Collection[str]) -> None:
        network.create_bridge()

        def prepare(name: str) -> None:
            disk.prepare(self.layout, name, docker=name not in no_docker)
            machine.start(self.layout, name)

        for_all(names, prepare)
        keys.write_known_hosts(self.layout)
        for_all(names, lambda name: machine.wait_ready(self.layout, name))

    def _end_reaper(self, found: claim.Claim | None) -> None:
        """Let the reaper clear the farm now and wait until it is gone."""
        if found is None or found.reaper is None:
            return
        found.reaper.signal(signal.SIGTERM)
        if self._reaper is not None:
            self._reaper.wait(timeout=_REAPER_WITHIN_S)
            self._reaper = None
        deadline = time.monotonic() + _REAPER_WITHIN_S
        while found.reaper.alive() and time.monotonic() < deadline:
            time.sleep(0.05)
