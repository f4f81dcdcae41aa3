"""Read XML of a fixed shape, strictly: every element and attribute is asked for by name and in order.

Refused before the parser sees anything: more than 16 MiB, more elements than any real document has, more attributes in
an element (a parser may take the square of their number to find that each stands there once), what is not UTF-8 or is
declared as something else (ASCII under other names is UTF-8), and everything that begins with ``<!`` or ``<?`` (DTD,
entities, CDATA, processing instructions; nobody needs them) but the XML declaration and comments, which mean nothing
and are skipped where elements are. Refused after it: unknown, missing, repeated or misplaced elements and attributes,
namespaces, text where none belongs, a comment within a value. White space around a value is no part of it, as with the
types of XML Schema (part 2, section 4.3.6). Errors carry the path and the line.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from lxml import etree

from keyquorum.errors import LimitError, MalformedError

SIZE_LIMIT = 16 << 20
TAG_LIMIT = 100_000
ATTRIBUTE_LIMIT = 64
_DECLARATION = b"<?xml "
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ASCII = frozenset({"ascii", "us-ascii", "iso-8859-1"})
_SPACE = " \t\r\n"

Value = TypeVar("Value")


class Element:
    """One element; its children are taken in order, each exactly once, and ``close`` finds what was not asked for."""

    def __init__(self, node: Any, path: str) -> None:
        self._node = node
        self._path = path
        # Without comments, and one at a time: a document that is refused at its beginning is not walked through.
        self._children = node.iterchildren(etree.Element)
        self._next: Any = next(self._children, None)
        self._attributes: dict[str, str] = {str(name): str(value) for name, value in node.attrib.items()}
        if node.nsmap:
            raise self.wrong("it declares a namespace, and there are none in such a document")

    def wrong(self, what: str) -> MalformedError:
        """Give the error that says ``what`` is wrong here."""
        return MalformedError(what, where=self.where)

    @property
    def where(self) -> str:
        """The path and the line of this element."""
        return f"{self._path}, line {self._node.sourceline}"

    @contextmanager
    def place(self) -> Iterator[None]:
        """Report a MalformedError of something that is made from this element as being here."""
        try:
            yield
        except MalformedError as error:
            raise MalformedError(error.what, where=self.where, do=error.do) from None

    def child(self, name: str) -> "Element":
        """Take the next child, which must be ``name``."""
        if self._next_name() != name:
            raise self._misplaced(name)
        return self._take(name)

    def children(self, name: str, limit: int, least: int = 1) -> Iterator["Element"]:
        """Take all next children called ``name``: at least ``least``, at most ``limit`` (LimitError)."""
        count = 0
        while self._next_name() == name:
            count += 1
            if count > limit:
                raise LimitError(f"more than {limit} elements {name}", where=self.where)
            label = self._next.get("id")
            yield self._take(f"{name}[{count} {_plain(label)}]" if label else f"{name}[{count}]")
        if count < least:
            raise self._misplaced(name)

    def attribute(self, name: str, parse: Callable[[str], Value]) -> Value:
        """Take the attribute ``name``, which must be there, and read its text with ``parse``."""
        value = self.optional_attribute(name, parse)
        if value is None:
            raise self.wrong(f"the attribute {name} is missing")
        return value

    def optional_attribute(self, name: str, parse: Callable[[str], Value]) -> Value | None:
        """Take the attribute ``name`` and read its text with ``parse``; None where it is missing."""
        text = self._attributes.pop(name, None)
        if text is None:
            return None
        try:
            return parse(text)
        except MalformedError as error:
            raise MalformedError(f"the attribute {name}: {error.what}", where=self.where, do=error.do) from None

    def value(self, name: str, parse: Callable[[str], Value]) -> Value:
        """Take the next child, which must be ``name`` and hold nothing but a text, and read that with ``parse``."""
        child = self.child(name)
        child._check_all_taken()
        if len(child._node):
            raise child.wrong("a comment within a value")
        with child.place():
            return parse((child._node.text or "").strip(_SPACE))

    def optional_value(self, name: str, parse: Callable[[str], Value]) -> Value | None:
        """Take the next child as ``value`` does if it is ``name``; None where it is not."""
        return self.value(name, parse) if self._next_name() == name else None

    def close(self) -> None:
        """Say that nothing more is expected here."""
        self._check_all_taken()
        if any(text and text.strip(_SPACE) for text in (self._node.text, *(node.tail for node in self._node))):
            raise self.wrong("there is text where only elements may be")

    def _check_all_taken(self) -> None:
        if self._next_name():
            raise self.wrong(f"the element {self._next_name()} is unknown, repeated or out of place")
        if self._attributes:
            raise self.wrong(f"the attribute {_plain(min(self._attributes))} is unknown")

    def _misplaced(self, name: str) -> MalformedError:
        return self.wrong(f"the next element must be {name}, and it is {self._next_name() or 'missing'}")

    def _next_name(self) -> str:
        return "" if self._next is None else _name(self._next)

    def _take(self, step: str) -> "Element":
        node, self._next = self._next, next(self._children, None)
        return Element(node, f"{self._path}/{step}")


def parse_document(data: bytes, name: str) -> Element:
    """Parse ``data`` and give its root element, which must be ``name``; LimitError, MalformedError."""
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
    )
    try:
        root = etree.fromstring(_checked(data), parser)
    except etree.XMLSyntaxError as error:
        raise MalformedError(f"not well-formed XML: {_plain(error.msg)}", where=f"line {error.lineno}") from None
    # The second lock: whatever the bytes looked like, the parser found no DTD in them.
    docinfo: Any = root.getroottree().docinfo
    if docinfo.doctype:
        raise MalformedError("it has a DTD, which has no place in such a document")
    if _name(root) != name:
        raise MalformedError(f"the document is a {_name(root)}, not a {name}", where=f"line {root.sourceline}")
    return Element(root, name)


def _name(node: Any) -> str:
    # lxml writes a namespace as {uri}name; no name that we ask for has one.
    return _plain(node.tag)


def _plain(text: object) -> str:
    """Give the beginning of a foreign text so that it cannot do anything to a terminal."""
    return ascii(str(text)[:60])[1:-1]


def _checked(data: bytes) -> bytes:
    """Give ``data`` without its XML declaration, after a look at what a parser should never see.

    Without a declaration, a byte order mark and NUL bytes there is nothing that could make the parser read the bytes
    in another encoding than we do here (it believes a declared UTF-7 even when told better).
    """
    if len(data) > SIZE_LIMIT:
        raise LimitError(f"larger than {SIZE_LIMIT >> 20} MiB")
    if data.count(b"<") > TAG_LIMIT:
        raise LimitError(f"more than {TAG_LIMIT} tags")
    start = 0
    while start >= 0:
        end = data.find(b"<", start + 1)
        if data.count(b"=", start, len(data) if end < 0 else end) > ATTRIBUTE_LIMIT:
            raise LimitError(f"more than {ATTRIBUTE_LIMIT} attributes in one element", where=_line(data, start))
        start = end
    body = _without_declaration(data.removeprefix(_BYTE_ORDER_MARK))
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("not UTF-8", where=_line(data, error.start)) from None
    found = body.find(b"<!")
    while found >= 0:
        if not body.startswith(b"<!--", found):
            raise _unwanted("a DTD or CDATA section", body, found)
        found = body.find(b"<!", found + 1)
    for mark, what in (
        (b"<?", "a processing instruction"),
        (b"\x00", "a NUL byte"),
        (_BYTE_ORDER_MARK, "a byte order mark within it"),
    ):
        if (found := body.find(mark)) >= 0:
            raise _unwanted(what, body, found)
    return body


def _unwanted(what: str, data: bytes, position: int) -> MalformedError:
    return MalformedError(
        f"{what}, which has no place in such a document", where=_line(data, position), do="Have it sent without."
    )


def _without_declaration(data: bytes) -> bytes:
    """Put white space in the place of an XML declaration (lines stay the same): version 1.0, and UTF-8 if anything.

    Another encoding may be named in which ASCII is ASCII, where the document has nothing else.
    """
    if not data.startswith(_DECLARATION):
        return data
    end = data.find(b"?>") + 2
    said = data[len(_DECLARATION) : end - 2].decode("latin-1").replace("'", '"').split()
    version, more = said[:1], said[1:]
    if more and more[0].startswith('encoding="') and more[0].endswith('"'):
        encoding = more[0].removeprefix('encoding="').removesuffix('"').lower()
        if encoding == "utf-8" or (encoding in _ASCII and data.isascii()):
            more = more[1:]
    if end < 2 or version != ['version="1.0"'] or more not in ([], ['standalone="yes"'], ['standalone="no"']):
        raise MalformedError("the XML declaration may only say version 1.0 and UTF-8", where="line 1")
    return bytes(code if code == 10 else 32 for code in data[:end]) + data[end:]


def _line(data: bytes, position: int) -> str:
    newlines = data.count(b"\n", 0, position)
    return f"line {newlines + 1}"
