"""Models drawn by hypothesis: well-formed, and as odd as a model may be."""

import dns.name
from hypothesis import strategies as st

from keyquorum.dnssec.model import Bundle, Dnskey, KeyKind, PublishedKey, Signature, SignaturePolicy

LENGTHS = {13: 64, 14: 96, 15: 32, 16: 57}
seconds = st.integers(0, 2**32 - 1)
ttls = st.integers(0, 2**31 - 1)
labels = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=20)
label_bytes = st.binary(min_size=1, max_size=8)
names = st.lists(label_bytes, max_size=4).map(lambda parts: dns.name.Name([*parts, b""]).canonicalize())
rsa_public = st.builds(
    lambda e, n: len(e).to_bytes(1, "big") + e + n,
    st.binary(min_size=1, max_size=4).filter(lambda e: e[0]),
    st.binary(min_size=1, max_size=80).filter(lambda n: n[0]),
)


def public_keys(algorithm: int) -> st.SearchStrategy[bytes]:
    if algorithm in {1, 5, 7, 8, 10}:
        return rsa_public
    length = LENGTHS.get(algorithm)
    return st.binary(min_size=length or 1, max_size=length or 80)


dnskeys = st.builds(
    lambda flags, made: Dnskey(flags, *made),
    st.sampled_from([256, 257, 385, 0]) | st.integers(0, 65535),
    (st.sampled_from([8, 13, 14, 15, 16]) | st.integers(0, 255)).flatmap(
        lambda algorithm: st.tuples(st.just(algorithm), public_keys(algorithm))
    ),
)
rrsets = st.lists(dnskeys, min_size=1, max_size=4, unique=True)
published = st.builds(PublishedKey, dnskeys, ttls, labels | st.just(""))
signatures = st.builds(
    Signature,
    algorithm=st.integers(0, 255),
    labels=st.integers(0, 255),
    original_ttl=ttls,
    expiration=seconds,
    inception=seconds,
    key_tag=st.integers(0, 65535),
    signer=names,
    signature=st.binary(min_size=1, max_size=80),
    ttl=ttls,
    identifier=labels | st.just(""),
)
windows = st.tuples(seconds, seconds).filter(lambda pair: pair[0] != pair[1]).map(sorted)


def bundles(*, signers: bool) -> st.SearchStrategy[Bundle]:
    return st.builds(
        lambda label, window, keys, made, named: Bundle(label, window[0], window[1], tuple(keys), tuple(made), named),
        labels,
        windows,
        st.lists(published, min_size=1, max_size=3, unique_by=lambda one: one.key),
        st.lists(signatures, min_size=1, max_size=2),
        st.lists(labels, max_size=2).map(tuple) if signers else st.just(()),
    )


kinds = st.builds(
    KeyKind, st.sampled_from([5, 7, 8, 10]), st.integers(0, 65535), st.integers(0, 2**64 - 1)
) | st.builds(KeyKind, st.sampled_from([13, 14, 15, 16]), st.integers(0, 65535))
policies = st.builds(
    SignaturePolicy,
    seconds,
    seconds,
    seconds,
    seconds,
    seconds,
    seconds,
    st.lists(kinds, min_size=1, max_size=3).map(tuple),
)
