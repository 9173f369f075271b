"""An independent check that a placement over-commits nothing. Shares no code with the placer.

It adds up from scratch what the reports say and compares with what the hosts have.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from planner.farm import Placement

RESERVES = ("vllm", "sglang")


def faults(placement: Placement) -> list[str]:
    """Everything that is over-committed, in words; empty when all is well."""
    return [
        *_cards(placement),
        *_memory(placement),
        *_ports(placement),
        *_order(placement),
    ]


def _cards(placement: Placement) -> list[str]:
    found = []
    used: Counter[tuple[str, int]] = Counter()
    users = defaultdict(list)
    size = {}
    for host in placement.farm.hosts:
        keep = (host.spec.keep_free and host.spec.keep_free.vram) or 0
        for card in host.devices:
            size[host.name, card.index] = card.memory_bytes - keep
    for replica in placement.replicas:
        if len({(d.device.id, d.memory_bytes) for d in replica.devices}) > 1:
            found.append(f"{replica.name} spans unequal cards")
        wanted = (replica.model.spec.tensor_parallel or 1) * (
            replica.model.spec.pipeline_parallel or 1
        )
        open_ = not replica.model.spec.tensor_parallel and wanted == 1
        allowed = (1, 2, 4, 8, 16) if open_ else (wanted,)
        if replica.model.engine in RESERVES and len(replica.devices) not in allowed:
            found.append(f"{replica.name} has {len(replica.devices)} cards, not {wanted}")
        for card, share in zip(replica.devices, replica.report.devices, strict=True):
            key = (replica.host.name, card.index)
            if key not in size:
                found.append(f"{replica.name} uses a card that {key} has not")
                continue
            used[key] += sum(term.bytes for term in share.terms)
            users[key].append(replica)
    found += [f"card {k} holds {used[k]} of {size[k]}" for k in used if used[k] > size[k]]
    for key, replicas in users.items():
        greedy = [
            r
            for r in replicas
            if r.model.engine in RESERVES
            and not r.model.spec.extra_args
            and r.model.memory_share is None
        ]
        names = [r.model.name for r in replicas]
        if len(set(names)) < len(names):
            found.append(f"card {key} holds two replicas of one model: {names}")
        if greedy and len(replicas) > 1:
            found.append(f"card {key} is shared with {greedy[0].name}, which takes all of it")
    return found


def _memory(placement: Placement) -> list[str]:
    """RAM and disk of every host, with what the VMs in it hold."""
    hosts = {host.name: host for host in placement.farm.hosts}
    used: dict[str, Counter[str]] = {"ram_bytes": Counter(), "disk_bytes": Counter()}
    files: dict[str, dict[str, int]] = defaultdict(dict)
    for replica in placement.replicas:
        used["ram_bytes"][replica.host.name] += sum(t.bytes for t in replica.report.host.terms)
        every = [t for d in replica.report.devices for t in d.terms]
        every += replica.report.host.terms
        weights = sum(t.bytes for t in every if t.name == "weights")
        files[replica.host.name].setdefault(replica.model.source.name, weights)
    for name, stored in files.items():
        used["disk_bytes"][name] = sum(stored.values())
    return [fault for field, own in used.items() for fault in _over(hosts, field, own)]


def _over(hosts: dict, field: str, own: Counter[str]) -> list[str]:
    """Hosts whose replicas, and VMs of no written size, take more than is left for them."""
    held: Counter[str] = Counter()
    # deepest first: a VM without a size passes on what is used in it, one with a size all it holds
    for name in sorted(hosts, key=lambda n: -_depth(hosts, n)):
        parent, size = hosts[name].spec.within, getattr(hosts[name], field)
        if parent in hosts:
            held[parent] += held[name] if size is None else size
            own[parent] += own[name] if size is None else 0
    found = []
    for name, host in hosts.items():
        size, keep = getattr(host, field), host.spec.keep_free
        kept = (getattr(keep, field.removesuffix("_bytes")) or 0) if keep else 0
        if size is not None and own[name] > max(0, size - held[name] - kept):
            found.append(f"{field} of {name}: {own[name]} of {size} - {held[name]} - {kept}")
    return found


def _depth(hosts: dict, name: str) -> int:
    parent = hosts[name].spec.within
    return 0 if parent not in hosts else 1 + _depth(hosts, parent)


def _ports(placement: Placement) -> list[str]:
    count = Counter((r.host.name, r.port) for r in placement.replicas)
    return [f"port {port} twice on {host}" for (host, port), n in count.items() if n > 1]


def _order(placement: Placement) -> list[str]:
    """Every replica asked for is placed once or left out, and pins are kept."""
    asked = [f"models.{m.name}[{i}]" for m in placement.farm.models for i in range(m.spec.replicas)]
    given = [r.resource for r in placement.replicas]
    found = []
    if sorted(given + list(placement.left_out)) != sorted(asked):
        found.append(f"asked {asked}, placed {given}, left out {placement.left_out}")
    for replica in placement.replicas:
        on = replica.model.spec.on
        if on and replica.host.name != on[replica.index % len(on)]:
            found.append(f"{replica.name} is on {replica.host.name}, not {on}")
    return found
