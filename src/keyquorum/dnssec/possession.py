"""Proofs of possession: whoever asks for keys to be signed has each of them sign the bundle it stands in.

The signatures come from outside (a private key of ``cryptography``, a token); each is verified twice before it is used.
Their times say when they were made, as in the root's requests, and nothing of when the bundle is valid. Refused: kinds
of key that DNSSEC has no algorithm for, a bundle with a key that nobody can sign with.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import dns.dnssec
import dns.name
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from dns.dnssecalgs import get_algorithm_cls
from dns.dnssectypes import Algorithm

from keyquorum.dnssec.model import FLAG_ZONE, RSA_ALGORITHMS, Bundle, Dnskey, PublishedKey, Signature
from keyquorum.dnssec.signing_input import label_count, signing_input
from keyquorum.dnssec.verify import verify_signature, verify_with_dnspython
from keyquorum.errors import RefusedError

Signer = Callable[[bytes], bytes]
"""Signs a message with one key; gives the signature as it stands in an RRSIG."""

_CURVES = {"secp256r1": 13, "secp384r1": 14}


def zsk_of(public: object, rsa_algorithm: int = 8) -> Dnskey:
    """Give the DNSKEY (flags 256) of a public key of ``cryptography``; for RSA ``rsa_algorithm`` is 8 or 10.

    Raises RefusedError for a key that no algorithm of DNSSEC is for.
    """
    number = _number_of(public, rsa_algorithm)
    try:
        record: Any = dns.dnssec.make_dnskey(public, number, FLAG_ZONE)  # type: ignore[arg-type]
    except ValueError as error:
        raise RefusedError(f"this is no key for a zone ({error})") from None
    return Dnskey(FLAG_ZONE, number, record.key)


def signer_of(private: object, key: Dnskey) -> Signer:
    """Give what signs with a private key of ``cryptography`` whose DNSKEY is ``key``; ECDSA draws no random number."""
    signing: Any = get_algorithm_cls(key.algorithm)
    made = signing(private)

    def sign(message: bytes) -> bytes:
        return bytes(made.sign(message, deterministic=True))

    return sign


def prove(
    zone: dns.name.Name, bundle: Bundle, signers: Mapping[Dnskey, Signer], inception: int, expiration: int
) -> Bundle:
    """Give ``bundle`` with a proof by each of its keys, made to be valid from ``inception`` to ``expiration``.

    Raises RefusedError where ``signers`` lacks one of the keys, SignatureError where a signature does not verify.
    """
    keys = tuple(published.key for published in bundle.keys)
    proofs = []
    for published in bundle.keys:
        if published.key not in signers:
            raise RefusedError(
                f"nobody can sign with key {published.key.tag}, and without its proof no request can be made",
                where=bundle.id,
                do="Give its private key, as a PEM file or by the URI of its token.",
            )
        proof = _proof(zone, keys, published, signers[published.key], inception, expiration)
        verify_signature(zone, keys, proof, published.key)
        verify_with_dnspython(zone, keys, proof, published.key)
        proofs.append(proof)
    return replace(bundle, signatures=tuple(proofs))


def _proof(
    zone: dns.name.Name,
    keys: tuple[Dnskey, ...],
    published: PublishedKey,
    sign: Signer,
    inception: int,
    expiration: int,
) -> Signature:
    key, ttl = published.key, published.ttl
    message = signing_input(
        zone, keys, ttl, algorithm=key.algorithm, key_tag=key.tag, inception=inception, expiration=expiration
    )
    return Signature(
        algorithm=key.algorithm,
        labels=label_count(zone),
        original_ttl=ttl,
        expiration=expiration,
        inception=inception,
        key_tag=key.tag,
        signer=zone,
        signature=sign(message),
        ttl=ttl,
        identifier=published.identifier,
    )


def _number_of(public: object, rsa_algorithm: int) -> int:
    match public:
        case rsa.RSAPublicKey() if rsa_algorithm in RSA_ALGORITHMS:
            return rsa_algorithm
        case ec.EllipticCurvePublicKey() if public.curve.name in _CURVES:
            return _CURVES[public.curve.name]
        case ed25519.Ed25519PublicKey():
            return int(Algorithm.ED25519)
        case ed448.Ed448PublicKey():
            return int(Algorithm.ED448)
    kind = f"the curve {public.curve.name}" if isinstance(public, ec.EllipticCurvePublicKey) else "this kind"
    raise RefusedError(
        f"DNSSEC has no algorithm for keys of {kind}", do="Use RSA, ECDSA (P-256 or P-384), Ed25519 or Ed448."
    )
