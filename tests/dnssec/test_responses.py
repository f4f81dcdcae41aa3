"""Several responses to one request: their names, what is signed for them and in which order, which one a file is."""

import pytest

from keyquorum.dnssec.model import Dnskey, PublishedKey
from keyquorum.dnssec.responses import (
    MOST_RESPONSES,
    Derivation,
    NamedSchema,
    derive,
    file_name,
)
from keyquorum.dnssec.schema import messages_of
from keyquorum.dnssec.verify import verify_signature
from keyquorum.errors import MalformedError, RefusedError
from tests.dnssec.keys import Pair, pair
from tests.dnssec.ksr_vectors import good_request

OLD, NEW = pair(8), pair(8, number=1)
KSKS = [PublishedKey(OLD.key, 60, "current"), PublishedKey(NEW.key, 60, "next")]
NINE = good_request(bundles=9)
ROLL = [NamedSchema("normal", "rollover"), NamedSchema("back-out", "publish-only")]


def derived(*wanted: NamedSchema, **more: object) -> Derivation:
    return derive(wanted or ROLL, NINE, KSKS, 300, **more)  # type: ignore[arg-type]


def values(derivation: Derivation, *pairs: Pair) -> list[list[bytes]]:
    return [[one.sign(message) for message in asked] for one, asked in zip(pairs, derivation.messages, strict=True)]


def test_what_two_responses_have_in_common_is_signed_once() -> None:
    both = derived()
    # Rollover: the old KSK signs the first bundle, the new one the others. Backing out: the old one signs all nine, of
    # which the first is the same.
    assert [len(asked) for asked in both.messages] == [9, 8]
    alone = [derived(one) for one in ROLL]
    assert both.messages[0] == alone[0].messages[0] + alone[1].messages[0][1:]
    assert both.messages[1] == alone[0].messages[1]
    assert [response.name for response in both.responses] == ["normal", "back-out"]
    assert [response.bundles for response in both.responses] == [one.responses[0].bundles for one in alone]


def test_the_order_is_response_bundle_rrset() -> None:
    both = derived(parent_records=("CDNSKEY", "CDS SHA-256"))
    expected: dict[Dnskey, list[bytes]] = {key: [] for key in both.ksks}
    for response in both.responses:
        for bundle in response.bundles:
            for key in both.ksks:
                for one in messages_of(NINE.zone, bundle, key) if key in bundle.signers else ():
                    if one not in expected[key]:
                        expected[key].append(one)
    assert [list(asked) for asked in both.messages] == list(expected.values())
    assert len(both.messages[0]) == 3 * 9


def test_answers() -> None:
    wanted = [NamedSchema("revocation", "revoke"), NamedSchema("back-out", "hold")]
    both = derived(*wanted)
    answers = both.answers(values(both, OLD, NEW))
    assert [name for name, _ in answers] == ["revocation", "back-out"]
    for (name, bundles), response in zip(answers, both.responses, strict=True):
        assert response.name == name
        for bundle, planned in zip(bundles, response.bundles, strict=True):
            keys = [one.key for one in bundle.keys]
            for signature, signer in zip(bundle.signatures, planned.signers, strict=True):
                verify_signature(NINE.zone, keys, signature, signer)
    assert answers[0][1][1].signatures[0].key_tag == OLD.key.revoked().tag
    assert answers == both.answers(values(both, OLD, NEW))


def test_answers_need_a_signature_for_each_message() -> None:
    both = derived()
    made = values(both, OLD, NEW)
    for wrong in ([made[0], made[1][:-1]], [made[0]], [*made, []], [[*made[0], b"x"], made[1]]):
        with pytest.raises(MalformedError, match="not as many signatures as messages"):
            both.answers(wrong)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ([], f"1 to {MOST_RESPONSES} responses, not for 0"),
        ([NamedSchema(f"r{n}", "normal") for n in range(MOST_RESPONSES + 1)], f"not for {MOST_RESPONSES + 1}"),
        ([NamedSchema("a", "hold"), NamedSchema("a", "rollover")], "two responses have one name: a, a"),
        ([NamedSchema("a", "holf")], "there is no schema 'holf'. There are: normal, "),
        ([NamedSchema("a", "hold"), NamedSchema("b", "hold")], "the responses a and b are the same"),
    ],
)
def test_what_is_refused(wanted: list[NamedSchema], told: str) -> None:
    with pytest.raises(RefusedError) as caught:
        derive(wanted, NINE, KSKS, 300)
    assert told in str(caught.value)


def test_as_many_as_there_may_be() -> None:
    schemas = ("rollover", "hold", "revoke", "publish-only", "back-out", "join", "double-sign", "leave")
    wanted = [NamedSchema(f"{place}-{name}", name) for place, name in enumerate(schemas)]
    assert len(derived(*wanted).responses) == MOST_RESPONSES == 8


def test_names() -> None:
    for good in ("normal", "back-out", "2", "a" * 40, "abcdefghijklmnopqrstuvwxyz-0123456789"):
        assert NamedSchema(good, "normal").name == good
    for bad in ("", "-a", "Back", "back out", "a/b", "..", "a" * 41, "é"):
        with pytest.raises(MalformedError, match="1 to 40 small letters, digits and hyphens"):
            NamedSchema(bad, "normal")


def test_names_of_files() -> None:
    assert file_name("skr.xml", "back-out") == "skr.back-out.xml"
    assert file_name("skr-root-2027.q2.xml", "normal") == "skr-root-2027.q2.normal.xml"
    assert file_name("skr", "normal") == "skr.normal"
    assert file_name(".skr", "normal") == ".skr.normal"
