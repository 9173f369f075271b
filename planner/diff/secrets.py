"""Which secrets a host lacks or has another value of, and which workloads that restarts. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from planner.diff.values import Observed, PutSecret
from planner.render.bundle import HostBundle, Workload
from planner.secret import SecretSource, SecretUse, SecretValue

Values = Mapping[str, SecretValue]
"""What is known of secrets on this machine, by name; a host keeps what is not known here."""


def put_secrets(wanted: HostBundle, seen: Observed, values: Values) -> list[PutSecret]:
    """Secrets to bring to the host, each once for every user id that reads it."""
    sources = {source.name: source for source in wanted.secrets}
    found: dict[str, PutSecret] = {}
    for workload in wanted.workloads:
        for use in workload.secrets:
            users = tuple(w.name for w in wanted.workloads if _reads(w, use))
            cause = _cause(use, sources[use.name], seen, values, users)
            if cause is not None:
                found[use.place] = PutSecret(
                    id=f"{wanted.host}/secret/{use.place.partition('/')[2]}",
                    host=wanted.host,
                    target=use.name,
                    cause=cause,
                    source=sources[use.name],
                    place=use.place,
                    owner=use.owner,
                    users=users,
                    replaces=use.place in seen.secrets,
                )
    return list(found.values())


def cause_of_restart(workload: Workload, seen: Observed, put: list[PutSecret]) -> str | None:
    """Why a workload that runs must start again because of its secrets."""
    for step in put:
        if workload.name in step.users:
            return f"secret {step.target} changes"
    if workload.name in seen.unread_secrets:
        return "it has not started since one of its secrets changed"
    return None


def secret_places(workloads: tuple[Workload, ...]) -> set[str]:
    """Where the secrets of workloads lie on their host."""
    return {use.place for workload in workloads for use in workload.secrets}


def _reads(workload: Workload, use: SecretUse) -> bool:
    return any(other.place == use.place for other in workload.secrets)


def _cause(
    use: SecretUse, source: SecretSource, seen: Observed, values: Values, users: tuple[str, ...]
) -> str | None:
    needed = f"{', '.join(users)} {'needs' if len(users) == 1 else 'need'} it"
    if use.place not in seen.secrets:
        return f"not on the host yet, {needed} ({source.origin})"
    value = values.get(use.name)
    if not seen.secrets[use.place] and (value is not None or source.kind.kept_by_hosts):
        # no fingerprint is told of it; what is not here is taken back from there
        return f"others could read it on the host, {needed} ({source.origin})"
    if value is None or seen.secret_key is None:
        return None
    if value.fingerprint(seen.secret_key.reveal()) == seen.secrets[use.place]:
        return None
    return f"the host has another value than {source.origin}, {needed}"
