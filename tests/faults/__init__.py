"""Faults on real hosts: what is done to them, and what has to be true afterwards."""
