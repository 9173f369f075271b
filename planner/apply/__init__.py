"""Observe hosts, carry a plan out, and keep the record of it."""
