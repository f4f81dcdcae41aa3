"""The fields of records in words, from their codecs: what docs/auditor/records.md is compared with."""

from collections.abc import Iterator
from typing import Any

from keyquorum.records.envelope import Embedded, Kind
from keyquorum.records.fields import (
    KEY,
    ZONE,
    BigInteger,
    Binary,
    Choice,
    Flag,
    Integer,
    ListOf,
    Object,
    OneOf,
    OrNull,
    Text,
    Word,
)


def rows(kind: Kind[Any]) -> list[tuple[str, str]]:
    """Give every field of a kind: its path (``holders[]``, ``public.n``) and what it holds."""
    return list(_rows("signer", KEY)) + [row for name, codec in kind.fields.items() for row in _rows(name, codec)]


def part_rows(part: OneOf) -> list[tuple[str, str]]:
    """Give every field of a part that differs from scheme to scheme: ``<rsa>.value``."""
    return [row for path, what in _rows("", part) if (row := (path.removeprefix("."), what))[0]]


def _rows(path: str, codec: Any) -> Iterator[tuple[str, str]]:
    match codec:
        case Text(longest, empty, ascii_only):
            yield path, f"{'ASCII ' if ascii_only else ''}text of {0 if empty else 1} to {longest} characters"
        case Word(longest):
            yield path, f"1 to {longest} small letters, digits and hyphens"
        case Flag():
            yield path, "true or false"
        case Choice(words):
            yield path, " or ".join(f"`{word}`" for word in words)
        case Integer(least, most):
            yield path, f"number, {least} to {_number(most)}"
        case Binary(least, most):
            yield path, f"{least if least == most else f'{least} to {_number(most)}'} bytes"
        case BigInteger(bits):
            yield path, f"integer of up to {bits} bits"
        case ListOf(item, least, most):
            (_, what), *inner = _rows(f"{path}[]", item)
            yield f"{path}[]", f"{least} to {_number(most)}{' different' * codec.distinct}: {what}"
            yield from inner
        case OrNull(item):
            (_, what), *inner = _rows(path, item)
            yield path, f"{what}, or null"
            yield from inner
        case Object(_, fields, fixed):
            yield path, "object"
            yield from ((f"{path}.{name}", f"`{content}`") for name, content in fixed.items())
            for name, inner_codec in fields.items():
                yield from _rows(f"{path}.{name}", inner_codec)
        case OneOf(tag, kinds):
            if len(kinds) == 1:
                (only,) = kinds.values()
                yield from _rows(path, only)
                return
            yield path, "object"
            yield f"{path}.{tag}", " or ".join(f"`{word}`" for word in kinds)
            for word, kind in kinds.items():
                rest = list(_rows(f"{path}<{word}>", kind))[1:]
                yield from (row for row in rest if not row[0].endswith(f">.{tag}"))
        case Embedded(kind):
            yield path, f"a whole signed {kind.name}"
        case _:
            assert codec is ZONE, codec
            yield path, "zone name"


def _number(number: int) -> str:
    power = number.bit_length() - (number & number - 1 == 0)
    near = f"2^{power}" + ("" if number == 1 << power else " - 1" if number == (1 << power) - 1 else "?")
    return str(number) if number < 1 << 16 or "?" in near else near
