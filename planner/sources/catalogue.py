"""Reads the catalogue's rows from the installed package, each file at most once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner import catalogue
from planner.catalogue.reader import TABLES, CatalogueError

_SUFFIX = ".yaml"
# A wheel is unpacked where it is installed; importlib.resources would cost 5 ms for the same path
_SHIPPED = Path(catalogue.__file__).parent / "data"


class PackagedCatalogue:
    """A CatalogueReader over ``planner/catalogue/data``, from a checkout as from a wheel."""

    def __init__(self, root: Path | None = None) -> None:
        """``root`` is another folder laid out like the shipped one; the shipped one by default."""
        self._root = _SHIPPED if root is None else root
        self._names: dict[str, tuple[str, ...]] = {}
        self._rows: dict[tuple[str, str], Mapping[str, Any]] = {}

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names of all rows of ``kind``, sorted, from the folder's listing alone."""
        if kind not in self._names:
            folder = self._folder(kind)
            found = (item.name for item in folder.iterdir()) if folder.is_dir() else ()
            self._names[kind] = tuple(
                sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX))
            )
        return self._names[kind]

    def read(self, kind: str, name: str) -> Mapping[str, Any]:
        """Return one row. Raises CatalogueError when it is absent, no YAML, or no mapping."""
        key = (kind, name)
        if key not in self._rows:
            self._rows[key] = self._load(kind, name)
        return self._rows[key]

    def _folder(self, kind: str) -> Path:
        return self._root if kind == TABLES else self._root / kind

    def _load(self, kind: str, name: str) -> Mapping[str, Any]:
        import yaml

        from planner.sources.yaml_rows import RowError, read_row

        where = f"catalogue {kind}/{name}{_SUFFIX}"
        try:
            data = read_row((self._folder(kind) / f"{name}{_SUFFIX}").read_text(encoding="utf-8"))
        except OSError as fault:
            raise CatalogueError(f"{where}: cannot be read: {fault.strerror}") from fault
        except yaml.YAMLError as fault:
            raise CatalogueError(f"{where}: is not YAML: {fault}") from fault
        except RowError as fault:
            raise CatalogueError(f"{where}: {fault}, which rows do not have") from fault
        if not isinstance(data, dict):
            raise CatalogueError(f"{where}: is not a mapping")
        return data
