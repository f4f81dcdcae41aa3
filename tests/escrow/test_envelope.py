"""The envelope: stock openssl opens ours and we open openssl's; nothing else is read, and nothing changed is opened."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import KeyquorumError, LimitError, MalformedError, ParameterError, RefusedError
from keyquorum.escrow import envelope as envelope_module
from keyquorum.escrow.envelope import LIMIT, RECIPIENT_LENGTHS, open_envelope, read_envelope, seal_key
from tests.escrow.keys import KEK, KINDS, key, openssl, openssl_version
from tests.maths.streams import stream

PLAINTEXT = bytes(range(48))
SEALED = seal_key(PLAINTEXT, KEK, stream("envelope"))
ENVELOPE = read_envelope(SEALED)
ID_AT = SEALED.index(ENVELOPE.recipient)
OTHER_KEK = bytes(32)
# What format version 1 is, to be read for ever: made once by this module with KEK and stream("golden").
GOLDEN = (
    "3081d9060b2a864886f70d0109100117a081c93081c60201003150a24e020104301204105adf8d49fc89bd28cc95a235a0c3"
    "9009300b060960864801650304012d0428edb36bf864ec398a7c330200484b2bfce6942fd032923826d925a0c269bf2e5b0b"
    "29d911bbbe495f305d06092a864886f70d010701301e060960864801650304012e3011040ce6d2339f7d61bba96a254c1202"
    "011080301494453eee70c1aa8df64e61116e15f78113986f3a707905d5ea81dde1d3cfc48998282aa84e2f1f781e86a17e9f"
    "bc8a04102cb9f5570275d2ec7ab23f7081457e4f"
)


def decrypt(directory: Path, der: bytes, kek: bytes, recipient: bytes, status: int = 0) -> bytes | None:
    """Have openssl decrypt as the printed instructions say; gives what it left in the file, None if there is none."""
    (directory / "key.cms").write_bytes(der)
    (directory / "F").unlink(missing_ok=True)
    command = f"cms -decrypt -inform DER -in key.cms -secretkey {kek.hex()} -secretkeyid {recipient.hex()} -out F"
    openssl(directory, command.split(), status)
    return (directory / "F").read_bytes() if (directory / "F").exists() else None


@pytest.mark.parametrize(("algorithm", "bits"), KINDS)
def test_openssl_opens_ours(tmp_path: Path, algorithm: str, bits: int | None) -> None:
    pkcs8 = key(algorithm, bits).pkcs8.reveal()
    sealed = seal_key(pkcs8, KEK, stream(algorithm))
    envelope = read_envelope(sealed)
    assert len(sealed) % 5 == 0
    assert decrypt(tmp_path, sealed, KEK, envelope.recipient) == pkcs8
    assert open_envelope(sealed, KEK).reveal() == pkcs8


def test_openssl_shows_the_structure(tmp_path: Path) -> None:
    (tmp_path / "key.cms").write_bytes(SEALED)
    shown = openssl(tmp_path, "cms -cmsout -print -noout -inform DER -in key.cms".split()).decode()
    for part in (
        "contentType: id-smime-ct-authEnvelopedData (1.2.840.113549.1.9.16.1.23)", "originatorInfo: <ABSENT>",
        "d.kekri", "version: 4", "date: <ABSENT>", "other: <ABSENT>", "id-aes256-wrap (2.16.840.1.101.3.4.1.45)",
        "parameter: <ABSENT>", "contentType: pkcs7-data", "aes-256-gcm (2.16.840.1.101.3.4.1.46)",
        "authAttrs:\n      <ABSENT>", "unauthAttrs:\n      <ABSENT>",
    ):  # fmt: skip
        assert part in shown


@pytest.mark.parametrize("length", RECIPIENT_LENGTHS)
def test_we_open_openssls(tmp_path: Path, length: int) -> None:
    recipient = bytes(range(200, 200 + length))
    (tmp_path / "plain").write_bytes(PLAINTEXT)
    command = f"cms -encrypt -binary -outform DER -in plain -aes-256-gcm -secretkey {KEK.hex()}"
    openssl(tmp_path, [*command.split(), "-secretkeyid", recipient.hex(), "-out", "key.cms"])
    theirs = (tmp_path / "key.cms").read_bytes()
    assert read_envelope(theirs).recipient == recipient
    assert open_envelope(theirs, KEK).reveal() == PLAINTEXT


@pytest.mark.parametrize("changed", ["ciphertext", "tag"])
def test_openssl_leaves_plaintext_of_a_changed_file(tmp_path: Path, changed: str) -> None:
    """The trap that the printed instructions warn of: openssl fails and the unauthenticated plaintext is there."""
    field = getattr(ENVELOPE, changed)
    spoilt = SEALED.replace(field, bytes([field[0] ^ 1]) + field[1:])
    left = decrypt(tmp_path, spoilt, KEK, ENVELOPE.recipient, status=4)
    if openssl_version(tmp_path) == (3, 0):
        assert left == (bytes([PLAINTEXT[0] ^ 1]) + PLAINTEXT[1:] if changed == "ciphertext" else PLAINTEXT)
    with pytest.raises(RefusedError, match="encrypted private key was changed"):
        open_envelope(spoilt, KEK)


def test_openssl_refuses_the_wrong_key(tmp_path: Path) -> None:
    assert not decrypt(tmp_path, SEALED, OTHER_KEK, ENVELOPE.recipient, status=4)
    assert not decrypt(tmp_path, SEALED, KEK, bytes(16), status=4)


def test_the_first_format_is_read_for_ever() -> None:
    golden = bytes.fromhex(GOLDEN)
    assert seal_key(PLAINTEXT, KEK, stream("golden")) == golden
    assert open_envelope(golden, KEK).reveal() == PLAINTEXT
    assert read_envelope(golden).sha256.hex() == "f8a71e0ac4c6bc1c57c282161b5d7f681caa16cd13ea39cea760f6acc13716af"


def test_everything_random_is_drawn_and_used_once() -> None:
    drawn: list[bytes] = []
    source = stream("noted")

    def noting(length: int) -> bytes:
        drawn.append(source(length))
        return drawn[-1]

    envelope = read_envelope(seal_key(PLAINTEXT, KEK, noting))
    assert [len(one) for one in drawn] == [32, 12, 20]
    assert envelope.nonce == drawn[1]
    assert drawn[2].startswith(envelope.recipient)
    assert drawn[0] not in envelope.encode()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3072).filter(lambda length: not 102 <= length <= 104), st.integers())
def test_every_length_of_key(length: int, seed: int) -> None:
    plaintext = stream(seed)(length)
    sealed = seal_key(plaintext, KEK, stream(seed))
    assert len(sealed) % 5 == 0
    assert len(sealed) <= LIMIT
    assert len(read_envelope(sealed).recipient) in RECIPIENT_LENGTHS
    assert open_envelope(sealed, KEK).reveal() == plaintext


@pytest.mark.parametrize("length", [0, 102, 103, 104, 3073])
def test_lengths_no_key_has(length: int) -> None:
    with pytest.raises(ParameterError, match=f"{length} bytes"):
        seal_key(bytes(length), KEK, stream("length"))


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_key_encryption_keys_of_other_lengths(length: int) -> None:
    for use in (lambda kek: seal_key(PLAINTEXT, kek, stream("kek")), lambda kek: open_envelope(SEALED, kek)):
        with pytest.raises(ParameterError, match="has 32 bytes"):
            use(bytes(length))


def test_an_envelope_that_does_not_open_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope_module, "aes_key_wrap", lambda kek, _: aes_key_wrap(kek, bytes(32)))
    with pytest.raises(RefusedError):
        seal_key(PLAINTEXT, KEK, stream("broken"))


def test_an_envelope_of_something_else_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = envelope_module.open_envelope(SEALED, KEK)
    monkeypatch.setattr(envelope_module, "open_envelope", lambda *_: opened)
    with pytest.raises(RefusedError, match="does not open to the key"):
        seal_key(PLAINTEXT[::-1], KEK, stream("broken"))


def changes(der: bytes) -> list[tuple[int, bytes]]:
    """Give ``der`` with each bit changed, and where."""
    return [
        (place, der[:place] + bytes([der[place] ^ 1 << bit]) + der[place + 1 :])
        for place in range(len(der))
        for bit in range(8)
    ]


def test_a_changed_bit_anywhere() -> None:
    """Only the recipient is not protected by the format: there another name is read, and openssl sees that as well."""
    for place, spoilt in changes(SEALED):
        if ID_AT <= place < ID_AT + len(ENVELOPE.recipient):
            assert read_envelope(spoilt).recipient != ENVELOPE.recipient
            assert read_envelope(spoilt).sha256 != ENVELOPE.sha256
        else:
            with pytest.raises(KeyquorumError):
                open_envelope(spoilt, KEK)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("wrapped_key", "key-encryption key does not open"),
        ("nonce", "encrypted private key was changed"),
        ("ciphertext", "encrypted private key was changed"),
        ("tag", "encrypted private key was changed"),
    ],
)
def test_what_was_changed_is_said(field: str, said: str) -> None:
    value = getattr(ENVELOPE, field)
    for changed in (bytes([value[0] ^ 1]) + value[1:], value[:-1] + bytes([value[-1] ^ 0x80])):
        with pytest.raises(RefusedError, match=said):
            open_envelope(SEALED.replace(value, changed), KEK)


def test_the_wrong_key_is_said() -> None:
    with pytest.raises(RefusedError, match="key-encryption key does not open"):
        open_envelope(SEALED, OTHER_KEK)


def test_a_wrapped_key_from_another_envelope() -> None:
    other = read_envelope(seal_key(PLAINTEXT, KEK, stream("other")))
    with pytest.raises(RefusedError, match="encrypted private key was changed"):
        open_envelope(SEALED.replace(ENVELOPE.wrapped_key, other.wrapped_key), KEK)


def test_every_truncation_is_refused() -> None:
    for length in range(len(SEALED)):
        with pytest.raises(MalformedError):
            read_envelope(SEALED[:length])


@pytest.mark.parametrize("more", [b"\0", b"\n", SEALED])
def test_bytes_after_the_end_are_refused(more: bytes) -> None:
    with pytest.raises(MalformedError):
        read_envelope(SEALED + more)


def test_the_limit_comes_first() -> None:
    with pytest.raises(LimitError, match="4097 bytes"):
        read_envelope(SEALED + bytes(LIMIT + 1 - len(SEALED)))


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_only_what_we_would_have_written_is_read(draw: st.DataObject) -> None:
    der = bytearray(SEALED)
    for _ in range(draw.draw(st.integers(1, 4))):
        start = draw.draw(st.integers(0, len(der)))
        end = draw.draw(st.integers(start, min(len(der), start + 4)))
        der[start:end] = draw.draw(
            st.binary(max_size=4) | st.sampled_from([SEALED[:12], SEALED[16:30], b"\x80", b"\x30"])
        )
    try:
        envelope = read_envelope(bytes(der))
    except MalformedError as error:
        said = str(error)
    else:
        assert envelope.encode() == der
        return
    assert said.startswith("key.cms: ")
    assert said.isprintable()
