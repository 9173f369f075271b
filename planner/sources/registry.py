"""Asks a container registry which digest a tag means now.

Protocol: https://github.com/opencontainers/distribution-spec (HEAD /v2/{name}/manifests/{tag}),
with the token handshake that Docker Hub and others use.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

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
_DOCKER_HUB: Final = "docker.io"
_DOCKER_HUB_SERVER: Final = "registry-1.docker.io"
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
        server = _DOCKER_HUB_SERVER if self.registry == _DOCKER_HUB else self.registry
        return f"{'http' if local else 'https'}://{server}"


def parse_reference(text: str) -> Reference:
    """``vllm/vllm-openai:v0.29.0`` taken apart the way Docker reads it."""
    from docker.auth import resolve_repository_name
    from docker.utils import parse_repository_tag

    repository, tag = parse_repository_tag(text)
    registry, name = resolve_repository_name(repository)
    if registry == _DOCKER_HUB:
        name = name if "/" in name else f"library/{name}"
    return Reference(registry, name, tag or "latest")


def pin_image(text: str) -> str:
    """``text`` with the digest its tag means now. Raises BlueprintInvalid or UsageError.

    A private registry is asked with the login that `docker login` left in Docker's configuration.
    """
    reference = parse_reference(text)
    url = f"{reference.base}/v2/{reference.name}/manifests/{reference.tag}"
    headers = {"Accept": _ACCEPT}
    answer = ask(url, headers=headers, method="HEAD")
    if answer.status_code == 401:
        token = _token(answer.headers.get("WWW-Authenticate", ""), reference, text)
        answer = ask(url, headers={**headers, "Authorization": f"Bearer {token}"}, method="HEAD")
    digest = answer.headers.get("Docker-Content-Digest", "")
    if answer.status_code != 200 or not _DIGEST.fullmatch(digest):
        raise BlueprintInvalid(
            f"the registry has no image {text}",
            where=reference.base,
            cause=f"it answers {answer.status_code}",
            advice="check the name and the tag; for a private one, run docker login first",
        )
    head, slash, last = text.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}@{digest}"


def _login(registry: str) -> dict[str, str]:
    """The header that `docker login` earned for this registry, or none."""
    from docker.auth import load_config
    from docker.errors import DockerException

    try:
        found = load_config().resolve_authconfig(registry) or {}
    except DockerException:
        return {}  # a broken credential helper: public images can still be asked about
    user, password = found.get("username"), found.get("password")
    if not user or not password:
        return {}
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _token(challenge: str, reference: Reference, text: str) -> str:
    fields = dict(_CHALLENGE.findall(challenge))
    realm = fields.pop("realm", "")
    if not realm.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise BlueprintInvalid(f"the registry of {text} asks for a login planner does not know")
    query = urlencode(fields)
    data = ask(f"{realm}?{query}", headers=_login(reference.registry)).json()
    return str(data.get("token") or data.get("access_token") or "")
