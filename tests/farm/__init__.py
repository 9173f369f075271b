"""A farm of real throwaway Debian hosts on one machine, for end-to-end tests and the demo.

Only the standard library is used, so the farm runs before any virtual environment exists.
"""
