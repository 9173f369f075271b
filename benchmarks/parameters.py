"""Counts the parameters of every model that planner knows, against the classes of transformers.

    pip install torch transformers pyyaml
    python -m benchmarks.parameters [--only NAME ...]

Each model is built from its own config on PyTorch's meta device, which has shapes and no memory.
A difference of one parameter is a difference. Exits 1 when there is any, 2 without transformers.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from planner.catalogue.find_model import all_models
from planner.catalogue.model import hugging_face_config
from planner.catalogue.reader import CatalogueReader
from planner.catalogue.shapes import all_shapes
from planner.sizing.architectures import architecture_of
from planner.sources.catalogue import PackagedCatalogue


class Known(NamedTuple):
    """A model of the catalogue: its class, its config, and planner's count."""

    name: str
    architecture: str
    config: dict[str, Any]
    parameters: int


class Compared(NamedTuple):
    """One line of the table; ``built`` is None where transformers cannot build it."""

    known: Known
    built: int | None
    why: str = ""

    @property
    def differs(self) -> bool:
        """Whether both counted, and not the same."""
        return self.built is not None and self.built != self.known.parameters


def known_models(reader: CatalogueReader) -> Iterator[Known]:
    """Every model with a row or a shape."""
    for row in all_models(reader):
        config = hugging_face_config(row)
        count = architecture_of(config, row.architecture).parameters
        yield Known(row.id, row.architecture, config, count)
    for shape in all_shapes(reader):
        count = architecture_of(shape.config, shape.architecture).parameters
        yield Known(shape.id, shape.architecture, dict(shape.config), count)


def build(known: Known) -> int:
    """Unique parameters of the class that transformers has for it, on the meta device."""
    torch, transformers = map(importlib.import_module, ("torch", "transformers"))
    model_class = getattr(transformers, known.architecture)
    fields = {k: v for k, v in known.config.items() if k not in ("model_type", "architectures")}
    config = model_class.config_class(**fields)
    with torch.device("meta"):
        model = model_class(config)
    return sum(parameter.numel() for parameter in model.parameters())


def compare(known: Known) -> Compared:
    """Build it and hold the counts together; what cannot be built says why."""
    try:
        return Compared(known, build(known))
    except Exception as fault:  # noqa: BLE001 - whatever a model's own class raises
        return Compared(known, None, f"{type(fault).__name__}: {fault}".splitlines()[0][:100])


def line(row: Compared) -> str:
    """One line of the table."""
    name = f"{row.known.name:48} {row.known.parameters:>17,}"
    if row.built is None:
        return f"{name}  not built: {row.why}"
    if not row.differs:
        return f"{name}  equal"
    return f"{name}  {row.built:,} is {row.built - row.known.parameters:+,}"


def main() -> int:
    """Print the table; 0 when every count that transformers gives is planner's."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="*", help="names, or parts of them")
    options = parser.parse_args()
    for needed in ("torch", "transformers"):
        try:
            importlib.import_module(needed)
        except ImportError:
            print(f"{needed} is not installed: pip install torch transformers", file=sys.stderr)
            return 2
    wanted = options.only or [""]
    chosen = [
        known
        for known in known_models(PackagedCatalogue())
        if any(part.lower() in known.name.lower() for part in wanted)
    ]
    rows = []
    for known in chosen:
        rows.append(compare(known))
        print(line(rows[-1]), flush=True)
    built = [row for row in rows if row.built is not None]
    equal = sum(not row.differs for row in built)
    print(f"{len(rows)} models, {len(built)} built, {equal} equal to the last parameter")
    return 0 if equal == len(built) else 1


if __name__ == "__main__":
    sys.exit(main())
