"""Asks a container registry which digest a tag means now.

Protocol: https://github.com/opencontainers/distribution-spec (HEAD /v2/{name}/manifests/{tag}),
with the token handshake that Docker Hub and others use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from planner.errors import BlueprintInvalid
from planner.sources.web import ask

_ACCEPT: Final = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.index.v1",
        "docker.distribution.manifest.list.v2",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.v2",
    )
)
_CHALLENGE: Final = re.compile(r'(\w+)="([^"]*)"')
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name taken apart: ``registry`` is the server, ``name`` the repository there."""

    registry: str
    name: str
    tag: str

    @property
    def base(self) -> str:
        """The registry's address. Only this machine's own is asked without TLS."""
        local = self.registry.partition(":")[0] in ("localhost", "127.0.0.1")
        return f"{'http' if local else 'https'}://{self.registry}"


def parse_reference(text: str) -> Reference:
    """``vllm/vllm-openai:v0.29.0`` taken apart the way Docker reads it."""
    head, slash, rest = text.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        registry, path = head, rest
    else:
        registry, path = "registry-1.docker.io", text if slash else f"library/{text}"
    name, _, tag = path.partition(":")
    return Reference(registry, name, tag or "latest")


def pin_image(text: str) -> str:
    """``text`` with the digest its tag means now. Raises BlueprintInvalid or UsageError."""
    reference = parse_reference(text)
    url = f"{reference.base}/v2/{reference.name}/manifests/{reference.tag}"
    headers = {"Accept": _ACCEPT}
    answer = ask(url, headers=headers, method="HEAD")
    if answer.status_code == 401:
        token = _token(answer.headers.get("WWW-Authenticate", ""), text)
        answer = ask(url, headers={**headers, "Authorization": f"Bearer {token}"}, method="HEAD")
    digest = answer.headers.get("Docker-Content-Digest", "")
    if answer.status_code != 200 or not _DIGEST.fullmatch(digest):
        raise BlueprintInvalid(
            f"the registry has no image {text}",
            where=reference.base,
            cause=f"it answers {answer.status_code}",
            advice="check the name and the tag",
        )
    head, slash, last = text.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}@{digest}"


def _token(challenge: str, text: str) -> str:
    fields = dict(_CHALLENGE.findall(challenge))
    realm = fields.pop("realm", "")
    if not realm.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise BlueprintInvalid(f"the registry of {text} asks for a login planner does not know")
    query = "&".join(f"{key}={value}" for key, value in fields.items())
    data = ask(f"{realm}?{query}").json()
    return str(data.get("token") or data.get("access_token") or "")
