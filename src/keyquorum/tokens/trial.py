"""A key in a token, tried: it signs a random message, and the signature is verified outside.

Against the records that the world knows the key by (DNSKEY or DS), where they are given; else against the public key
beside it in the token, which shows only that the two halves belong together.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from keyquorum.dnssec.anchor_files import Anchor
from keyquorum.errors import KeyquorumError, RefusedError, SignatureError
from keyquorum.escrow.publickeys import dnskey_of, spki_of
from keyquorum.maths.randomness import Rng
from keyquorum.tokens.objects import ObjectFacts, facts_of, found, the_private_key
from keyquorum.tokens.session import OpenToken
from keyquorum.tokens.signing import prove
from keyquorum.tokens.uri import TokenUri


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A key that signed: the private key's facts, its algorithm, its public key (DER), and the record it is of."""

    key: ObjectFacts
    algorithm: str
    spki: bytes
    anchor: Anchor | None

    @property
    def tag(self) -> int:
        """The key tag: of the record it was verified against, else that of the key as a KSK."""
        key = (self.anchor and self.anchor.key) or dnskey_of(self.algorithm, self.spki)
        assert key is not None  # noqa: S101
        return key.tag


def try_out(token: OpenToken, uri: TokenUri, anchors: Sequence[Anchor], rng: Rng) -> Tried:
    """Have the one private key that ``uri`` names sign a random message, verified against ``anchors`` if there are any.

    Raises SignatureError where it is none of ``anchors``' keys, UsageError where no or several keys match, RefusedError
    where the token does not sign or tells no public key to verify with.
    """
    key = the_private_key(token, uri)
    own = public_half(token, key)
    where = token.facts.name
    options = list(_of_anchors(anchors, own)) if anchors else list(_of_token(own))
    if not options and own is None:
        raise RefusedError("the token tells no public key for it", where=where, do="Give its DNSKEY: --dnskey FILE.")
    if own is not None:
        options = [option for option in options if option[1] == own.spki]
    if not options:
        raise SignatureError("the key in the token is not one of those given", where=where)
    for algorithm, spki, anchor in options[:-1]:
        with suppress(SignatureError):
            prove(token, key, algorithm, spki, rng)
            return Tried(key=facts_of(key), algorithm=algorithm, spki=spki, anchor=anchor)
    algorithm, spki, anchor = options[-1]
    prove(token, key, algorithm, spki, rng)
    return Tried(key=facts_of(key), algorithm=algorithm, spki=spki, anchor=anchor)


def public_half(token: OpenToken, key: Any) -> ObjectFacts | None:
    """Give the facts of what tells the public key of a private key object: itself, or the public key by its id."""
    facts = facts_of(key)
    if facts.spki is not None:
        return facts
    beside = [facts_of(one) for one in found(token, TokenUri(type="public", id=facts.id))] if facts.id else []
    return next((one for one in beside if one.spki is not None and one.key_type == facts.key_type), None)


def _of_token(own: ObjectFacts | None) -> Iterator[tuple[str, bytes, Anchor | None]]:
    if own is not None and own.spki is not None:
        for name, _ in own.algorithms:
            yield name, own.spki, None


def _of_anchors(anchors: Sequence[Anchor], own: ObjectFacts | None) -> Iterator[tuple[str, bytes, Anchor | None]]:
    for anchor in anchors:
        if anchor.key is not None:
            with suppress(KeyquorumError):
                yield *spki_of(anchor.key), anchor
        else:
            for name, spki, _ in _of_token(own):
                key = dnskey_of(name, spki)
                if key is not None and anchor.covers(anchor.zone, key):
                    yield name, spki, anchor
