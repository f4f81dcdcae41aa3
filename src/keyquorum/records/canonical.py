"""Canonical JSON (RFC 8785), read strictly: what is not exactly what we would have written is refused.

So one record has one spelling, and its id (SHA-256 of its bytes) is well defined. Refused: duplicate keys, numbers that
are not integers within +-(2^53 - 1), text that is not UTF-8, nesting beyond 32, bytes beyond the given limit (before
anything is parsed), and any other spelling than the canonical one.
"""

import json
from collections import Counter
from typing import NoReturn

import rfc8785

from keyquorum.errors import LimitError, MalformedError

Json = dict[str, "Json"] | list["Json"] | str | int | bool | None
INTEGER_LIMIT = (1 << 53) - 1
DEPTH_LIMIT = 32
_IN_WORDS = {dict: "an object", list: "a list", str: "text", int: "a number", bool: "true or false"}


def dumps(value: Json) -> bytes:
    """Give the canonical bytes of ``value``; MalformedError for what JSON cannot carry (an unpaired surrogate)."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise MalformedError(f"this cannot be written as canonical JSON ({type(error).__name__})") from None


def loads(data: bytes, limit: int) -> Json:
    """Parse canonical JSON of at most ``limit`` bytes; raises LimitError or MalformedError."""
    if len(data) > limit:
        raise LimitError(f"{len(data)} bytes, where at most {limit} are expected")
    try:
        value: Json = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_not_an_integer,
            parse_constant=_not_an_integer,
        )
    except UnicodeDecodeError as error:
        raise MalformedError("not UTF-8 text", where=f"byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise MalformedError(f"not JSON ({error.msg})", where=f"character {error.pos}") from None
    except RecursionError:
        raise LimitError(f"nested deeper than {DEPTH_LIMIT}") from None
    _check_depth(value, DEPTH_LIMIT)
    canonical = dumps(value)
    if canonical != data:
        pairs = enumerate(zip(canonical, data, strict=False))
        place = next((position for position, (ours, theirs) in pairs if ours != theirs), min(len(canonical), len(data)))
        raise MalformedError(
            "JSON, but not in canonical form (RFC 8785); was it edited or reformatted?", where=f"byte {place}"
        )
    return value


def kind_of(value: Json) -> str:
    """Name the JSON type of ``value`` in words."""
    return "null" if value is None else _IN_WORDS[type(value)]


def _check_depth(value: Json, left: int) -> None:
    if isinstance(value, dict | list):
        if not left:
            raise LimitError(f"nested deeper than {DEPTH_LIMIT}")
        for part in value.values() if isinstance(value, dict) else value:
            _check_depth(part, left - 1)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise MalformedError(f"the key {twice[:40]!r} stands twice in one object")
    return result


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > INTEGER_LIMIT:
        raise MalformedError("a number beyond 2^53 - 1")
    return int(text)


def _not_an_integer(text: str) -> NoReturn:
    raise MalformedError(f"the number {text[:20]} is not an integer")
