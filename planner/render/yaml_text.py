"""Writes values as YAML: the only way for data into a YAML file.

Readers disagree about plain text: ``no``, ``022``, ``22:22``, ``1e3`` or ``y`` are a text to one
and a boolean, number or time to the next. So a text is plain only where every reader must see a
text, and in double quotes everywhere else.
"""

from __future__ import annotations

import re
from typing import Any, Final

_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*")
# Words that some version of YAML takes for a boolean, a null or a number.
_WORDS: Final = frozenset(
    {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"}
)
_WIDTH: Final = 1 << 20  # never fold a line

_dumper: type | None = None


def to_yaml(data: object) -> str:
    """``data`` (mappings, lists, texts, numbers, booleans) as a YAML document.

    Mappings keep their order. The same data gives the same bytes everywhere. Raises ValueError
    for a text with lone surrogates, which no file can hold.
    """
    import yaml

    text = yaml.dump(
        data,
        Dumper=_make_dumper(),
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=_WIDTH,
        indent=2,
    )
    return str(text)


def is_plain(text: str) -> bool:
    """Whether every YAML reader takes the bare text for that text."""
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS


def _make_dumper() -> Any:
    global _dumper  # made once; PyYAML is imported only where something is rendered
    if _dumper is None:
        import yaml

        base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        dumper = type("Dumper", (base,), {"ignore_aliases": lambda self, value: True})
        dumper.add_representer(str, _represent)  # type: ignore[attr-defined]
        _dumper = dumper
    return _dumper


def _represent(dumper: Any, text: str) -> Any:
    text.encode()  # a lone surrogate fails here, not in the middle of a file
    style = None if is_plain(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
