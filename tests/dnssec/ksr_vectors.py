"""A good request and response of our own, and vectors made from them: one fault each, with what must come of it.

``vectors()`` generates them anew at each run: nothing is stored, and the good document they start from is verified.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import dns.name

from keyquorum.dnssec.icann import write_ksr
from keyquorum.dnssec.model import (
    Bundle,
    KeyKind,
    PublishedKey,
    Signature,
    SignaturePolicy,
    ZoneRequest,
)
from keyquorum.dnssec.signing_input import label_count, signing_input
from keyquorum.errors import LimitError, MalformedError
from tests.dnssec.keys import Pair, pair

DAY = 86400
START = 1_767_225_600
TTL = 172800
POLICY = SignaturePolicy(
    10 * DAY, 10 * DAY, 21 * DAY, 21 * DAY, 12 * DAY, 9 * DAY, (KeyKind(8, 1024, 65537), KeyKind(13, 256))
)


Fault = tuple[str, str, str, str]
"""A name, a piece of the good document, what stands there instead, and words that the error must have."""


@dataclass(frozen=True)
class Vector:
    """One document with one fault: the class of error it must meet, and words that must be in it."""

    name: str
    document: bytes
    error: type[MalformedError]
    words: str


def proof(signer: Pair, keys: list[PublishedKey], zone: dns.name.Name, inception: int, expiration: int) -> Signature:
    """Sign a bundle with an ordinary key."""
    key = signer.key
    message = signing_input(
        zone,
        [one.key for one in keys],
        TTL,
        algorithm=key.algorithm,
        key_tag=key.tag,
        inception=inception,
        expiration=expiration,
    )
    value = signer.sign(message)
    return Signature(key.algorithm, label_count(zone), TTL, expiration, inception, key.tag, zone, value, TTL, "zsk")


@cache
def good_request(zone: str = ".", bundles: int = 2) -> ZoneRequest:
    """Give a request of a few bundles with one RSA and one ECDSA ZSK, each with proofs of possession."""
    signers = [pair(8, 256, bits=1024), pair(13, 256)]
    keys = [PublishedKey(one.key, TTL, f"zsk {one.key.algorithm}") for one in signers]
    name = dns.name.from_text(zone)
    made = []
    for number in range(bundles):
        inception = START + number * 10 * DAY
        expiration = inception + 21 * DAY
        proofs = tuple(proof(one, keys, name, inception, expiration) for one in signers)
        made.append(Bundle(f"bundle-{number}", inception, expiration, tuple(keys), proofs))
    return ZoneRequest(name, tuple(made), "request-1", 7, POLICY, proofs=True)


def vectors() -> Iterator[Vector]:
    """Give every fault, each in a document that is good but for it."""
    good = write_ksr(good_request()).decode()
    for name, old, new, words in [*_faults_of_xml_and_header(), *_faults_of_bundles(good)]:
        assert old in good, name
        yield Vector(name, good.replace(old, new, 1).encode("utf-8", "surrogateescape"), MalformedError, words)
    yield _repeated(good, "Key", 33)
    yield _repeated(good, "Signature", 33)
    yield Vector("no bundles", (good[: good.index("<RequestBundle")] + "</Request></KSR>").encode(), MalformedError,
                 "the next element must be RequestBundle, and it is missing")  # fmt: skip
    body = good[good.index("<RequestBundle") : good.index("</RequestBundle>")] + "</RequestBundle>"
    yield Vector("1001 bundles", good.replace(body, body * 1000, 1).encode(), LimitError, "more than 1000 elements Req")
    kind = '<SignatureAlgorithm algorithm="13"><ECDSA size="256"/></SignatureAlgorithm>'
    many = good.replace("</ZSK>", kind * 15 + "</ZSK>").encode()
    yield Vector("17 kinds of key", many, LimitError, "more than 16 elements SignatureAlgorithm")
    yield Vector("empty", b"", MalformedError, "not well-formed")
    yield Vector("UTF-16", good.encode("utf-16"), MalformedError, "not UTF-8")
    yield Vector("larger than 16 MiB", b" " * ((16 << 20) + 1), LimitError, "larger than 16 MiB")
    yield Vector("many elements", b"<KSR>" + b"<a/>" * 100_001 + b"</KSR>", LimitError, "more than 100000 tags")
    yield Vector("many attributes", good.replace("<Request>", "<Request " + "a='' " * 65 + ">").encode(), LimitError,
                 "line 2: more than 64 attributes in one element")  # fmt: skip
    yield Vector("deep", b"<KSR>" + b"<a>" * 10_000 + b"</a>" * 10_000 + b"</KSR>", MalformedError, "not well-formed")
    yield Vector("another document", b"<html/>", MalformedError, "the document is a html, not a KSR")
    yield from _bombs(good)


def _faults_of_xml_and_header() -> list[Fault]:
    return [
        ("DTD", "<KSR", '<!DOCTYPE KSR SYSTEM "x.dtd">\n<KSR', "line 1: a DTD or CDATA"),
        ("comment in a value", ">172800<", ">17<!-- -->2800<", "Key[1]/TTL, line 23: a comment within a value"),
        ("comment after a value", ">172800<", ">172800<!-- --><", "a comment within a value"),
        ("comment in a tag", "<TTL>172800", "<TTL <!-- -->>172800", "not well-formed"),
        ("comment that does not end", "<Request>", "<Request><!-- -- -->", "not well-formed"),
        ("comment with a DTD in it", "<Request>", "<Request><!-- <!DOCTYPE x> -->", "line 2: a DTD or CDATA"),
        ("text after a comment", "<Request>", "<Request><!-- hello -->hello", "text where only elements may"),
        ("element in a comment", "<TTL>172800</TTL>", "<!-- <TTL>172800</TTL> -->", "must be TTL, and it is Flags"),
        ("CDATA", "<TTL>172800<", "<TTL><![CDATA[172800]]><", "a DTD or CDATA section"),
        ("processing instruction", "<Request>", "<?php x ?><Request>", "a processing instruction"),
        ("second declaration", "<Request>", '<?xml version="1.0"?><Request>', "a processing instruction"),
        ("unknown entity", ">172800<", ">&ttl;<", "not well-formed"),
        ("white space before the declaration", "<KSR", '\n<?xml version="1.0"?><KSR', "processing instr"),
        ("cut", "</KSR>", "", "not well-formed"),
        ("two roots", "</KSR>", "</KSR><KSR/>", "not well-formed"),
        ("not UTF-8", "zsk 8", "zsk \udce9", "not UTF-8"),
        ("control character", "zsk 8", "zsk &#7;", "not well-formed"),
        ("other root", "<KSR ", "<SKR ", "not well-formed"),
        ("namespace", "<KSR ", '<KSR xmlns="urn:x" ', "KSR"),
        ("prefix declared", "<KSR ", '<KSR xmlns:x="urn:x" ', "declares a namespace"),
        ("attribute with a prefix", "<KSR ", '<KSR xml:lang="en" ', "lang is unknown"),
        ("unknown attribute", "<Request>", '<Request urgent="yes">', "the attribute urgent is unknown"),
        ("attribute twice", "<KSR ", '<KSR id="other" ', "not well-formed"),
        ("attribute missing", ' serial="7"', "", "KSR, line 1: the attribute serial is missing"),
        ("id empty", 'id="request-1"', 'id=""', "the attribute id"),
        ("id not ASCII", 'id="request-1"', 'id="réquest"', "the attribute id"),
        ("id too long", 'id="request-1"', f'id="{"r" * 1025}"', "id: not printable ASCII of at most 1024"),
        ("serial negative", 'serial="7"', 'serial="-7"', "the attribute serial"),
        ("serial too large", 'serial="7"', 'serial="4294967296"', "serial: 4294967296"),
        ("domain wrong", 'domain="."', 'domain="a..b."', "the attribute domain"),
        ("domain empty", 'domain="."', 'domain=""', "the attribute domain"),
        ("timestamp wrong", "<Request>", '<Request timestamp="yesterday">', "the attribute timestamp"),
        ("unknown element", "<RequestPolicy>", "<Comment/><RequestPolicy>", "the next element must be Requ"),
        ("unknown last element", "</Request>\n", "<More/></Request>\n", "the element More is unknown"),
        ("element after the request", "</Request>\n", "</Request><Request/>", "the element Request is unk"),
        ("element missing", "<RetireSafety>P10D</RetireSafety>", "", "the next element must be RetireS"),
        ("element twice", "<Flags>256</Flags>", "<Flags>256</Flags>" * 2, "must be Protocol, and it is Fl"),
        ("wrong order", "<TTL>172800</TTL>\n        <Flags>256</Flags>", "<Flags>256</Flags>", "must be TTL"),
        ("second policy", "</ZSK>", "</ZSK><KSK/>", "the element KSK is unknown"),
        ("policy beside its place", "<ZSK>", "<KSK>", "not well-formed"),
        ("element in a text", "<TTL>172800</TTL>", "<TTL>172800<b/></TTL>", "the element b is unknown"),
        ("attribute on a text", "<TTL>", '<TTL unit="s">', "the attribute unit is unknown"),
        ("text between elements", "<Request>", "<Request>please", "text where only elements may be"),
        ("text after an element", "</RequestPolicy>", "</RequestPolicy>please", "text where only elements"),
        ("text in an empty element", 'exponent="65537"/>', 'exponent="65537">x</RSA>', "text where only"),
        ("duration of months", "P10D", "P1M", "ZSK/PublishSafety, line 5: 'P1M' is not a duration"),
        ("duration empty", "P10D", "", "PublishSafety, line 5: '' is not a duration"),
        ("no algorithm", 'algorithm="8"', "", "the attribute algorithm is missing"),
        ("algorithm that a KSR has no word for", 'algorithm="8"', 'algorithm="3"', "algorithm 3"),
        ("RSA for ECDSA", 'algorithm="13"', 'algorithm="8"', "must be RSA, and it is ECDSA"),
        ("RSA without exponent", ' exponent="65537"', "", "the attribute exponent is missing"),
        ("ECDSA with exponent", "<ECDSA ", '<ECDSA exponent="3" ', "the attribute exponent is unknown"),
        ("size too large", 'size="1024"', 'size="65536"', "key size: 65536"),
    ]


def _faults_of_bundles(good: str) -> list[Fault]:
    keys = [one.partition("</PublicKey>")[0] for one in good.split("<PublicKey>")[1:3]]
    rsa_key, ec_key = keys
    tag = str(good_request().bundles[0].keys[0].key.tag)
    bundle, first = "RequestBundle[1 bundle-0]", "KSR/Request/RequestBundle[1 bundle-0]"
    return [
        ("bundle id missing", ' id="bundle-0"', "", "the attribute id is missing"),
        ("time without a day", "2026-01-01T", "2026-01-T", f"{first}/Inception, line"),
        ("time in another zone", "00:00:00<", "00:00:00+01:00<", "is not a time"),
        ("white space in a time", "2026-01-01T", "2026-01-01 T", "is not a time"),
        ("no-break space before a time", "<Inception>", "<Inception>&#160;", "is not a time"),
        ("bundle ends first", "2026-01-01T", "2026-03-01T", "does not end after it begins"),
        ("Signer without a name", "<Key ", "<Signer/><Key ", f"{bundle}/Signer[1], line"),
        ("Signer with content", "<Key ", '<Signer keyIdentifier="k">x</Signer><Key ', "text where only"),
        ("Signer after the keys", "<Signature ", '<Signer keyIdentifier="k"/><Signature ', "must be Signatu"),
        ("key tag missing", f' keyTag="{tag}"', "", f"{first}/Key[1], line"),
        ("key tag wrong", f' keyTag="{tag}"', f' keyTag="{int(tag) ^ 1}"', f"and the tag of this key is {tag}"),
        ("key tag with a zero", f' keyTag="{tag}"', f' keyTag="0{tag}"', "plain decimal"),
        ("key identifier empty", 'keyIdentifier="zsk 8"', 'keyIdentifier=""', "the attribute keyIdentif"),
        ("TTL negative", "<TTL>172800", "<TTL>-1", "Key[1]/TTL, line"),
        ("TTL too large", "<TTL>172800", "<TTL>2147483648", "TTL: 2147483648"),
        ("flags too large", "<Flags>256", "<Flags>65536", "flags: 65536"),
        ("flags in hex", "<Flags>256", "<Flags>0x100", "Key[1]/Flags, line"),
        ("protocol 4", "<Protocol>3", "<Protocol>4", "the protocol of a DNSKEY is 3"),
        ("algorithm by name", "<Algorithm>8", "<Algorithm>RSASHA256", "Key[1]/Algorithm, line"),
        ("key of another algorithm", "<Algorithm>8", "<Algorithm>13", "of algorithm 13 has 64 bytes"),
        ("key empty", f">{rsa_key}<", "><", "Key[1]/PublicKey, line"),
        ("key with other space", f">{rsa_key}<", f">{rsa_key[:40]}\v{rsa_key[40:]}<", "not well-formed"),
        ("key without padding", f">{ec_key}<", f">{ec_key.rstrip('=')}<", "not base64 in its canonical"),
        ("key with bits beyond its end", f">{ec_key}<", f">{_noncanonical(ec_key)}<", "not base64 in its"),
        ("key with a foreign letter", f">{rsa_key}<", f">{'*' + rsa_key[1:]}<", "not base64 in its canonic"),
        ("no key", "<Key ", "<Kay ", "not well-formed"),
        ("TypeCovered", "<TypeCovered>DNSKEY", "<TypeCovered>SOA", "only DNSKEY RRsets are signed"),
        ("labels", "<Labels>0", "<Labels>256", "labels: 256"),
        ("key tag of a signature", "<KeyTag>", "<KeyTag>99999", "key tag: 99999"),
        ("signer's name", "<SignersName>.", "<SignersName>..", "Signature[1]/SignersName, line"),
        ("signature empty", "<SignatureData>", "<SignatureData>=", "Signature[1]/SignatureData, line"),
    ]


def _repeated(good: str, name: str, times: int) -> Vector:
    """Give a bundle with 2 * ``times`` elements ``name``, all well-formed by themselves."""
    start = good.index(f"<{name} ")
    end = good.rindex(f"</{name}>", start, good.index("</RequestBundle>")) + len(f"</{name}>")
    both = good[start:end]
    return Vector(
        f"{2 * times} elements {name}", good.replace(both, both * times, 1).encode(), LimitError, "more than 64"
    )


def _noncanonical(text: str) -> str:
    """Set an unused bit at the end of padded base64."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    digits = text.rstrip("=")
    assert digits != text, "the vector needs a key whose base64 is padded"
    return digits[:-1] + alphabet[alphabet.index(digits[-1]) | 1] + text[len(digits) :]


