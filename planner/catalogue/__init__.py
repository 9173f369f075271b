"""Typed facts with their sources: devices, CPUs, models, quantizations, prices.

Rows are YAML data under ``data/``; this package turns mappings into typed values and finds them by
the names people write. It reads no file itself: every function takes a ``CatalogueReader``, whose
implementation over the installed package is ``planner.sources.catalogue``.

The values are named tuples and not frozen dataclasses: making one of the latter takes half a
millisecond at import, and every command would make some forty of them before it does anything.
"""
