"""Field types of the blueprint: text as people write it, parsed once, described to editors.

Each type parses on validation and tells JSON Schema what the text looks like, so that an editor
can complete and check it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from planner.money import Money, Rate, parse_money, parse_rate
from planner.units import parse_bytes, parse_tokens

NAME_PATTERN: Final = r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"


def _bytes(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("write a size with its unit, such as 64GiB or 2TB")
    if isinstance(value, int):
        raise ValueError(f"{value} has no unit: write {value}GiB or {value}GB")
    return parse_bytes(value)


def _tokens(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("write a whole number of tokens, such as 32768 or 32k")
    return parse_tokens(str(value))


def _money(value: Any) -> Money:
    if not isinstance(value, str):
        raise ValueError(f"write the currency too, such as {value} USD")
    return parse_money(value)


def _rate_per(unit: str, currency: str) -> Callable[[Any], Rate]:
    """Reads a price per ``unit``; ``currency`` stands in the sample of what to write instead."""

    def read(value: Any) -> Rate:
        if not isinstance(value, str):
            sample = f"{value} {currency}/{unit}"
            raise ValueError(f"write the currency and the unit too, such as {sample}")
        return parse_rate(value, unit)

    return read


def _share(value: Any) -> Decimal:
    if isinstance(value, str) and value.endswith("%"):
        try:
            share = Decimal(value[:-1]) / 100
        except ArithmeticError:
            raise ValueError("write a share such as 25%") from None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        share = Decimal(str(value))
    else:
        raise ValueError("write a share such as 25%")
    if not (share.is_finite() and 0 <= share <= 1):
        raise ValueError(f"{value} is not between 0% and 100%")
    return share


class _Instance:
    """Marks a type whose values are taken as they are: its parser alone makes them.

    Without it pydantic would look into the class and build validators for each of its fields.
    """

    def __get_pydantic_core_schema__(self, source: type, handler: object) -> CoreSchema:
        return core_schema.is_instance_schema(source)


def _hours(value: Any) -> Any:
    if isinstance(value, str):
        from planner.blueprint.schedule import parse_schedule  # only where hours are written

        parse_schedule(value)
    return value


def _text_schema(example: str, pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "examples": [example], "pattern": pattern})


Bytes = Annotated[
    int, BeforeValidator(_bytes), _text_schema("64GiB", r"^[0-9][0-9_.]* ?[KMGTkmgt]?i?[Bb]$")
]
Tokens = Annotated[
    int,
    BeforeValidator(_tokens),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": "^[0-9][0-9_.]*[kKmM]?$"},
            ],
            "examples": ["32k"],
        }
    ),
]
Amount = Annotated[
    Money,
    _Instance(),
    BeforeValidator(_money),
    PlainSerializer(str),
    _text_schema("400 USD", r"^[0-9][0-9_,.]* ?[A-Z]{3}$"),
]
HourlyRate = Annotated[
    Rate,
    _Instance(),
    BeforeValidator(_rate_per("h", "USD")),
    PlainSerializer(str),
    _text_schema("0.80 USD/h", r"^[0-9][0-9_,.]* ?[A-Z]{3} ?/ ?h$"),
]
EnergyRate = Annotated[
    Rate,
    _Instance(),
    BeforeValidator(_rate_per("kWh", "EUR")),
    PlainSerializer(str),
    _text_schema("0.37 EUR/kWh", r"^[0-9][0-9_,.]* ?[A-Z]{3} ?/ ?kWh$"),
]
TokenRate = Annotated[
    Rate,
    _Instance(),
    BeforeValidator(_rate_per("Mtok", "EUR")),
    PlainSerializer(str),
    _text_schema("0.40 EUR/Mtok", r"^[0-9][0-9_,.]* ?[A-Z]{3} ?/ ?[Mm][Tt]ok$"),
]
Hours = Annotated[
    str,
    BeforeValidator(_hours),
    _text_schema("mon-fri 09:00-19:00 Europe/Berlin", r"^\S"),
]
Share = Annotated[
    Decimal,
    BeforeValidator(_share),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^[0-9.]+%$"}]}),
]
