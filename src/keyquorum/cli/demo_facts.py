"""The real request that the demo signs: the facts of the root's KSR of 2017-q2, written by our own writer.

The facts (keys, times, proofs of possession) stand in ``root_2017_q2.json``, which names their source.
"""

import base64
import json
from importlib.resources import files
from typing import Any

import dns.name

from keyquorum.dnssec.icann_write import write_ksr
from keyquorum.dnssec.model import Bundle, Dnskey, KeyKind, PublishedKey, Signature, SignaturePolicy, ZoneRequest
from keyquorum.dnssec.times import parse_time

JUDGED_AT = "2017-02-07T00:00:00Z"
"""Within days of the ceremony that signed this request."""


def root_2017_q2() -> bytes:
    """Give the request as a KSR file."""
    facts = json.loads(files("keyquorum.cli").joinpath("root_2017_q2.json").read_text("utf-8"))
    policy = facts["policy"]
    algorithms = tuple(KeyKind(*kind) for kind in policy.pop("algorithms"))
    request = ZoneRequest(
        zone=dns.name.root,
        bundles=tuple(_bundle(bundle, facts["keys"]) for bundle in facts["bundles"]),
        id=facts["id"],
        serial=facts["serial"],
        policy=SignaturePolicy(**policy, algorithms=algorithms),
        proofs=True,
    )
    return write_ksr(request)


def _bundle(bundle: dict[str, Any], keys: dict[str, Any]) -> Bundle:
    return Bundle(
        id=bundle["id"],
        inception=parse_time(bundle["inception"]),
        expiration=parse_time(bundle["expiration"]),
        keys=tuple(_key(keys[str(tag)]) for tag in bundle["keys"]),
        signatures=tuple(_proof(proof, keys[str(proof["key"])]) for proof in bundle["proofs"]),
    )


def _key(key: dict[str, Any]) -> PublishedKey:
    wire = Dnskey(key["flags"], key["algorithm"], base64.b64decode(key["public_key"]))
    return PublishedKey(wire, key["ttl"], key["identifier"])


def _proof(proof: dict[str, Any], key: dict[str, Any]) -> Signature:
    return Signature(
        algorithm=key["algorithm"],
        labels=0,
        original_ttl=key["ttl"],
        expiration=parse_time(proof["expiration"]),
        inception=parse_time(proof["inception"]),
        key_tag=proof["key"],
        signer=dns.name.root,
        signature=base64.b64decode(proof["signature"]),
        ttl=key["ttl"],
        identifier=key["identifier"],
    )
