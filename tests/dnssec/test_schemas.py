"""The schemas there are: what each publishes, signs and revokes in nine bundles; what these signatures are worth."""

from dataclasses import replace

import pytest

from keyquorum.dnssec.model import CDS, Bundle, PublishedKey, ZoneRequest
from keyquorum.dnssec.schema import SCHEMAS, Act, PlannedBundle, Schema, messages_of, plan, signed
from keyquorum.dnssec.verify import verify_signature, verify_with_dnspython
from keyquorum.errors import RefusedError
from tests.dnssec.keys import Pair, pair
from tests.dnssec.ksr_vectors import good_request

OLD, NEW = pair(8), pair(8, number=1)
EC, EC_NEW = pair(13), pair(13, number=1)
CURRENT, NEXT = PublishedKey(OLD.key, 60, "current"), PublishedKey(NEW.key, 60, "next")
NINE = good_request(bundles=9)

# A letter a bundle: what the current KSK does, then what the next one does. The first four and hold are those of the
# root's software of today (config/ksrsigner.yaml of iana-org/dnssec-keytools: normal, pre-publish, rollover, revoke,
# publish+ and rollover+).
TABLE = {
    "normal": ("SSSSSSSSS", ""),
    "pre-publish": ("SSSSSSSSS", "-PPPPPPPP"),
    "rollover": ("SPPPPPPPP", "PSSSSSSSS"),
    "revoke": ("PRRRRRRR-", "SSSSSSSSS"),
    "publish-only": ("SSSSSSSSS", "PPPPPPPPP"),
    "hold": ("PPPPPPPPP", "SSSSSSSSS"),
    "revoke-only": ("RRRRRRRRR", "SSSSSSSSS"),
    "back-out": ("SSSSSSSSS", "---------"),
    "join": ("SSSSSSSSS", "-SSSSSSSS"),
    "double-sign": ("SSSSSSSSS", "SSSSSSSSS"),
    "leave": ("S--------", "SSSSSSSSS"),
    "leave-revoked": ("SRRRRRRR-", "SSSSSSSSS"),
}


def of(name: str, *ksks: PublishedKey, request: ZoneRequest = NINE, **more: object) -> list[PlannedBundle]:
    return list(plan(SCHEMAS[name], request, ksks, 300, **more))  # type: ignore[arg-type]


def letter(bundle: PlannedBundle, ksk: PublishedKey) -> str:
    keys = {one.key for one in bundle.keys}
    plain, revoked = ksk.key in keys, ksk.key.revoked() in keys
    assert not (plain and revoked)
    if revoked:
        assert bundle.signer(ksk.key) == ksk.key.revoked()
        return "R"
    if plain:
        return "S" if bundle.signer(ksk.key) == ksk.key else "P"
    assert bundle.signer(ksk.key) is None
    return "-"


def test_every_schema_is_in_the_table() -> None:
    assert set(TABLE) == set(SCHEMAS)


@pytest.mark.parametrize("name", TABLE)
def test_what_each_does(name: str) -> None:
    ksks = [CURRENT, NEXT][: len(SCHEMAS[name].roles)]
    bundles = of(name, *ksks)
    found = ["".join(letter(bundle, ksk) for bundle in bundles) for ksk in ksks]
    assert found == [row for row in TABLE[name] if row]


def answer(name: str, *pairs: Pair, **more: object) -> list[Bundle]:
    ksks = [PublishedKey(one.key, 60, f"ksk {place}") for place, one in enumerate(pairs)]
    answers = []
    for bundle in of(name, *ksks, **more):  # type: ignore[arg-type]
        signers = {bundle.signer(one.key): one for one in pairs} if pairs else {}
        values = {
            signer: [one.sign(message) for message in messages_of(NINE.zone, bundle, signer)]
            for signer, one in signers.items()
            if signer is not None
        }
        answers.append(signed(NINE.zone, bundle, values))
    return answers


@pytest.mark.parametrize(("name", "pairs"), [("revoke", (OLD, NEW)), ("leave-revoked", (OLD, EC))])
def test_a_revoked_key_and_the_other_sign_and_two_libraries_agree(name: str, pairs: tuple[Pair, Pair]) -> None:
    answers = answer(name, *pairs)
    old, new = (one.key for one in pairs)
    for bundle in answers[1:8]:
        keys = [one.key for one in bundle.keys]
        assert old.revoked() in keys
        assert old not in keys
        assert old.revoked().flags == 385
        # RFC 5011 section 2.1 and appendix B of RFC 4034: the flag is summed into the tag.
        assert old.revoked().tag != old.tag
        assert [one.key_tag for one in bundle.signatures] == [old.revoked().tag, new.tag]
        for signature, key in zip(bundle.signatures, (old.revoked(), new), strict=True):
            verify_signature(NINE.zone, keys, signature, key)
            verify_with_dnspython(NINE.zone, keys, signature, key)
    assert old.revoked() not in {one.key for bundle in (answers[0], answers[8]) for one in bundle.keys}
    assert [one.key_tag for one in answers[8].signatures] == [new.tag]


