"""A key into a token: every algorithm, how it stands there, and that nothing is left where it fails."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pkcs11 import Attribute

from keyquorum.errors import KeyquorumError, RefusedError, SignatureError, UsageError
from keyquorum.escrow.keys import generate
from keyquorum.escrow.publickeys import verify
from keyquorum.tokens.loading import CREATED, Loaded, load
from keyquorum.tokens.objects import ObjectFacts, found, objects_of
from keyquorum.tokens.signing import sign
from keyquorum.tokens.templates import Placing, placing_of
from keyquorum.tokens.uri import TokenUri, read_uri
from tests.keystore.seeded import seeded
from tests.tokens.conftest import Faults
from tests.tokens.keys import NUMBERS, PLACING, key, openssl_accepts
from tests.tokens.softhsm import Soft, pkcs11_tool

ALGORITHMS = tuple(NUMBERS)


def loaded(soft: Soft, algorithm: str, placing: Placing = PLACING, number: int = 0) -> Loaded:
    with soft.open() as token:
        return load(token, key(algorithm, number), placing, seeded(1))


def objects(soft: Soft) -> tuple[ObjectFacts, ...]:
    with soft.open() as token:
        return objects_of(token)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm(soft: Soft, algorithm: str) -> None:
    done = loaded(soft, algorithm)
    assert (done.label, done.id, done.path, done.was_there) == ("root-2026", b"\x4f\x66", CREATED, False)
    assert done.deviations == ()
    assert {one.name: one.is_ for one in done.readings} == {
        "CKA_TOKEN": True,
        "CKA_PRIVATE": True,
        "CKA_SENSITIVE": True,
        "CKA_EXTRACTABLE": False,
        "CKA_SIGN": True,
        "CKA_DECRYPT": False,
        "CKA_UNWRAP": False,
        "CKA_DERIVE": False,
    }
    private, public = sorted(objects(soft), key=lambda one: one.kind)
    assert (private.kind, public.kind) == ("private", "public")
    assert {use: public.flags[use] for use in (Attribute.VERIFY, Attribute.ENCRYPT, Attribute.WRAP)} == {
        Attribute.VERIFY: True,
        Attribute.ENCRYPT: False,
        Attribute.WRAP: False,
    }
    assert (private.label, private.id) == (public.label, public.id) == ("root-2026", b"\x4f\x66")
    assert public.spki == key(algorithm).public_key
    assert [name for name, _ in public.algorithms if name == algorithm] == [algorithm]
    dnskey = key(algorithm).dnskey()
    assert dnskey is not None
    assert dict(public.algorithms)[algorithm] == dnskey.tag
    with soft.open() as token:
        signature = sign(token, read_uri(done.uri.text()), dnskey, b"message")
    verify(algorithm, key(algorithm).public_key, b"message", signature)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_another_program_sees_the_key_as_we_say(soft: Soft, algorithm: str) -> None:
    loaded(soft, algorithm)
    listed = pkcs11_tool(soft, "--list-objects", "--type", "privkey")
    assert listed.count("Private Key Object") == 1
    assert "label:      root-2026" in listed
    assert "ID:         4f66" in listed
    usage, access = (
        line.split(":")[1].strip() for line in listed.splitlines() if "Usage:" in line or "Access:" in line
    )
    assert usage == "sign"
    assert access == "sensitive"
    public = pkcs11_tool(soft, "--list-objects", "--type", "pubkey")
    assert public.count("Public Key Object") == 1
    assert "ID:         4f66" in public
    assert "Usage:      verify" in public


@pytest.mark.parametrize(
    ("algorithm", "mechanism", "digest"),
    [
        ("RSASHA256", "SHA256-RSA-PKCS", "sha256"),
        ("RSASHA512", "SHA512-RSA-PKCS", "sha512"),
        ("ECDSAP256SHA256", "ECDSA", "sha256"),
        ("ECDSAP384SHA384", "ECDSA", "sha384"),
    ],
)
def test_another_program_signs_with_the_key(
    soft: Soft, tmp_path: Path, algorithm: str, mechanism: str, digest: str
) -> None:
    loaded(soft, algorithm)
    message, given, signature = (tmp_path / name for name in ("message", "given", "signature"))
    message.write_bytes(b"a message")
    given.write_bytes(hashlib.new(digest, b"a message").digest() if mechanism == "ECDSA" else b"a message")
    options: tuple[str, ...] = ("--signature-format", "openssl") if mechanism == "ECDSA" else ()
    files: tuple[str | Path, ...] = ("--input-file", given, "--output-file", signature)
    pkcs11_tool(soft, "--sign", "--id", "4f66", "--mechanism", mechanism, *options, *files)
    assert openssl_accepts(key(algorithm).public_key, message, signature, f"-{digest}", directory=tmp_path)
    message.write_bytes(b"another message")
    assert not openssl_accepts(key(algorithm).public_key, message, signature, f"-{digest}", directory=tmp_path)


def test_extractable_where_it_is_asked_for(soft: Soft) -> None:
    done = loaded(soft, "ED25519", Placing(label="k", id=b"k", extractable=True))
    assert done.deviations == ()
    (private,) = [one for one in objects(soft) if one.kind == "private"]
    assert private.flags[Attribute.EXTRACTABLE] is True
    assert private.flags[Attribute.SENSITIVE] is True


@pytest.mark.parametrize("algorithm", ["RSASHA256", "ECDSAP256SHA256", "ED448"])
def test_the_same_key_again_is_proved_and_not_loaded(soft: Soft, algorithm: str) -> None:
    loaded(soft, algorithm)
    before = objects(soft)
    for placing in (PLACING, Placing(label="root-2026", id=b"other"), Placing(label="other", id=b"other")):
        again = loaded(soft, algorithm, placing)
        assert again.was_there
        assert (again.label, again.id) == ("root-2026", b"\x4f\x66")
    assert {one.label for one in objects(soft)} == {"root-2026"}
    assert len(objects(soft)) == len(before) == 2


@pytest.mark.parametrize("missing", ["public", "private"])
@pytest.mark.parametrize("algorithm", ["RSASHA256", "ECDSAP384SHA384"])
def test_a_half_that_is_missing_is_added(soft: Soft, missing: str, algorithm: str) -> None:
    loaded(soft, algorithm)
    with soft.open() as token:
        (one,) = found(token, TokenUri(type=missing))
        one.destroy()
    again = loaded(soft, algorithm)
    assert again.was_there == (missing == "public")
    assert sorted(one.kind for one in objects(soft)) == ["private", "public"]


@pytest.mark.parametrize(
    "placing", [PLACING, Placing(label="root-2026", id=b"other"), Placing(label="other", id=b"\x4f\x66")]
)
@pytest.mark.parametrize("other", ["ECDSAP256SHA256", "RSASHA256"])
def test_another_key_by_this_label_or_id_is_named(soft: Soft, placing: Placing, other: str) -> None:
    loaded(soft, other, number=1)
    before = objects(soft)
    with pytest.raises(RefusedError, match=r"another object by this label or id: .* key 'root-2026' with id 4f66"):
        loaded(soft, "ECDSAP256SHA256", placing)
    assert objects(soft) == before


def test_a_public_key_that_is_another_is_no_half_of_ours(soft: Soft) -> None:
    """The private key of one and the public key of another under one name: nothing is added, and it is said."""
    loaded(soft, "ED25519", number=1)
    with soft.open() as token:
        found(token, TokenUri(type="private"))[0].destroy()
    with pytest.raises(RefusedError, match="another object"):
        loaded(soft, "ED25519")
    assert [one.kind for one in objects(soft)] == ["public"]


def test_a_private_key_that_is_another_is_no_half_of_ours(soft: Soft) -> None:
    loaded(soft, "ED25519", number=1)
    with soft.open() as token:
        found(token, TokenUri(type="public"))[0].destroy()
    with pytest.raises(RefusedError, match="another object by this label or id: private key"):
        loaded(soft, "ED25519")
    assert [one.kind for one in objects(soft)] == ["private"]


FAILURES = {
    "bad-signature": (SignatureError, "does not verify"),
    "no-signature": (RefusedError, "does not sign.*CKR_DEVICE_ERROR"),
    "no-public": (RefusedError, "the token is full"),
    "forgets": (RefusedError, "does not keep"),
    "other-point": (RefusedError, "gives back another public key"),
}


@pytest.mark.parametrize("fault", FAILURES)
@pytest.mark.parametrize("create", ["", "no-private"])
def test_on_failure_nothing_is_left(shim: Soft, faults: Faults, fault: str, create: str) -> None:
    kind, words = FAILURES[fault]
    faults(fault, create)
    with pytest.raises(kind, match=words):
        loaded(shim, "ECDSAP256SHA256")
    faults()
    assert objects(shim) == ()


def test_a_load_that_is_interrupted_leaves_nothing(soft: Soft) -> None:
    def interrupted(_: int) -> bytes:
        raise KeyboardInterrupt

    with soft.open() as token, pytest.raises(KeyboardInterrupt):
        load(token, key("ED25519"), PLACING, interrupted)
    assert objects(soft) == ()


def test_what_cannot_be_destroyed_is_said(shim: Soft, faults: Faults) -> None:
    faults("bad-signature", "no-destroy")
    with pytest.raises(RefusedError, match=r"load failed \(what the token signed.*does not destroy") as caught:
        loaded(shim, "ED25519")
    assert "token wipe" in caught.value.do


def test_attributes_that_are_not_as_asked_for_are_named(shim: Soft, faults: Faults) -> None:
    faults("leaves-extractable")
    done = loaded(shim, "ECDSAP256SHA256")
    assert [(one.name, one.wanted, one.is_) for one in done.deviations] == [("CKA_EXTRACTABLE", False, True)]


@pytest.mark.parametrize("algorithm", ["ED25519", "ED448"])
def test_a_token_that_knows_curves_by_name(shim: Soft, faults: Faults, algorithm: str) -> None:
    faults("names")
    assert loaded(shim, algorithm).path == CREATED
    assert len(objects(shim)) == 2


LACKING = {
    "hide=1057": ("ED25519", r"lacks ED25519 \(it does not list CKM_EDDSA\)"),
    "hide=1041": ("ECDSAP256SHA256", r"lacks ECDSAP256SHA256 .*CKM_ECDSA or CKM_ECDSA_SHA256"),
    "most-rsa=1024": ("RSASHA256", "RSA keys of 512 to 1024 bits, and this one has 2048"),
}


@pytest.mark.parametrize("fault", LACKING)
def test_what_the_token_lacks_is_said(shim: Soft, faults: Faults, fault: str) -> None:
    algorithm, words = LACKING[fault]
    faults(fault)
    with pytest.raises(RefusedError, match=words):
        loaded(shim, algorithm)
    assert objects(shim) == ()


def test_rsa_without_a_hash_in_the_token(shim: Soft, faults: Faults) -> None:
    """The hash and its prefix are made here where the token has only CKM_RSA_PKCS."""
    faults("hide=40", "hide=42")
    for algorithm in ("RSASHA256", "RSASHA512"):
        placing = Placing(label=algorithm, id=algorithm.encode())
        assert loaded(shim, algorithm, placing, NUMBERS[algorithm]).path == CREATED


def test_ml_dsa_stays_on_paper(soft: Soft) -> None:
    one = generate("ML-DSA-44", None, seeded(3))
    with soft.open() as token, pytest.raises(RefusedError, match="stays on paper"):
        load(token, one, PLACING, seeded(1))
    assert objects(soft) == ()


def test_without_the_right_to_write(soft: Soft) -> None:
    with soft.open(writable=False) as token, pytest.raises(RefusedError, match="CKR_SESSION_READ_ONLY"):
        load(token, key("ED25519"), PLACING, seeded(1))
    with soft.open(login=False) as token, pytest.raises(RefusedError, match="CKR_USER_NOT_LOGGED_IN"):
        load(token, key("ED25519"), PLACING, seeded(1))
    assert objects(soft) == ()


@pytest.mark.parametrize(("label", "id_"), [("", b"1"), ("a" * 65, b"1"), ("a\nb", b"1"), ("a", b""), ("a", b"1" * 65)])
def test_labels_and_ids_that_are_none(label: str, id_: bytes) -> None:
    with pytest.raises(UsageError):
        Placing(label=label, id=id_)


def placings() -> Iterator[tuple[str, dict[str, object], Placing]]:
    tag = key("ED25519").dnskey().tag  # type: ignore[union-attr]
    two = tag.to_bytes(2, "big")
    yield "pkcs11:token=t", {}, Placing(label=f"ksk-{tag}", id=two)
    yield "pkcs11:token=t", {"zone": "example"}, Placing(label=f"example-ksk-{tag}", id=two)
    yield "pkcs11:object=o;id=%01", {"zone": "example"}, Placing(label="o", id=b"\x01")
    yield "pkcs11:object=o", {"label": "o", "id_": b"\x02"}, Placing(label="o", id=b"\x02")
    yield "pkcs11:", {"label": "l", "extractable": True}, Placing(label="l", id=two, extractable=True)


@pytest.mark.parametrize("number", range(5))
def test_where_a_key_is_to_stand(number: int) -> None:
    text, said, expected = list(placings())[number]
    assert placing_of(key("ED25519"), read_uri(text), **said) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "said"), [("object=o", {"label": "p"}), ("id=%01", {"id_": b"\x02"})])
def test_a_key_cannot_stand_in_two_places(text: str, said: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="the URI names another"):
        placing_of(key("ED25519"), read_uri(f"pkcs11:{text}"), **said)  # type: ignore[arg-type]


def test_no_error_shows_a_private_key(shim: Soft, faults: Faults) -> None:
    secret = key("ED25519").private_key().private_bytes_raw()  # type: ignore[union-attr]
    faults("bad-private", "no-key-unwrap")
    with pytest.raises(KeyquorumError) as caught:
        loaded(shim, "ED25519")
    assert caught.value.__cause__ is None
    assert secret.hex() not in repr(caught.value) + str(caught.value)
