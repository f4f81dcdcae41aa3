"""Write requests and responses in ICANN's KSR/SKR form, in the exact shape of the root's own files.

A response has the shape that the root's software writes: XML declaration, one element a line, no indentation, times
that end in ``+00:00``. A request has the shape in which the root's ZSK operator sends it: indented, no declaration, the
times of bundles without an offset. Refused: models that the form has no place for (no policy, no id).
"""

import base64
from collections.abc import Iterator
from html import escape

from keyquorum.dnssec.model import PROTOCOL, Bundle, KeyKind, PublishedKey, Signature, SignaturePolicy
from keyquorum.dnssec.model import ZoneRequest as Request
from keyquorum.dnssec.model import ZoneResponse as Response
from keyquorum.dnssec.times import format_duration, format_time
from keyquorum.errors import MalformedError

# Which element of a SignatureAlgorithm speaks of which algorithms.
FAMILIES = {5: "RSA", 7: "RSA", 8: "RSA", 10: "RSA", 13: "ECDSA", 14: "ECDSA", 15: "EdDSA", 16: "EdDSA"}


def write_ksr(request: Request) -> bytes:
    """Write a request; ``read_ksr`` gives an equal one back. MalformedError where it has no id, policy or proofs."""
    if not request.id or request.policy is None or not request.proofs:
        raise MalformedError("a KSR needs an id, a policy and proofs of possession; a plain RRset has none")
    lines = [
        f'<KSR id="{escape(request.id)}" domain="{escape(request.zone.to_text())}" serial="{request.serial}">',
        f"<Request{_timestamp(request.timestamp)}>",
        *("<RequestPolicy>", "<ZSK>", *_policy(request.policy), "</ZSK>", "</RequestPolicy>"),
    ]
    for bundle in request.bundles:
        lines += _bundle("RequestBundle", bundle, offset="")
    return _indented([*lines, "</Request>", "</KSR>"]).encode("ascii")


def write_skr(response: Response) -> bytes:
    """Write a response; ``read_skr`` gives an equal one back. MalformedError where it has no id or lacks a policy."""
    if not response.id or response.ksk_policy is None or response.zsk_policy is None:
        raise MalformedError("a SKR needs an id and the policies of KSK and ZSK; an answer to a plain RRset has none")
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<KSR id="{escape(response.id)}" domain="{escape(response.zone.to_text())}" serial="{response.serial}">',
        f"<Response{_timestamp(response.timestamp)}>",
        "<ResponsePolicy>",
        *("<KSK>", *_policy(response.ksk_policy), "</KSK>"),
        *("<ZSK>", *_policy(response.zsk_policy), "</ZSK>"),
        "</ResponsePolicy>",
    ]
    for bundle in response.bundles:
        if bundle.signers:
            raise MalformedError("the bundle of a response names no Signer", where=bundle.id)
        lines += _bundle("ResponseBundle", bundle, offset="+00:00")
    return "\n".join([*lines, "</Response>", "</KSR>", ""]).encode("ascii")


def _timestamp(moment: int | None) -> str:
    return "" if moment is None else f' timestamp="{format_time(moment)}"'


def _policy(policy: SignaturePolicy) -> Iterator[str]:
    yield f"<PublishSafety>{format_duration(policy.publish_safety)}</PublishSafety>"
    yield f"<RetireSafety>{format_duration(policy.retire_safety)}</RetireSafety>"
    yield f"<MaxSignatureValidity>{format_duration(policy.max_signature_validity)}</MaxSignatureValidity>"
    yield f"<MinSignatureValidity>{format_duration(policy.min_signature_validity)}</MinSignatureValidity>"
    yield f"<MaxValidityOverlap>{format_duration(policy.max_validity_overlap)}</MaxValidityOverlap>"
    yield f"<MinValidityOverlap>{format_duration(policy.min_validity_overlap)}</MinValidityOverlap>"
    for kind in policy.algorithms:
        yield f'<SignatureAlgorithm algorithm="{kind.algorithm}">'
        yield _kind(kind)
        yield "</SignatureAlgorithm>"


def _kind(kind: KeyKind) -> str:
    family = FAMILIES.get(kind.algorithm)
    if family is None:
        raise MalformedError(f"the KSR form has no element for keys of algorithm {kind.algorithm}")
    exponent = f' exponent="{kind.exponent}"' if family == "RSA" else ""
    return f'<{family} size="{kind.bits}"{exponent}/>'


def _bundle(name: str, bundle: Bundle, offset: str) -> Iterator[str]:
    if not bundle.id or not bundle.signatures:
        raise MalformedError("a bundle of a KSR or SKR has an id and signatures", where=bundle.id)
    yield f'<{name} id="{escape(bundle.id)}">'
    yield f"<Inception>{format_time(bundle.inception).removesuffix('+00:00')}{offset}</Inception>"
    yield f"<Expiration>{format_time(bundle.expiration).removesuffix('+00:00')}{offset}</Expiration>"
    if bundle.for_parent:
        raise MalformedError("a KSR or SKR has no place for CDS and CDNSKEY records", where=bundle.id)
    for label in bundle.signers:
        yield f'<Signer keyIdentifier="{escape(label)}"/>'
    for published in bundle.keys:
        yield from _key(published)
    for signature in bundle.signatures:
        yield from _signature(signature)
    yield f"</{name}>"


def _identifier(label: str) -> str:
    return f' keyIdentifier="{escape(label)}"' if label else ""


def _key(published: PublishedKey) -> Iterator[str]:
    key = published.key
    yield f'<Key{_identifier(published.identifier)} keyTag="{key.tag}">'
    yield f"<TTL>{published.ttl}</TTL>"
    yield f"<Flags>{key.flags}</Flags>"
    yield f"<Protocol>{PROTOCOL}</Protocol>"
    yield f"<Algorithm>{key.algorithm}</Algorithm>"
    yield f"<PublicKey>{_base64(key.public_key)}</PublicKey>"
    yield "</Key>"


def _signature(signature: Signature) -> Iterator[str]:
    yield f"<Signature{_identifier(signature.identifier)}>"
    yield f"<TTL>{signature.ttl}</TTL>"
    yield "<TypeCovered>DNSKEY</TypeCovered>"
    yield f"<Algorithm>{signature.algorithm}</Algorithm>"
    yield f"<Labels>{signature.labels}</Labels>"
    yield f"<OriginalTTL>{signature.original_ttl}</OriginalTTL>"
    yield f"<SignatureExpiration>{format_time(signature.expiration)}</SignatureExpiration>"
    yield f"<SignatureInception>{format_time(signature.inception)}</SignatureInception>"
    yield f"<KeyTag>{signature.key_tag}</KeyTag>"
    yield f"<SignersName>{escape(signature.signer.to_text())}</SignersName>"
    yield f"<SignatureData>{_base64(signature.signature)}</SignatureData>"
    yield "</Signature>"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _indented(lines: list[str]) -> str:
    """Indent two spaces a level: a line opens a level, closes one, or holds a whole element."""
    depth, out = 0, []
    for line in lines:
        depth -= line.startswith("</")
        out.append("  " * depth + line)
        depth += not (line.startswith("</") or line.endswith("/>") or "</" in line)
    return "\n".join(out)
