"""The command `farm`: parses, calls the farm, prints."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from tests.farm import claim, keys, ssh
from tests.farm.commands import FarmError, require_machine
from tests.farm.control import Farm

_ABOUT = """\
A farm of real throwaway Debian hosts on this machine: farm1 at 10.77.0.11, farm2 at ...12.
Each boots systemd as its own PID 1 in its own network namespace, with its own sshd and Docker.
Needs root. Everything lives under $FARM_DIR (default /var/tmp/planner-farm)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one `farm` command; its exit status: 0 done, 1 it could not, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        return status
    except (FarmError, OSError) as error:
        print(f"farm: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="farm", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run: object, text: str, *, host: bool = False) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        if host:
            added.add_argument("name", metavar="NAME")
        return added

    verb("image", _image, "build the hosts' disk image unless it is there; prints its folder")
    verb("llama", _llama, "build the root folder archive with llama-server; prints its path")
    up = verb("up", _up, "boot N hosts and wait until they are ready")
    up.add_argument("count", type=int, metavar="N")
    up.add_argument(
        "--no-docker", action="append", default=[], metavar="NAME", help="without Docker"
    )
    up.add_argument("--owner", type=int, metavar="PID", help="end the farm when this process ends")
    up.add_argument("--wait", type=float, default=0, metavar="S", help="wait for another's end")
    down = verb("down", _down, "remove all hosts and every trace of them")
    down.add_argument("--force", action="store_true", help="even if another living process has it")
    verb("status", _status, "show the hosts")
    on = verb("ssh", _ssh, "run a command on a host, or open a shell there", host=True)
    on.add_argument("--user", default="root")
    on.add_argument("command", nargs=argparse.REMAINDER, metavar="CMD")
    verb("key", _key, "print the path of the private key that opens every host")
    verb(
        "known-hosts",
        _known_hosts,
        "print the path of a known_hosts file for all hosts",
    )
    verb("cut", _cut, "pull a host's network cable", host=True)
    verb("mend", _mend, "plug a host's network cable in again", host=True)
    verb("kill", _kill, "cut a host's power", host=True)
    verb("boot", _boot, "switch a host on again, its disk as it was", host=True)
    verb("reset", _reset, "make a host a new machine: fresh disk, new keys, booted", host=True)
    verb("rekey", _rekey, "give a host new SSH host keys, as after a reinstallation", host=True)
    gpu = verb("gpu", _gpu, "let a host pretend to have NVIDIA cards", host=True)
    gpu.add_argument("model", metavar="MODEL")
    gpu.add_argument("mib", type=int, metavar="MIB")
    gpu.add_argument(
        "count", type=int, nargs="?", default=1, metavar="COUNT", help="0 takes them away"
    )
    return parser


def _image(_: argparse.Namespace) -> int:
    print(Farm().image())
    return 0


def _llama(_: argparse.Namespace) -> int:
    print(Farm().llama())
    return 0


def _up(options: argparse.Namespace) -> int:
    farm = Farm()
    started = time.monotonic()
    hosts = farm.up(
        options.count, no_docker=options.no_docker, owner=options.owner, wait_s=options.wait
    )
    for host in hosts:
        print(f"{host.name} {host.address} {'docker' if host.has_docker else 'no-docker'}")
    print(f"farm: ready in {time.monotonic() - started:.1f} s", file=sys.stderr)
    return 0


def _down(options: argparse.Namespace) -> int:
    require_machine()
    names = Farm().down(force=options.force)
    print(f"removed: {' '.join(names)}" if names else "nothing was up", file=sys.stderr)
    return 0


def _status(_: argparse.Namespace) -> int:
    farm = Farm()
    for host in farm.hosts:
        state = "running" if host.is_running else "off"
        print(f"{host.name} {host.address} {state} {'docker' if host.has_docker else 'no-docker'}")
    found = claim.current()
    if found:
        owner = found.owner
        by = f"owned by process {owner.pid} ({owner.command()})" if owner else "without an owner"
        print(f"farm: stands since {found.since}, {by}", file=sys.stderr)
    return 0


def _ssh(options: argparse.Namespace) -> int:
    farm = Farm()
    host = farm.host(options.name)
    # One word is a line for the host's shell, as with ssh itself; several are words, kept as given.
    words = options.command
    line = ssh.argv(farm.layout, host.name, words if len(words) > 1 else (), user=options.user)
    line += words[:1] if len(words) == 1 else []
    os.execvp(line[0], line)


def _key(_: argparse.Namespace) -> int:
    print(keys.ensure_user_key(Farm().layout))
    return 0


def _known_hosts(_: argparse.Namespace) -> int:
    print(Farm().known_hosts)
    return 0


def _cut(options: argparse.Namespace) -> int:
    Farm().host(options.name).cut()
    return 0


def _mend(options: argparse.Namespace) -> int:
    Farm().host(options.name).mend()
    return 0


def _kill(options: argparse.Namespace) -> int:
    Farm().host(options.name).kill()
    return 0


def _boot(options: argparse.Namespace) -> int:
    Farm().host(options.name).boot()
    return 0


def _reset(options: argparse.Namespace) -> int:
    Farm().host(options.name).reset()
    return 0


def _rekey(options: argparse.Namespace) -> int:
    Farm().host(options.name).change_host_keys()
    return 0


def _gpu(options: argparse.Namespace) -> int:
    Farm().host(options.name).gpu(options.model, options.mib, options.count)
    return 0
