"""Draws values and events: terminal, JSON, Markdown, HTML. Nothing here decides anything."""