def _bombs(good: str) -> Iterator[Vector]:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for name, subset in (
        ("billion laughs", f'<!ENTITY l0 "ha">{laughs}'),
        ("quadratic blow-up", f'<!ENTITY l9 "{"a" * 100_000}">'),
        ("external entity", '<!ENTITY l9 SYSTEM "file:///etc/passwd">'),
        ("parameter entity", '<!ENTITY % p SYSTEM "http://192.0.2.1/x.dtd"> %p; <!ENTITY l9 "x">'),
        ("default attribute", '<!ATTLIST KSR domain CDATA "example."><!ENTITY l9 "x">'),
    ):
        text = f"<!DOCTYPE KSR [{subset}]>\n" + good.replace("zsk 8", "&l9;").replace(">172800<", ">&l9;<", 1)
        yield Vector(name, text.encode(), MalformedError, "line 1: a DTD")
    # A parser that believes such a declaration finds a DTD that the bytes do not show.
    hidden = b'<!DOCTYPE KSR [<!ENTITY e "x">]>' + good.replace("zsk 8", "&e;").encode()
    declared = b'<?xml version="1.0" encoding="utf-7"?>'
    yield Vector("DTD in UTF-7", declared + hidden.replace(b"<!", b"+ADwAIQ-"), MalformedError, "declaration may only")
    wide = f'<?xml version="1.0" encoding="utf-16"?>{hidden.decode()}'
    yield Vector("DTD in UTF-16", wide.encode("utf-16"), MalformedError, "not UTF-8")
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        yield Vector(f"DTD in {encoding}", hidden.decode().encode(encoding), MalformedError, "a NUL byte")
    yield Vector(
        "DTD in EBCDIC", f'<?xml version="1.0"?>{hidden.decode()}'.encode("cp037"), MalformedError, "not UTF-8"
    )
    for said in (
        *('version="1.1"', 'encoding="utf-8"', 'version="1.0" more="x"', 'version="1.0" encoding="', ""),
        *(f'version="1.0" encoding="{name}"' for name in ("latin1", "utf-7", "utf-16", "")),
    ):
        document = f"<?xml {said}?>{good}".encode()
        yield Vector(f"declaration {said}", document, MalformedError, "line 1: the XML declaration may only say")
    for encoding in ("us-ascii", "ISO-8859-1"):
        document = f'<?xml version="1.0" encoding="{encoding}"?>{good}<!-- \xe9 -->'.encode()
        yield Vector(f"{encoding} with more", document, MalformedError, "line 1: the XML declaration may only say")
    yield Vector("two byte order marks", b"\xef\xbb\xbf" * 2 + good.encode(), MalformedError, "a byte order mark")
    for cut in (b'<?xml version="1.0"', b'<?xml version="1.0"?'):
        yield Vector(f"declaration without end: {cut!r}", cut, MalformedError, "the XML declaration may only say")
    lines = b'<?xml\nversion="1.0"\n?>\n' + good.replace("<Flags>256", "<Flags>x").encode()
    yield Vector("processing instruction that is nearly a declaration", lines, MalformedError, "a processing instr")
    lines = b'<?xml version="1.0"\n?>\n' + good.replace('serial="7"', "").encode()
    yield Vector("declaration on two lines", lines, MalformedError, "KSR, line 3: the attribute serial is missing")
