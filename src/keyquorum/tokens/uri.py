"""PKCS#11 URIs (RFC 7512): which token, which objects in it, through which module, and where its PIN is read from.

Strict: unknown attributes are refused (vendor attributes ``x-...`` are read and match nothing), and so are an attribute
given twice, characters that must be encoded, text that is not UTF-8. A PIN in a URI (``pin-value``) is refused, since
arguments are seen by every process of the machine; a PIN is read from a ``file:`` at most, never from a command. No
value of a URI that cannot be read goes into an error: it may be a PIN in the wrong place.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote_from_bytes, unquote_to_bytes

from keyquorum.errors import LimitError, MalformedError, RefusedError

SCHEME = "pkcs11:"
LENGTH_LIMIT = 4096
TYPES = ("public", "private", "cert", "secret-key", "data")

_PATH = {
    "token": "token",
    "manufacturer": "manufacturer",
    "serial": "serial",
    "model": "model",
    "library-manufacturer": "library_manufacturer",
    "library-description": "library_description",
    "library-version": "library_version",
    "slot-manufacturer": "slot_manufacturer",
    "slot-description": "slot_description",
    "slot-id": "slot_id",
    "object": "object",
    "type": "type",
    "id": "id",
}
_QUERY = {"module-path": "module_path", "module-name": "module_name", "pin-source": "pin_source"}
_OBJECT = frozenset({"object", "type", "id"})
# RFC 7512 section 2.3: what may stand unencoded in a value, in the path and in the query.
_PATH_SAFE = ":[]@!$'()*+,=&"
_QUERY_SAFE = ":[]@!$'()*+,=/?|"
_UNRESERVED = "A-Za-z0-9\\-._~"
_PATH_VALUE = re.compile(rf"(?:[{_UNRESERVED}{re.escape(_PATH_SAFE)}]|%[0-9A-Fa-f]{{2}})*")
_QUERY_VALUE = re.compile(rf"(?:[{_UNRESERVED}{re.escape(_QUERY_SAFE)}]|%[0-9A-Fa-f]{{2}})*")
_VENDOR = re.compile(r"x-[A-Za-z0-9_-]+")
_VERSION = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?")
_SLOT = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUri:
    """What a PKCS#11 URI says; None where it says nothing, which matches everything.

    ``id`` is CKA_ID as bytes; ``type`` one of ``TYPES``; ``pin_source`` and ``module_path`` are absolute paths;
    ``vendor`` are the names of vendor attributes, which we cannot match.
    """

    token: str | None = None
    manufacturer: str | None = None
    serial: str | None = None
    model: str | None = None
    library_manufacturer: str | None = None
    library_description: str | None = None
    library_version: str | None = None
    slot_manufacturer: str | None = None
    slot_description: str | None = None
    slot_id: int | None = None
    object: str | None = None
    type: str | None = None
    id: bytes | None = None
    module_path: str | None = None
    module_name: str | None = None
    pin_source: str | None = None
    vendor: tuple[str, ...] = ()

    @property
    def names_objects(self) -> bool:
        """Whether it says anything of objects, and not of a token only."""
        return any(getattr(self, name) is not None for name in _OBJECT)

    def token_only(self) -> "TokenUri":
        """Give the same without what it says of objects."""
        return replace(self, object=None, type=None, id=None)

    def text(self) -> str:
        """Give it as text, in one order, every byte of an id encoded (RFC 7512 section 2.3)."""
        path = ";".join(self._written(_PATH, _PATH_SAFE))
        query = "&".join(self._written(_QUERY, _QUERY_SAFE))
        return SCHEME + path + f"?{query}" * bool(query)

    def _written(self, names: dict[str, str], safe: str) -> Iterator[str]:
        for name, field in names.items():
            value = getattr(self, field)
            if value is None:
                continue
            if isinstance(value, bytes):
                yield f"{name}=" + "".join(f"%{byte:02X}" for byte in value)
            else:
                text = f"file:{value}" if name == "pin-source" else str(value)
                yield f"{name}=" + quote_from_bytes(text.encode("utf-8"), safe=safe)


def read_uri(text: str) -> TokenUri:
    """Read a PKCS#11 URI; raises MalformedError, LimitError for one too long, RefusedError for a PIN in it."""
    if len(text) > LENGTH_LIMIT:
        raise LimitError(f"a PKCS#11 URI of more than {LENGTH_LIMIT} characters", where="URI")
    if text[: len(SCHEME)].lower() != SCHEME:
        raise MalformedError(
            "this is not a PKCS#11 URI (RFC 7512)", where="URI", do="For example pkcs11:token=KSK;object=root-2026."
        )
    path, question, query = text[len(SCHEME) :].partition("?")
    found: dict[str, object] = {}
    vendor: list[str] = []
    for part, separator, names, allowed in (
        (path, ";", _PATH, _PATH_VALUE),
        (query, "&", _QUERY, _QUERY_VALUE),
    ):
        if not part and not (names is _QUERY and question):
            continue
        for name, value in _attributes(part, separator, names, allowed):
            field = names.get(name, name)
            if field in found or name in vendor:
                raise MalformedError("this attribute stands in it twice", where=f"URI, {name}")
            if name in names:
                found[field] = _value(name, value)
            else:
                vendor.append(name)
    return TokenUri(**found, vendor=tuple(vendor))  # type: ignore[arg-type]


