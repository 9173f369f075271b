"""Parses the command line, calls one workflow, chooses a view, maps failures to exit codes."""
