"""One file an engine: its arguments, images, port, health, metrics and what it can serve.

No engine's name stands anywhere else: the registry finds them, and the rest of planner asks what
an engine can do.
"""