def test_several_ksks_in_one_role() -> None:
    """One KSK for each algorithm, each algorithm rolled at the same time."""
    ksks = [PublishedKey(one.key, 60) for one in (OLD, EC, NEW, EC_NEW)]
    bundles = of("rollover", *ksks, roles=("current", "current", "next", "next"))
    assert bundles[0].signers == (OLD.key, EC.key)
    assert bundles[1].signers == (NEW.key, EC_NEW.key)
    assert {one.key for one in bundles[1].keys} >= {one.key for one in (OLD, EC, NEW, EC_NEW)}
    swapped = of("rollover", ksks[2], ksks[0], roles=("next", "current"))
    assert [bundle.signers for bundle in swapped] == [bundle.signers for bundle in of("rollover", ksks[0], ksks[2])]


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        (("current", "other"), "not for KSKs as current and other"),
        (("current", "current"), "not for KSKs as current and current"),
        (("current",), "not for KSKs as current"),
        (("current", "next", "next"), "not for KSKs as current and next and next"),
        ((), "not for KSKs as "),
    ],
)
def test_roles_that_do_not_fit(roles: tuple[str, ...], told: str) -> None:
    with pytest.raises(RefusedError, match=f"the schema rollover is for KSKs as current and next, {told}"):
        of("rollover", CURRENT, NEXT, roles=roles)


def test_the_only_role_is_everybodys() -> None:
    three = [CURRENT, NEXT, PublishedKey(EC.key, 60)]
    assert of("normal", *three)[0].signers == tuple(one.key for one in three)
    assert of("normal", *three) == of("normal", *three, roles=("current",) * 3)
    with pytest.raises(RefusedError, match="the schema normal is for KSKs as current, not for 0 KSKs"):
        of("normal")
    with pytest.raises(RefusedError, match=r"not for 1 KSK\."):
        of("double-sign", CURRENT)


def test_a_schema_is_not_taken_in_part() -> None:
    for name in SCHEMAS:
        steps = len(SCHEMAS[name].bundles)
        ksks = [CURRENT, NEXT][: len(SCHEMAS[name].roles)]
        assert len(of(name, *ksks, request=replace(NINE, bundles=NINE.bundles[:steps]))) == steps
        if steps > 1:
            with pytest.raises(RefusedError, match=f"takes {steps} bundles, and the request has {steps - 1}"):
                of(name, *ksks, request=replace(NINE, bundles=NINE.bundles[: steps - 1]))


def test_a_revoked_key_cannot_be_given() -> None:
    with pytest.raises(RefusedError, match="as revoked"):
        of("normal", replace(CURRENT, key=OLD.key.revoked()))
    with pytest.raises(RefusedError, match="the same KSK is given twice"):
        of("rollover", CURRENT, replace(CURRENT, key=OLD.key.revoked()))


@pytest.mark.parametrize("listed", [OLD.key, OLD.key.revoked()], ids=["plain", "revoked"])
@pytest.mark.parametrize("name", ["revoke", "leave", "leave-revoked", "normal"])
def test_our_key_in_the_request_stands_as_the_schema_says(name: str, listed: object) -> None:
    """A zone file has the KSK in its DNSKEY RRset; revoked or gone, it must not stand there in its old form too."""
    bundles = tuple(
        replace(one, keys=(PublishedKey(listed, 172800, "theirs"), *one.keys))  # type: ignore[arg-type]
        for one in NINE.bundles
    )
    ksks = [CURRENT, NEXT][: len(SCHEMAS[name].roles)]
    carrying = of(name, *ksks, request=replace(NINE, bundles=bundles))
    assert carrying == of(name, *ksks)
    assert "".join(letter(bundle, CURRENT) for bundle in carrying) == TABLE[name][0]


def test_zone_keys_follow_the_algorithms_that_sign() -> None:
    """The request has RSA and ECDSA zone keys throughout; each stands only where a KSK of its algorithm signs."""
    ec = PublishedKey(EC.key, 60)
    for name, row in (("join", "1BBBBBBBB"), ("leave-revoked", "BBBBBBBB2"), ("back-out", "111111111")):
        kinds = {(8,): "1", (13,): "2", (8, 13): "B"}
        found = [
            kinds[tuple(sorted({one.key.algorithm for one in bundle.keys if not one.key.is_sep}))]
            for bundle in of(name, CURRENT, ec)
        ]
        assert "".join(found) == row
    follow = {name for name, schema in SCHEMAS.items() if schema.zone_keys_follow}
    assert follow == {"back-out", "join", "double-sign", "leave", "leave-revoked"}
    assert {one.key.algorithm for one in of("double-sign", CURRENT, NEXT)[4].keys} == {8}
    assert not Schema("one's own", "", ("current",), ((Act.SIGN,),)).zone_keys_follow
    # Elsewhere they stay, and it is for policy to say that nothing signs with their algorithm.
    assert {one.key.algorithm for one in of("normal", CURRENT)[0].keys} == {8, 13}


def test_nothing_is_said_to_the_parent_of_a_revoked_key() -> None:
    for bundle in of("revoke", CURRENT, NEXT, parent_records=("CDS SHA-256",)):
        (rrset,) = bundle.for_parent
        assert rrset.kind == CDS
        assert {int.from_bytes(rdata[:2], "big") for rdata in rrset.rdatas} == {NEXT.key.tag}
