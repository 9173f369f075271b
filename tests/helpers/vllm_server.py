#!/usr/bin/env python3
"""Answers as vLLM's server does where planner asks it: models, adapters, metrics, completions.

Paths, bodies, statuses and words are those of vllm/entrypoints in the package (0.33.0), compared
with a running server (0.32.0 on a CPU). It computes nothing: an answer is a function of the
adapter's bytes. Needs nothing but Python, so that a farm's host can run it.

    vllm_server.py serve MODEL --host H --port P --served-model-name N [--config FILE] ...
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

UPDATING = "VLLM_ALLOW_RUNTIME_LORA_UPDATING"
Answer = tuple[int, Any]


class Vllm:
    """One server's state: its name, context, and the adapters it serves, by name."""

    def __init__(
        self,
        name: str,
        context: int,
        adapters: Mapping[str, str],
        *,
        updating: bool = True,
        memory: str = "0.9",
        cache: str = "auto",
        exists: bool = True,
    ) -> None:
        """``exists`` says whether an adapter's folder must be there, as on a real host."""
        self.name, self.context, self.updating = name, context, updating
        self.memory, self.cache, self.exists = memory, cache, exists
        self.adapters: dict[str, str] = {}
        self.calls: list[tuple[str, Any]] = []
        self.deaf = False  # says yes and does nothing
        self.inplace = True  # versions before 0.15 know no load_inplace
        for adapter, path in adapters.items():
            status, body = self._load({"lora_name": adapter, "lora_path": path})
            if status != 200:
                raise SystemExit(f"ValueError: {body['error']['message']}")

    def answer(self, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Status and body of a request: GET without a body, else POST."""
        if body is None:
            text: dict[str, Any] = {
                "/health": "",
                "/v1/models": self._models(),
                "/metrics": self._metrics(),
                "/version": {"version": "0.33.0"},
            }
            return (200, text[path]) if path in text else (404, {"detail": "Not Found"})
        self.calls.append((path, dict(body)))
        if path == "/v1/load_lora_adapter" and self.updating:
            return self._load(body)
        if path == "/v1/unload_lora_adapter" and self.updating:
            return self._unload(body)
        if path == "/v1/chat/completions":
            return self._complete(body)
        return 404, {"detail": "Not Found"}

    def _load(self, body: Mapping[str, Any]) -> Answer:
        name, path = body.get("lora_name"), body.get("lora_path")
        if not name or not path:
            return _error(400, "Both 'lora_name' and 'lora_path' must be provided.")
        if name == self.name:
            return _error(400, f"The lora adapter '{name}' conflicts with a served base model.")
        inplace = body.get("load_inplace") and self.inplace
        if not inplace and name in self.adapters:
            return _error(
                400,
                f"The lora adapter '{name}' has already been loaded. If you want to load the "
                "adapter in place, set 'load_inplace' to True.",
            )
        if self.exists and not (Path(path) / "adapter_config.json").is_file():
            return _error(404, f"Loading lora {name} failed: No adapter found for {path}")
        if not self.deaf:
            self.adapters[name] = path
        return 200, f"Success: LoRA adapter '{name}' added successfully."

    def _unload(self, body: Mapping[str, Any]) -> Answer:
        name = body.get("lora_name", "")
        if name not in self.adapters:
            return _error(404, f"The lora adapter '{name}' cannot be found.")
        if not self.deaf:
            del self.adapters[name]
        return 200, f"Success: LoRA adapter '{name}' removed successfully."

    def _models(self) -> dict[str, Any]:
        base = {"id": self.name, "object": "model", "owned_by": "vllm", "root": "/models",
                "parent": None, "max_model_len": self.context}  # fmt: skip
        rest = [
            {"id": name, "object": "model", "owned_by": "vllm", "root": path,
             "parent": self.name, "max_model_len": None}
            for name, path in self.adapters.items()
        ]  # fmt: skip
        return {"object": "list", "data": [base, *rest]}

    def _metrics(self) -> str:
        return (
            f'vllm:cache_config_info{{block_size="128",cache_dtype="{self.cache}",engine="0",'
            f'gpu_memory_utilization="{self.memory}"}} 1.0\n'
            'vllm:inter_token_latency_seconds_count{engine="0",model_name="m"} 55.0\n'
            'vllm:inter_token_latency_seconds_sum{engine="0",model_name="m"} 0.5\n'
            'vllm:prompt_tokens_total{engine="0",model_name="m"} 25.0\n'
            'vllm:request_prefill_time_seconds_sum{engine="0",model_name="m"} 0.1\n'
        )

    def _complete(self, body: Mapping[str, Any]) -> Answer:
        model = body.get("model") or self.name
        if model != self.name and model not in self.adapters:
            return _error(404, f"The model `{model}` does not exist.")
        text = "plain"
        if model in self.adapters:
            held = (Path(self.adapters[model]) / "adapter_model.safetensors").read_bytes()
            text = hashlib.sha256(held).hexdigest()[:12]
        choice = {"index": 0, "message": {"role": "assistant", "content": text}}
        return 200, {"object": "chat.completion", "model": model, "choices": [choice]}


def _error(code: int, message: str) -> Answer:
    kind = {404: "NotFoundError", 400: "InvalidUserInput"}[code]
    return code, {"error": {"message": message, "type": kind, "param": None, "code": code}}


def listed(text: str) -> dict[str, str]:
    """The adapters in a --config file, which holds JSON texts in a list."""
    rows = [line[2:] for line in text.splitlines() if line.startswith("- ")]
    return dict(json.loads(row).split("=", 1) for row in rows)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("verb", choices=["serve"])
    parser.add_argument("model")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--served-model-name", default="model")
    parser.add_argument("--max-model-len", type=int, default=4096)
    parser.add_argument("--gpu-memory-utilization", default="0.92")
    parser.add_argument("--kv-cache-dtype", default="auto")
    parser.add_argument("--config")
    parser.add_argument("--lora-modules", nargs="*", default=[])
    options, _ = parser.parse_known_args()
    modules = dict(item.split("=", 1) for item in options.lora_modules)
    if options.config:
        modules = listed(Path(options.config).read_text())
    server = Vllm(
        options.served_model_name,
        options.max_model_len,
        modules,
        updating=os.environ.get(UPDATING, "0") in ("1", "true"),
        memory=options.gpu_memory_utilization,
        cache=options.kv_cache_dtype,
    )

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        def do_GET(self) -> None:
            """Ask."""
            self._say(*server.answer(self.path))

        def do_POST(self) -> None:
            """Tell."""
            length = int(self.headers.get("Content-Length") or 0)
            self._say(*server.answer(self.path, json.loads(self.rfile.read(length))))

        def _say(self, status: int, body: Any) -> None:
            text = body if isinstance(body, str) else json.dumps(body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    sys.stderr.write(
        "INFO [core.py:133] Initializing a V1 LLM engine (v0.33.0) with config: "
        f"model='{options.model}', max_seq_len={options.max_model_len}, tensor_parallel_size=1, "
        f"pipeline_parallel_size=1, quantization=None, kv_cache_dtype={options.kv_cache_dtype}\n"
    )
    ThreadingHTTPServer((options.host, options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
