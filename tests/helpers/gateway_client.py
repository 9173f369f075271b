"""A client of the gateway, as anybody would write one: HTTPS, a key, OpenAI's protocol."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

QUESTION = [{"role": "user", "content": "what is a farm"}]


@dataclass(frozen=True)
class Answer:
    """A status, the body, and which replica answered."""

    status: int
    text: str
    replica: str | None = None

    @property
    def content(self) -> str:
        """What the model says."""
        return str(json.loads(self.text)["choices"][0]["message"]["content"])


@dataclass(frozen=True)
class Client:
    """Asks at ``url`` with a key, and trusts one authority's certificates."""

    url: str
    key: str
    authority: str

    def ask(self, model: str, *, timeout: float = 60, **more: Any) -> Answer:
        """One whole answer."""
        body = {"model": model, "messages": QUESTION, "max_tokens": 12, "seed": 1, **more}
        return self.post("/v1/chat/completions", body, timeout=timeout)

    def post(self, path: str, body: dict[str, Any] | None, *, timeout: float = 60) -> Answer:
        """What is said to a body at a path; to no body at all by GET."""
        try:
            with self._open(path, body, timeout) as answer:
                return Answer(answer.status, answer.read().decode(),
                              answer.headers.get("x-litellm-model-id"))  # fmt: skip
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, refused.read().decode())

    def stream(self, model: str, **more: Any) -> list[str]:
        """The pieces of a streamed answer. Raises OSError when it breaks off."""
        body = {"model": model, "messages": QUESTION, "max_tokens": 12, "seed": 1, **more}
        found, text = [], ""
        with self._open("/v1/chat/completions", {**body, "stream": True}, 60) as answer:
            for line in answer:
                text = line.decode().strip().removeprefix("data: ") or text
                if line.strip() and text != "[DONE]":
                    data = json.loads(text)
                    if "error" in data:
                        raise OSError(f"broke off after {len(found)} pieces: {data['error']}")
                    delta = data["choices"][0]["delta"]
                    found += [delta["content"]] if delta.get("content") else []
        if text != "[DONE]":
            raise OSError(f"broke off after {len(found)} pieces: {text}")
        return found

    def names(self) -> list[str]:
        """The models and roles that the key may ask for."""
        return sorted(row["id"] for row in json.loads(self.post("/v1/models", None).text)["data"])

    def _open(self, path: str, body: dict[str, Any] | None, timeout: float) -> Any:
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers)
        context = None
        if self.url.startswith("https:"):
            context = ssl.create_default_context(cadata=self.authority)
        return urllib.request.urlopen(request, timeout=timeout, context=context)
