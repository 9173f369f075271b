"""Asks every model in `planner status --format json` (standard input) a question over HTTP."""

from __future__ import annotations

import json
import sys

import requests


def main() -> None:
    """Print each model's answer; exit 1 when one of them does not answer."""
    question = sys.argv[1]
    hosts = json.load(sys.stdin)["hosts"]
    asked = 0
    for host in hosts:
        for workload in host.get("workloads", []):
            answer = ask(workload["url"], question)
            print(f"{host['host']:8} {workload['name']:12} ({workload['runtime']}): {answer!r}")
            asked += 1
    if asked == 0:
        sys.exit("no model runs")


def ask(url: str, question: str) -> str:
    """The model's answer at ``url``. Raises requests.RequestException when there is none."""
    body = {"messages": [{"role": "user", "content": question}], "max_tokens": 12}
    reply = requests.post(f"{url}/v1/chat/completions", json=body, timeout=60)
    reply.raise_for_status()
    answer = reply.json()["choices"][0]["message"]
    return str(answer.get("content") or answer.get("reasoning_content"))


if __name__ == "__main__":
    main()
