"""Verify a signature over a DNSKEY, CDS or CDNSKEY RRset, twice: with ``cryptography``, and with dnspython's validator.

Neither uses a clock: the times in a proof of possession say nothing (the root's had expired when they were judged),
and those of a response are for ``policy`` and for the judge that looks from inside the window. Refused: every field
that can be computed and differs, algorithms other than 8, 10, 13, 14, 15, 16, a key outside the DNSKEY RRset.
"""

from collections.abc import Callable, Iterable

import dns.dnssec
import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

from keyquorum.dnssec.model import FLAG_ZONE, PROTOCOL, Dnskey, ParentRrset, Signature
from keyquorum.dnssec.signing_input import label_count, rrset_signing_input
from keyquorum.errors import SignatureError

Check = Callable[[Dnskey, bytes, bytes], None]


def verify_signature(
    zone: dns.name.Name, keys: Iterable[Dnskey], signature: Signature, key: Dnskey, over: ParentRrset | None = None
) -> None:
    """Verify that ``signature`` is ``key``'s, one of the DNSKEY RRset ``keys`` of ``zone``; raises SignatureError.

    It is to be over that RRset, or over the RRset ``over`` where one is given. MalformedError where ``keys`` are no
    set. The TTL signed is the signature's own original TTL. Times are not judged (RFC 4035 section 5.3 but for that).
    """
    keys = tuple(keys)
    kind, rdatas = _covered(keys, over)
    where = _where(zone, signature, over)
    _check_fields(zone, keys, signature, key, over, where)
    message = rrset_signing_input(
        zone,
        kind,
        rdatas,
        signature.original_ttl,
        algorithm=key.algorithm,
        key_tag=key.tag,
        inception=signature.inception,
        expiration=signature.expiration,
    )
    verify_message(key, message, signature.signature, where)


def verify_message(key: Dnskey, message: bytes, signature: bytes, where: str = "") -> None:
    """Verify that ``signature``, as it stands in an RRSIG, is ``key``'s over ``message``; raises SignatureError."""
    check = _CHECKS.get(key.algorithm)
    if check is None:
        raise SignatureError(f"signatures of algorithm {key.algorithm} are not accepted", where=where)
    try:
        check(key, signature, message)
    except InvalidSignature:
        raise SignatureError("the signature is wrong for these keys and times", where=where) from None
    except (ValueError, UnsupportedAlgorithm):
        raise SignatureError("the public key cannot be used: its numbers are impossible", where=where) from None


def verify_with_dnspython(
    zone: dns.name.Name, keys: Iterable[Dnskey], signature: Signature, key: Dnskey, over: ParentRrset | None = None
) -> None:
    """Verify the same with dnspython's validator, as a resolver would at the signature's inception; SignatureError.

    Independent of ``signing_input`` and of ``verify_signature``; for what we hand out.
    """
    try:
        kind, rdatas = _covered(tuple(keys), over)
        records = [dns.rdata.from_wire(dns.rdataclass.IN, kind, rdata, 0, len(rdata)) for rdata in rdatas]
        rrset = dns.rdataset.from_rdata_list(signature.original_ttl, records)
        signer = dns.rdataset.from_rdata_list(signature.original_ttl, [_record(key)])
        rrsig = RRSIG(
            dns.rdataclass.IN,
            dns.rdatatype.RRSIG,
            kind,
            signature.algorithm,
            signature.labels,
            signature.original_ttl,
            signature.expiration,
            signature.inception,
            signature.key_tag,
            signature.signer,
            signature.signature,
        )
        dns.dnssec.validate_rrsig((zone, rrset), rrsig, {zone: signer}, now=signature.inception)
    except (dns.exception.DNSException, ValueError, UnsupportedAlgorithm) as error:
        what = f"dnspython does not accept the signature ({type(error).__name__})"
        raise SignatureError(what, where=_where(zone, signature, over)) from None


def _covered(keys: tuple[Dnskey, ...], over: ParentRrset | None) -> tuple[dns.rdatatype.RdataType, tuple[bytes, ...]]:
    if over is None:
        return dns.rdatatype.DNSKEY, tuple(key.wire() for key in keys)
    return dns.rdatatype.RdataType(over.kind), over.rdatas


def _where(zone: dns.name.Name, signature: Signature, over: ParentRrset | None) -> str:
    return f"{zone.to_text()} RRSIG {over.name if over else 'DNSKEY'} by key {signature.key_tag}"


def _record(key: Dnskey) -> DNSKEY:
    return DNSKEY(dns.rdataclass.IN, dns.rdatatype.DNSKEY, key.flags, PROTOCOL, key.algorithm, key.public_key)


def _check_fields(
    zone: dns.name.Name,
    keys: tuple[Dnskey, ...],
    signature: Signature,
    key: Dnskey,
    over: ParentRrset | None,
    where: str,
) -> None:
    for what, stated, computed in (
        ("algorithm", signature.algorithm, key.algorithm),
        ("key tag", signature.key_tag, key.tag),
        ("number of labels", signature.labels, label_count(zone)),
    ):
        if stated != computed:
            raise SignatureError(f"its {what} is {stated} and should be {computed}", where=where)
    if signature.signer != zone:
        raise SignatureError(f"it names {signature.signer.to_text()} as its signer", where=where)
    if key not in keys:
        raise SignatureError("its key is not among the keys of the zone", where=where)
    if not key.flags & FLAG_ZONE:
        raise SignatureError("its key is not a zone key (flag 256 is not set)", where=where)
    if over is not None and key.is_revoked:
        raise SignatureError("its key is revoked and good for the DNSKEY RRset alone (RFC 5011)", where=where)


def _check_rsa(digest: HashAlgorithm) -> Check:
    def check(key: Dnskey, signature: bytes, message: bytes) -> None:
        exponent, modulus = key.rsa_numbers()
        rsa.RSAPublicNumbers(exponent, modulus).public_key().verify(signature, message, padding.PKCS1v15(), digest)

    return check


def _check_ecdsa(curve: ec.EllipticCurve, digest: HashAlgorithm) -> Check:
    def check(key: Dnskey, signature: bytes, message: bytes) -> None:
        point = ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + key.public_key)
        half = len(key.public_key) // 2
        if len(signature) != 2 * half:
            raise InvalidSignature
        r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        point.verify(encode_dss_signature(r, s), message, ec.ECDSA(digest))

    return check


def _check_ed25519(key: Dnskey, signature: bytes, message: bytes) -> None:
    ed25519.Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, message)


def _check_ed448(key: Dnskey, signature: bytes, message: bytes) -> None:
    ed448.Ed448PublicKey.from_public_bytes(key.public_key).verify(signature, message)


# RFC 5702 (8, 10), RFC 6605 (13, 14), RFC 8080 (15, 16). Not 5 and 7: SHA-1.
_CHECKS: dict[int, Check] = {
    8: _check_rsa(SHA256()),
    10: _check_rsa(SHA512()),
    13: _check_ecdsa(ec.SECP256R1(), SHA256()),
    14: _check_ecdsa(ec.SECP384R1(), SHA384()),
    15: _check_ed25519,
    16: _check_ed448,
}