def _attributes(
    part: str, separator: str, names: dict[str, str], allowed: re.Pattern[str]
) -> Iterator[tuple[str, bytes]]:
    for number, piece in enumerate(part.split(separator), 1):
        name, equals, value = piece.partition("=")
        if name == "pin-value":
            raise RefusedError(
                "a PIN in a URI is seen by every process of this machine",
                where="URI, pin-value",
                do="Leave it out and you are asked for it, or name a file: pin-source=file:/path.",
            )
        if not equals:
            raise MalformedError(f"attribute {number} has no value", where="URI")
        if name not in names and not _VENDOR.fullmatch(name):
            place = "after" if name in _PATH else "before"
            do = f"It belongs {place} the '?'." if name in {**_PATH, **_QUERY} else "See RFC 7512 section 2.3."
            known = name if re.fullmatch(r"[a-z-]{1,24}", name) else f"attribute {number}"
            raise MalformedError("there is no such attribute here", where=f"URI, {known}", do=do)
        if not allowed.fullmatch(value):
            raise MalformedError("a character in its value must be percent-encoded", where=f"URI, {name}")
        yield name, unquote_to_bytes(value)


def _value(name: str, data: bytes) -> object:
    if name == "id":
        return data
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedError("its value is not UTF-8", where=f"URI, {name}") from None
    if "\0" in text:
        raise MalformedError("its value has a NUL in it", where=f"URI, {name}")
    if name == "slot-id":
        if not _SLOT.fullmatch(text) or int(text) >= 1 << 64:
            raise MalformedError("a slot's number is expected", where="URI, slot-id")
        return int(text)
    if name == "type" and text not in TYPES:
        raise MalformedError(f"types are {', '.join(TYPES)}", where="URI, type")
    if name == "library-version" and not _VERSION.fullmatch(text):
        raise MalformedError("a version like 2.6 is expected", where="URI, library-version")
    if name == "module-path" and not text.startswith("/"):
        raise MalformedError("an absolute path is expected", where="URI, module-path")
    if name == "module-name" and not re.fullmatch(r"[A-Za-z0-9._+-]+", text):
        raise MalformedError("the name of a library is expected, without a path", where="URI, module-name")
    return _pin_file(text) if name == "pin-source" else text


def _pin_file(text: str) -> str:
    """Give the path of ``file:/path`` or ``file:///path``; anything else (a command, say) is refused."""
    path = text.removeprefix("file:").removeprefix("//localhost")
    path = path.removeprefix("//") if path.startswith("///") else path
    if not text.startswith("file:") or not path.startswith("/") or path.startswith("//"):
        raise RefusedError(
            "a PIN is read from a file or asked for, from nowhere else",
            where="URI, pin-source",
            do="Write pin-source=file:/path.",
        )
    return path
