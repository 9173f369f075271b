#!/usr/bin/python3
"""Stands in for llama-server on a test host; its context says how it behaves.

1024 serves, 1280 serves as well, 2048 ends at once, 3072 loads for ever, 4096 serves for 5 seconds.
"""

import http.server
import os
import sys
import threading
import time

ARGUMENTS = dict(zip(sys.argv, sys.argv[1:], strict=False))
CONTEXT = int(ARGUMENTS.get("--ctx-size") or ARGUMENTS["-c"])
BEGUN = time.monotonic()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers /health, and everything else with the context."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status = 503 if CONTEXT == 3072 else 200 if self.path in ("/health", "/context") else 404
        body = str(CONTEXT).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


if CONTEXT == 2048:
    sys.exit("stand-in: out of memory")
if CONTEXT == 4096:
    threading.Timer(5, lambda: os._exit(3)).start()
print("stand-in: serves", CONTEXT, flush=True)
address = (ARGUMENTS["--host"], int(ARGUMENTS["--port"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
