"""The fields of records: each knows how to read its JSON, write it, and describe it as a JSON Schema.

Reading raises MalformedError with the path of the field (``$.holders[2].name``). A codec is immutable and knows nothing
of the record it stands in.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NoReturn, Protocol, TypeVar

import dns.exception
import dns.name

from keyquorum.errors import MalformedError
from keyquorum.records.canonical import INTEGER_LIMIT, Json, kind_of

Value = TypeVar("Value")
Schema = dict[str, Any]


class Codec(Protocol[Value]):
    """One kind of field."""

    def parse(self, value: Json, path: str) -> Value:
        """Read the field at ``path``; raises MalformedError."""
        ...

    def dump(self, value: Value) -> Json:
        """Write the field; what was parsed comes out as it went in."""
        ...

    def schema(self) -> Schema:
        """Describe the field as JSON Schema (2020-12)."""
        ...


def wrong(path: str, what: str) -> NoReturn:
    """Refuse the field at ``path``."""
    raise MalformedError(what, where=path)


@dataclass(frozen=True, slots=True)
class Text:
    """Printable text on one line of at most ``longest`` characters, not empty, without blanks at its ends."""

    longest: int
    empty: bool = False
    ascii_only: bool = False

    def parse(self, value: Json, path: str) -> str:
        """Read text."""
        if not isinstance(value, str):
            wrong(path, f"text is expected, not {kind_of(value)}")
        if not (value or self.empty) or len(value) > self.longest:
            wrong(path, f"text of {0 if self.empty else 1} to {self.longest} characters is expected")
        if not value.isprintable() or value != value.strip():
            wrong(path, "text has a control character, a line break, or a blank at its end")
        if self.ascii_only and not value.isascii():
            wrong(path, "text in ASCII is expected")
        return value

    def dump(self, value: str) -> Json:
        """Write text."""
        return value

    def schema(self) -> Schema:
        """Describe text."""
        shape = {"type": "string", "minLength": 0 if self.empty else 1, "maxLength": self.longest}
        return {**shape, "pattern": "^[ -~]*$"} if self.ascii_only else shape


@dataclass(frozen=True, slots=True)
class Word:
    """A word of small letters, digits and hyphens, of the form ``pattern`` (a regular expression)."""

    longest: int
    pattern: str

    def parse(self, value: Json, path: str) -> str:
        """Read a word."""
        if not isinstance(value, str):
            wrong(path, f"text is expected, not {kind_of(value)}")
        if len(value) > self.longest or re.fullmatch(self.pattern, value) is None:
            wrong(path, f"1 to {self.longest} small letters, digits and hyphens are expected, a hyphen not first")
        return value

    def dump(self, value: str) -> Json:
        """Write a word."""
        return value

    def schema(self) -> Schema:
        """Describe a word."""
        return {"type": "string", "maxLength": self.longest, "pattern": f"^{self.pattern}$"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def parse(self, value: Json, path: str) -> str:
        """Read one of the words."""
        if not isinstance(value, str) or value not in self.words:
            wrong(path, f"one of {', '.join(self.words)} is expected")
        return value

    def dump(self, value: str) -> Json:
        """Write the word."""
        return value

    def schema(self) -> Schema:
        """Describe the words."""
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer from ``least`` to ``most``."""

    least: int = 0
    most: int = INTEGER_LIMIT

    def parse(self, value: Json, path: str) -> int:
        """Read a number."""
        if not isinstance(value, int) or isinstance(value, bool):
            wrong(path, f"a number is expected, not {kind_of(value)}")
        if not self.least <= value <= self.most:
            wrong(path, f"a number from {self.least} to {self.most} is expected")
        return value

    def dump(self, value: int) -> Json:
        """Write a number."""
        return value

    def schema(self) -> Schema:
        """Describe the number."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def parse(self, value: Json, path: str) -> bool:
        """Read a flag."""
        if not isinstance(value, bool):
            wrong(path, f"true or false is expected, not {kind_of(value)}")
        return value

    def dump(self, value: bool) -> Json:
        """Write a flag."""
        return value

    def schema(self) -> Schema:
        """Describe a flag."""
        return {"type": "boolean"}


TIME = Integer(0, (1 << 32) - 1)
"""Seconds since 1970-01-01 UTC, as in an RRSIG."""


@dataclass(frozen=True, slots=True)
class Binary:
    """Bytes, as base64url with padding (RFC 4648 section 5): from ``least`` to ``most`` of them."""

    least: int
    most: int

    def parse(self, value: Json, path: str) -> bytes:
        """Read bytes; only the canonical spelling is accepted."""
        if not isinstance(value, str):
            wrong(path, f"base64url text is expected, not {kind_of(value)}")
        if len(value) > (self.most + 2) // 3 * 4:
            wrong(path, f"at most {self.most} bytes are expected")
        try:
            data = base64.urlsafe_b64decode(value.encode("ascii"))
        except (binascii.Error, ValueError):
            wrong(path, "not base64url")
        if self.dump(data) != value:
            wrong(path, "not base64url in its canonical spelling")
        if not self.least <= len(data) <= self.most:
            expected = str(self.least) if self.least == self.most else f"{self.least} to {self.most}"
            wrong(path, f"{expected} bytes are expected, not {len(data)}")
        return data

    def dump(self, value: bytes) -> Json:
        """Write bytes."""
        return base64.urlsafe_b64encode(value).decode("ascii")

    def schema(self) -> Schema:
        """Describe the bytes."""
        return {
            "type": "string",
            "contentEncoding": "base64url",
            "pattern": "^[A-Za-z0-9_-]*={0,2}$",
            "minLength": (self.least + 2) // 3 * 4,
            "maxLength": (self.most + 2) // 3 * 4,
        }


ID = Binary(32, 32)
"""The id of a record, or the SHA-256 of a file."""
KEY = Binary(32, 32)
"""A public Ed25519 or X25519 key."""


@dataclass(frozen=True, slots=True)
class BigInteger:
    """A non-negative integer of at most ``bits`` bits, as the base64url of its shortest big-endian form."""

    bits: int

    def parse(self, value: Json, path: str) -> int:
        """Read a large integer; leading zero bytes are refused."""
        data = Binary(1, (self.bits + 7) // 8).parse(value, path)
        if data[0] == 0 and len(data) > 1:
            wrong(path, "an integer with leading zero bytes")
        number = int.from_bytes(data, "big")
        if number.bit_length() > self.bits:
            wrong(path, f"an integer of at most {self.bits} bits is expected")
        return number

    def dump(self, value: int) -> Json:
        """Write a large integer."""
        return Binary(1, (self.bits + 7) // 8).dump(value.to_bytes((value.bit_length() + 7) // 8 or 1, "big"))

    def schema(self) -> Schema:
        """Describe the integer."""
        return Binary(1, (self.bits + 7) // 8).schema()


class _ZoneName:
    """The name of a zone: absolute, in lower case, as dnspython writes it."""

    def parse(self, value: Json, path: str) -> dns.name.Name:
        """Read a name; only the spelling that dnspython writes is accepted."""
        text = Text(1024).parse(value, path)
        try:
            name = dns.name.from_text(text)
        except (dns.exception.DNSException, UnicodeError):
            wrong(path, "not a domain name")
        if name.canonicalize().to_text() != text:
            wrong(path, "a domain name has to be absolute, in lower case and without needless escapes")
        return name

    def dump(self, value: dns.name.Name) -> Json:
        """Write a name."""
        return value.to_text()

    def schema(self) -> Schema:
        """Describe the name."""
        return {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": "\\.$"}


ZONE = _ZoneName()


@dataclass(frozen=True, slots=True)
class ListOf(Generic[Value]):
    """A list of ``least`` to ``most`` fields of one kind; ``distinct`` refuses two with the same JSON."""

    item: Codec[Value]
    least: int
    most: int
    distinct: bool = False

    def parse(self, value: Json, path: str) -> tuple[Value, ...]:
        """Read a list."""
        if not isinstance(value, list):
            wrong(path, f"a list is expected, not {kind_of(value)}")
        if not self.least <= len(value) <= self.most:
            wrong(path, f"a list of {self.least} to {self.most} items is expected, not {len(value)}")
        if self.distinct and len({repr(item) for item in value}) != len(value):
            wrong(path, "an item stands twice in the list")
        return tuple(self.item.parse(item, f"{path}[{position}]") for position, item in enumerate(value))

    def dump(self, value: Sequence[Value]) -> Json:
        """Write a list."""
        return [self.item.dump(item) for item in value]

    def schema(self) -> Schema:
        """Describe the list."""
        return {
            "type": "array",
            "items": self.item.schema(),
            "minItems": self.least,
            "maxItems": self.most,
            "uniqueItems": self.distinct,
        }


@dataclass(frozen=True, slots=True)
class OrNull(Generic[Value]):
    """A field that may be null."""

    item: Codec[Value]

    def parse(self, value: Json, path: str) -> Value | None:
        """Read the field or null."""
        return None if value is None else self.item.parse(value, path)

    def dump(self, value: Value | None) -> Json:
        """Write the field or null."""
        return None if value is None else self.item.dump(value)

    def schema(self) -> Schema:
        """Describe the field."""
        return {"anyOf": [self.item.schema(), {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class Object(Generic[Value]):
    """An object with exactly the given fields; ``make`` builds the value, whose attributes have the fields' names.

    ``fixed`` are fields with one possible content each, such as ``type`` and ``version``; they are not attributes.
    """

    make: Callable[..., Value]
    fields: Mapping[str, Codec[Any]]
    fixed: Mapping[str, str | int] = field(default_factory=dict)

    def parse(self, value: Json, path: str) -> Value:
        """Read an object: every field must be there, and nothing else."""
        if not isinstance(value, dict):
            wrong(path, f"an object is expected, not {kind_of(value)}")
        for name, content in self.fixed.items():
            if name not in value:
                wrong(f"{path}.{name}", "the field is missing")
            if value[name] != content or type(value[name]) is not type(content):
                wrong(f"{path}.{name}", f"{content!r} is expected; this is another kind or version of record")
        for name in value:
            if name not in self.fields and name not in self.fixed:
                shown = name[:40] if name.isprintable() else repr(name[:40])
                wrong(f"{path}.{shown}", "this field is not known")
        for name in self.fields:
            if name not in value:
                wrong(f"{path}.{name}", "the field is missing")
        parsed = {name: codec.parse(value[name], f"{path}.{name}") for name, codec in self.fields.items()}
        try:
            return self.make(**parsed)
        except MalformedError as error:
            raise MalformedError(error.what, where=f"{path}.{error.where}" if error.where else path) from None

    def dump(self, value: Value) -> Json:
        """Write an object."""
        return {**self.fixed, **{name: codec.dump(getattr(value, name)) for name, codec in self.fields.items()}}

    def schema(self) -> Schema:
        """Describe the object."""
        fixed = {name: {"const": content} for name, content in self.fixed.items()}
        return {
            "type": "object",
            "properties": {**fixed, **{name: codec.schema() for name, codec in self.fields.items()}},
            "required": [*self.fixed, *self.fields],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class OneOf:
    """An object whose field ``tag`` says which of several objects it is; ``pick`` finds the tag of a value."""

    tag: str
    kinds: Mapping[str, Object[Any]]
    pick: Callable[[Any], str]

    def parse(self, value: Json, path: str) -> Any:
        """Read the object that the tag names."""
        if not isinstance(value, dict):
            wrong(path, f"an object is expected, not {kind_of(value)}")
        kind = Choice(tuple(self.kinds)).parse(value.get(self.tag), f"{path}.{self.tag}")
        return self.kinds[kind].parse(value, path)

    def dump(self, value: Any) -> Json:
        """Write the object under its tag."""
        return self.kinds[self.pick(value)].dump(value)

    def schema(self) -> Schema:
        """Describe the objects."""
        return {"oneOf": [kind.schema() for kind in self.kinds.values()]}
