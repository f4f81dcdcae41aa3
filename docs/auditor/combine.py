"""From a request and partials to signatures, with nothing but Python 3.11: to read, to run, to print.

    python3 -I -S combine.py REQUEST PARTIAL... > signed.zone

Derives what is to be signed from the source (a zone file or ICANN's KSR), tries sets of M values until one makes a
signature that verifies, and prints each DNSKEY RRset with it. Who signed the files is not looked at: over these bytes,
under this key, only M shares make a signature, and what is misread here makes none. Whether source and key are right is
yours to compare, by the notes on the other output. Files: docs/auditor/records.md.
"""

import json
import re
import sys
from base64 import b64decode, b64encode, urlsafe_b64decode
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256, sha512
from itertools import combinations
from math import factorial, gcd, prod
from pathlib import Path
from struct import pack
from xml.etree import ElementTree

HASHES = {8: (sha256, "3031300d060960864801650304020105000420"), 10: (sha512, "3051300d060960864801650304020305000440")}
SECONDS = {"": 1, "S": 1, "M": 60, "H": 3600, "D": 86400, "W": 604800}
note = cache(partial(print, file=sys.stderr))  # on the other output, each once
RECORD = r"(?im)^(\S*)[ \t]+(?:(\d\w*)[ \t]+)?(?:IN[ \t]+)?(?:(\d\w*)[ \t]+)?(\S+)((?:\([^()]*\)|[^\n(])*)"


def rsa_key(public):
    """Give the data of the DNSKEY record: a zone key with the SEP flag (RFC 4034 section 2, RFC 3110)."""
    e, n = urlsafe_b64decode(public["e"]), urlsafe_b64decode(public["n"])
    return pack("!HBBB", 257, 3, public["algorithm"], len(e)) + e + n


