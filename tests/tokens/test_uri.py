"""PKCS#11 URIs: the RFC's examples, what is refused, and that nothing of a PIN is ever repeated."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.errors import KeyquorumError, LimitError, MalformedError, RefusedError
from keyquorum.tokens.uri import LENGTH_LIMIT, TYPES, TokenUri, read_uri

# RFC 7512 section 3, but for those with a PIN in them, whose pin-source is no file, or with attributes of vendors.
EXAMPLES = {
    "pkcs11:": TokenUri(),
    "pkcs11:object=my-pubkey;type=public": TokenUri(object="my-pubkey", type="public"),
    "pkcs11:object=my-key;type=private?pin-source=file:/etc/token": TokenUri(
        object="my-key", type="private", pin_source="/etc/token"
    ),
    "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;"
    "object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin": TokenUri(
        token="The Software PKCS#11 Softtoken",
        manufacturer="Snake Oil, Inc.",
        model="1.0",
        object="my-certificate",
        type="cert",
        id=bytes.fromhex("69953e5cf4bdec91"),
        serial="",
        pin_source="/etc/token_pin",
    ),
    "pkcs11:object=my-sign-key;type=private?module-name=mypkcs11": TokenUri(
        object="my-sign-key", type="private", module_name="mypkcs11"
    ),
    "pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1": TokenUri(
        object="my-sign-key", type="private", module_path="/mnt/libmypkcs11.so.1"
    ),
    "pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.": TokenUri(
        token="Software PKCS#11 softtoken", manufacturer="Snake Oil, Inc."
    ),
    "pkcs11:slot-description=Sun%20Metaslot": TokenUri(slot_description="Sun Metaslot"),
    "pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;library-version=1.23":
    TokenUri(
        library_manufacturer="Snake Oil, Inc.", library_description="Soft Token Library", library_version="1.23"
    ),
    "pkcs11:slot-id=327": TokenUri(slot_id=327),
    "pkcs11:token=My%20token%25%20created%20by%20Joe;library-version=3;id=%01%02%03%Ba%dd%Ca%fe%04%05%06": TokenUri(
        token="My token% created by Joe", library_version="3", id=bytes.fromhex("010203baddcafe040506")
    ),
    "pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;object=my-certificate;type=cert": TokenUri(
        token="A name with a substring %;", object="my-certificate", type="cert"
    ),
    "pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1;object=my-certificate;type=cert": TokenUri(
        token="Name with a small A with acute: á", object="my-certificate", type="cert"
    ),
    "pkcs11:token=my-token;object=my-certificate;type=cert;x-vend-aaa=value-a?pin-source=file:/etc/token_pin&"
    "x-vend-bbb=value-b": TokenUri(
        token="my-token",
        object="my-certificate",
        type="cert",
        pin_source="/etc/token_pin",
        vendor=("x-vend-aaa", "x-vend-bbb"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_of_the_standard(text: str) -> None:
    assert read_uri(text) == EXAMPLES[text]


REFUSED = {
    "": (MalformedError, "not a PKCS#11 URI"),
    "http://example.org/": (MalformedError, "not a PKCS#11 URI"),
    "pkcs11": (MalformedError, "not a PKCS#11 URI"),
    "pkcs11:token": (MalformedError, "attribute 1 has no value"),
    "pkcs11:token=a;;object=b": (MalformedError, "attribute 2 has no value"),
    "pkcs11:token=a;": (MalformedError, "attribute 2 has no value"),
    "pkcs11:token=a?": (MalformedError, "attribute 1 has no value"),
    "pkcs11:token=a;token=b": (MalformedError, "twice"),
    "pkcs11:x-a=1;x-a=2": (MalformedError, "twice"),
    "pkcs11:colour=red": (MalformedError, "no such attribute"),
    "pkcs11:module-path=/x.so": (MalformedError, "no such attribute"),
    "pkcs11:?token=a": (MalformedError, "no such attribute"),
    "pkcs11:token=a b": (MalformedError, "percent-encoded"),
    "pkcs11:token=a/b": (MalformedError, "percent-encoded"),
    "pkcs11:token=á": (MalformedError, "percent-encoded"),
    "pkcs11:token=%4": (MalformedError, "percent-encoded"),
    "pkcs11:token=%zz": (MalformedError, "percent-encoded"),
    "pkcs11:token=%ff": (MalformedError, "not UTF-8"),
    "pkcs11:token=a%00b": (MalformedError, "NUL"),
    "pkcs11:type=key": (MalformedError, "types are"),
    "pkcs11:slot-id=": (MalformedError, "number"),
    "pkcs11:slot-id=-1": (MalformedError, "number"),
    "pkcs11:slot-id=18446744073709551616": (MalformedError, "number"),
    "pkcs11:library-version=two": (MalformedError, "version"),
    "pkcs11:?module-path=libx.so": (MalformedError, "absolute path"),
    "pkcs11:?module-name=../x": (MalformedError, "name of a library"),
    "pkcs11:?pin-source=%7C/usr/lib/pinomatic": (RefusedError, "from a file"),
    "pkcs11:?pin-source=|/usr/lib/pinomatic": (RefusedError, "from a file"),
    "pkcs11:?pin-source=/etc/pin": (RefusedError, "from a file"),
    "pkcs11:?pin-source=file:pin": (RefusedError, "from a file"),
    "pkcs11:?pin-source=file://example.org/pin": (RefusedError, "from a file"),
    "pkcs11:token=a?pin-value=1234": (RefusedError, "every process"),
    "pkcs11:token=a;pin-value=1234": (RefusedError, "every process"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    kind, words = REFUSED[text]
    with pytest.raises(kind) as caught:
        read_uri(text)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert "1234" not in str(caught.value)


@pytest.mark.parametrize("source", ["file:/etc/pin", "file:///etc/pin", "file://localhost/etc/pin"])
def test_a_file_with_a_pin_by_each_of_its_names(source: str) -> None:
    assert read_uri(f"pkcs11:?pin-source={source}").pin_source == "/etc/pin"


def test_too_long() -> None:
    with pytest.raises(LimitError):
        read_uri("pkcs11:token=" + "a" * LENGTH_LIMIT)


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
PATHS = TEXTS.map(lambda text: f"/{text.lstrip('/')}")
URIS = st.builds(
    TokenUri,
    **{name: st.none() | TEXTS for name in ("token", "manufacturer", "serial", "model", "slot_description", "object")},
    slot_id=st.none() | st.integers(0, (1 << 64) - 1),
    type=st.none() | st.sampled_from(TYPES),
    id=st.none() | st.binary(max_size=20),
    module_path=st.none() | PATHS,
    pin_source=st.none() | PATHS,
)


@given(URIS)
def test_what_is_written_is_read_again(uri: TokenUri) -> None:
    assert read_uri(uri.text()) == uri


PIECES = st.sampled_from(
    ["token=", "id=%01", "pin-value=", "pin-source=file:", "type=private", ";", "&", "?", "%", "=", "x-a=", "slot-id=9"]
)


@given(st.lists(PIECES | st.text(string.printable, max_size=4), max_size=12))
def test_any_text_is_read_or_refused(pieces: list[str]) -> None:
    text = "pkcs11:" + "".join(pieces)
    try:
        uri = read_uri(text)
    except KeyquorumError:
        return
    assert read_uri(uri.text()) == TokenUri(**{**_fields(uri), "vendor": ()})  # type: ignore[arg-type]


SECRETS = st.text(string.ascii_letters + string.digits, min_size=12, max_size=20)
NAMES = st.sampled_from(["pin-value", "PIN", "pin", "pin-source", "token;pin-value", "?pin-value", "x", ""])


@given(SECRETS, NAMES)
def test_no_error_repeats_a_value(secret: str, name: str) -> None:
    for text in (f"pkcs11:{name}={secret}", f"pkcs11:token=a?{name}={secret}", f"pkcs11:{name}{secret}", secret):
        assert secret not in refusal(text)


def refusal(text: str) -> str:
    """Give the error that ``text`` is refused with; empty if it is not."""
    try:
        read_uri(text)
    except KeyquorumError as error:
        return str(error)
    return ""


def _fields(uri: TokenUri) -> dict[str, object]:
    return {name: getattr(uri, name) for name in uri.__slots__}