def rsa_signature(public, message, values):
    """Give the signature that M values (by index) make, or None. Shoup, "Practical Threshold Signatures", 2000."""
    n, e = (int.from_bytes(urlsafe_b64decode(public[name]), "big") for name in "ne")
    width, (digest, prefix) = (n.bit_length() + 7) // 8, HASHES[public["algorithm"]]
    end = b"\0" + bytes.fromhex(prefix) + digest(message).digest()  # EMSA-PKCS1-v1_5, RFC 8017 section 9.2
    x = int.from_bytes(b"\0\1".ljust(width - len(end), b"\xff") + end, "big")
    D, w = factorial(public["holders"]), 1
    for i, value in values.items():
        others = [j for j in values if j != i]
        weight = D * prod(others) // prod(j - i for j in others)  # D times Lagrange's coefficient: a whole number
        number = int.from_bytes(value, "big")
        w = w * (pow(number, 2 * weight, n) if len(value) == width and gcd(number, n) == 1 else 0) % n
    a = pow(4 * D * D, -1, e)  # w^e = x^(4 D^2), and a 4 D^2 + b e = 1: so w^a x^b is the e-th root of x
    y = pow(w, a, n) * pow(x, (1 - a * 4 * D * D) // e, n) % n
    return y.to_bytes(width, "big") if pow(y, e, n) == x else None


def zone_file(source, window):
    """Give zone, inception, expiration, TTL and records of each DNSKEY RRset in a zone file."""
    origin, owner, default, ttl, found = ".", ".", "", "", {}
    text = re.sub(r'(\\.)|"(?:\\.|[^"\\])*"|;[^\n]*', r"\1", source.decode("ascii", "replace"))  # no strings, comments
    for first, before, after, kind, data in re.findall(RECORD, text):
        name = kind if first.upper() == "$ORIGIN" else first
        name = origin if name == "@" else name if name.endswith(".") else f"{name}.{origin}".replace("..", ".")
        if first.startswith("$"):
            origin, default = (origin, kind) if first.upper() == "$TTL" else (name, default)
            continue
        owner, ttl = name.lower() if first else owner, before or after or default or ttl
        if kind.upper() == "DNSKEY":
            key = re.sub("[()]", " ", data).split()
            found.setdefault(owner, (ttl, []))[1].append(pack("!HBB", *map(int, key[:3])) + b64decode("".join(key[3:])))
    for zone, (ttl, keys) in found.items():
        parts = re.findall(r"(\d+)([WDHMS]?)", ttl.upper())
        yield zone, window["inception"], window["expiration"], sum(int(n) * SECONDS[unit] for n, unit in parts), keys


def key_signing_request(source):
    """Give the same of each bundle of a KSR."""
    root = ElementTree.fromstring(source) if b"<!" not in source else sys.exit("a DTD or comment")  # noqa: S314
    for bundle in root.iter("RequestBundle"):
        start, end = (int(datetime.fromisoformat(moment.text[:19] + "+00:00").timestamp()) for moment in bundle[:2])
        keys = [[field.text for field in key] for key in bundle.iter("Key")]  # TTL, flags, protocol, algorithm, key
        rdatas = [pack("!HBB", *map(int, numbers)) + b64decode(key) for _, *numbers, key in keys]
        yield root.get("domain").lower().rstrip(".") + ".", start, end, int(keys[0][0]), rdatas


SCHEMES = {"rsa": (rsa_key, rsa_signature)}


def read(path):
    """Give header and body of a file."""
    head, _, body = Path(path).read_bytes().partition(b"\n")
    return json.loads(urlsafe_b64decode(json.loads(head)["payload"])), body


def tag(rdata):
    """Give the key tag of a DNSKEY (RFC 4034 appendix B)."""
    total = (sum(rdata[::2]) << 8) + sum(rdata[1::2])
    return (total + (total >> 16)) & 0xFFFF


def signed(public, message, number, answers):
    """Give the signature that M of the answers make; say whose values do not go with theirs, and try those last."""
    M = public["threshold"]

    def together(some):
        values = {index: body[number * width :][:width] for _, index, width, body in some}
        return SCHEMES[public["scheme"]][1](public, message, values) if len(values) == M else None

    good = next(filter(together, combinations(answers, M)), None) or sys.exit("too few answers fit together")
    for one in answers:
        if not together([one, *(other for other in good if other[1] != one[1])][:M]):
            note(f"{one[0]}: WRONG if shares {[index for _, index, *_ in good]} are right, which it does not fit")
    answers.sort(key=lambda one: one not in good)
    return together(good)


def main(request_file, *partial_files):
    """Combine, and print what came of it."""
    request, source, quorums = *read(request_file), {}
    known = [one["schema"] for one in request["responses"]] == ["normal"] and not request["terms"]["times"]
    if sha256(source).digest() != urlsafe_b64decode(request["source"]["sha256"]) or not known:
        sys.exit("the source is not the one in the header, or its format or the schema is not known here")
    note(f"SHA-256 of the source: {sha256(source).hexdigest()}")
    for document in (urlsafe_b64decode(one["key"]["payload"]) for one in request["keys"]):
        public = json.loads(document)["public"]
        quorums[sha256(document).digest()] = public, SCHEMES[public["scheme"]][0](public), []
    for path in partial_files:
        try:
            partial, body = read(path)
            for answer in partial["answers"]:
                index, width, count = (int(answer[name]) for name in ("index", "width", "count"))
                quorums[urlsafe_b64decode(answer["key"])][2].append((path, index, width, body))
                body = body[width * count :]
        except Exception as error:  # whatever it holds: it shall not stop the others
            note(f"{path}: not used ({type(error).__name__})")
    bundles = zone_file(source, request["window"]) if request["window"] else key_signing_request(source)
    for number, (zone, start, end, given, keys) in enumerate(bundles):
        ttl = given if request["terms"]["ttl"] is None else request["terms"]["ttl"]
        owner = b"".join(bytes([len(label)]) + label.encode() for label in zone.split(".") if label) + b"\0"
        rrset = {*keys, *(signer for _, signer, _ in quorums.values())}
        records = b"".join(owner + pack("!HHIH", 48, 1, ttl, len(key)) + key for key in sorted(rrset))
        for key in sorted(rrset, key=lambda key: (tag(key), key)):
            print(zone, ttl, "IN DNSKEY", key[0] << 8 | key[1], *key[2:4], b64encode(key[4:]).decode())
        for public, signer, answers in quorums.values():
            note(f"{zone} IN DS {tag(signer)} {signer[3]} 2 {sha256(owner + signer).hexdigest().upper()}")
            fields = signer[3], zone.count(".") - (zone == ".") - zone.startswith("*."), ttl
            message = pack("!HBBIIIH", 48, *fields, end, start, tag(signer)) + owner + records
            signature = b64encode(signed(public, message, number, answers)).decode()
            times = (datetime.fromtimestamp(moment, UTC).strftime("%Y%m%d%H%M%S") for moment in (end, start))
            print(zone, ttl, "IN RRSIG DNSKEY", *fields, *times, tag(signer), zone, signature)


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) > 2 else sys.exit(__doc__)
