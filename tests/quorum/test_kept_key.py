"""A key that is kept whole signs beside a quorum, in one bundle; what its device or its keeper does wrong is found."""

from dataclasses import replace
from typing import Any

import pytest

from keyquorum.errors import (
    DealingError,
    MalformedError,
    NotEnoughError,
    ParameterError,
    RefusedError,
    ShareError,
    SignatureError,
)
from keyquorum.identity.keys import seal
from keyquorum.quorum.dealing import SHARE_TAG, check_key, dnskey_of, open_share, write_share
from keyquorum.quorum.keeping import keep, kept_by
from keyquorum.quorum.signing import asked_of
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import KEY_RECORD, SEALED_SHARE, KeyRecord, Origin
from keyquorum.threshold.undivided import UndividedPublic
from tests.dnssec.keys import pair
from tests.quorum.keepers import Faulty, custody, kept, public_of
from tests.quorum.lies import Asked as Lied
from tests.quorum.lies import signed_by, taken_apart
from tests.quorum.test_two_keys import signers
from tests.quorum.village import NOW, ZONES, Quorum, answer, ask, combine, dealt, opened, sha256, villager, zone_records
from tests.threshold.cases import seeded


def quorum() -> Quorum:
    """Any 2 of alice, bob, carol."""
    return dealt("existing", 2, 3)


def test_both_sign_every_bundle() -> None:
    hsm = kept()
    matter = zone_records(*ZONES)
    request = ask(matter, hsm, quorum())
    files = [
        answer(request, matter, hsm, 1),
        answer(request, matter, quorum(), 1),
        answer(request, matter, quorum(), 3),
    ]
    outcome = combine(request, files)
    both = {dnskey_of(one.key.record.public) for one in (hsm, quorum())}
    assert signers(outcome) == [both] * len(ZONES)
    assert outcome.good(hsm) == {1}
    assert outcome.good(quorum()) == {1, 3}


@pytest.mark.parametrize("algorithm", [10, 13, 14, 15, 16])
def test_every_algorithm_by_itself(algorithm: int) -> None:
    hsm = kept(algorithm=algorithm)
    matter = zone_records(*ZONES, algorithm=algorithm)
    request = ask(matter, hsm)
    outcome = combine(request, [answer(request, matter, hsm, 1)])
    assert signers(outcome) == [{dnskey_of(hsm.key.record.public)}] * len(ZONES)


def test_a_keeper_who_holds_a_share_too_answers_with_both_in_one_file() -> None:
    hsm = kept("alice")
    matter = zone_records(*ZONES)
    request = ask(matter, hsm, quorum())
    outcome = combine(request, [answer(request, matter, hsm, 1, quorum()), answer(request, matter, quorum(), 2)])
    assert (outcome.good(hsm), outcome.good(quorum())) == ({1}, {1, 2})
    assert kept_by(opened(request), villager("alice").identity) == (hsm.key,)
    assert kept_by(opened(request), villager("bob").identity) == ()


def test_without_the_device_the_answer_lacks_the_key_and_the_keeper_is_told_what_to_give() -> None:
    hsm = kept("alice")
    matter = zone_records(*ZONES)
    both, alone = ask(matter, hsm, quorum()), ask(matter, hsm)
    outcome_needs = "0 good answers for kept, where 1 is needed. Not answered yet: alice"
    with pytest.raises(NotEnoughError, match=outcome_needs):
        combine(both, [answer(both, matter, quorum(), 1), answer(both, matter, quorum(), 2)])
    with pytest.raises(RefusedError, match=r"you keep kept whole.* --token"):
        asked_of(opened(alone), (), villager("alice").identity)
    with pytest.raises(RefusedError, match="holds no share"):
        asked_of(opened(alone), (), villager("bob").identity)


def test_who_keeps_a_key_that_signs_nothing_is_told_so() -> None:
    hsm = kept("alice")
    matter = replace(zone_records(*ZONES), responses=(("normal", "hold"),), roles=("current", "next"))
    request = ask(matter, hsm, quorum())
    assert kept_by(opened(request), villager("alice").identity) == ()
    with pytest.raises(RefusedError, match="asks no signature of kept, which you keep"):
        asked_of(opened(request), (), villager("alice").identity)
    outcome = combine(request, [answer(request, matter, quorum(), index, hsm) for index in (1, 2)])
    assert signers(outcome) == [{dnskey_of(quorum().key.record.public)}] * len(ZONES)
    assert outcome.good(hsm) == set()


def test_a_device_that_signs_wrongly_is_named_and_nothing_leaves() -> None:
    matter = zone_records(*ZONES)
    hsm = kept(device=Faulty(pair(8), [2]))
    with pytest.raises(SignatureError, match="message 3 is not a signature with this key") as caught:
        answer(ask(matter, hsm), matter, hsm, 1)
    assert caught.value.culprits == (1,)
    assert caught.value.where == "device of the keeper"


@pytest.mark.parametrize("byte", [0, 100, -1])
def test_a_value_that_was_tampered_with_names_the_keeper(byte: int) -> None:
    hsm = kept()
    matter = zone_records(*ZONES)
    request = ask(matter, hsm, quorum())
    honest = answer(request, matter, hsm, 1)
    others = [answer(request, matter, quorum(), index) for index in (1, 2)]
    signed, values = taken_apart(honest)
    changed = bytearray(values[1])
    changed[byte] ^= 1
    body = b"".join([values[0], bytes(changed), values[2]])
    # On the way: the file is not what was signed.
    with pytest.raises(NotEnoughError, match="wrong: hilda"):
        combine(request, [honest[: -len(body)] + body, *others])
    # By the keeper: signed as it is.
    told = replace(signed.record.answers[0], sha256=sha256(body))
    lie = signed_by(Lied(hsm, matter, request, {1: honest}), 1, replace(signed.record, answers=(told,)), body)
    with pytest.raises(NotEnoughError, match="wrong: hilda") as caught:
        combine(request, [lie, *others])
    assert caught.value.culprits == (1,)
    # A second answer, and a right one, mends it; the first is told of.
    outcome = combine(request, [lie, honest, *others])
    assert outcome.good(hsm) == outcome.liars(hsm) == {1}


def test_a_device_with_another_key_makes_no_record() -> None:
    who = villager("hilda")
    with pytest.raises(SignatureError, match="another key"):
        keep(who.identity, custody("hilda"), public_of(pair(8)), pair(8, number=1), NOW, seeded("keep"))
    weak = pair(8, number=2, bits=1024)
    with pytest.raises(ParameterError, match="1024 bits"):
        keep(who.identity, custody("hilda"), public_of(weak), weak, NOW, seeded("keep"))
    signed, _ = keep(who.identity, custody("hilda"), public_of(pair(15)), pair(15), NOW, seeded("keep"))
    assert signed.record.label == f"kept-{pair(15).key.tag}"
    assert signed.record.origin.how == "kept"


def altered(quorum_: Quorum, signer: str, **changes: Any) -> Signed[KeyRecord]:
    """Sign another record of the same key."""
    return KEY_RECORD.sign(replace(quorum_.key.record, **changes), villager(signer).identity)


def test_a_record_says_of_a_key_only_what_it_is() -> None:
    with pytest.raises(DealingError, match="kept whole that it was shared out"):
        check_key(altered(kept(), "hilda", origin=Origin()))
    one = dealt("existing", 1, 1, holders=("rita",))
    with pytest.raises(DealingError, match="kept whole that it was shared out"):
        check_key(altered(one, "rita", origin=Origin(how="kept")))
    check_key(kept().key)
    wrongs: tuple[dict[str, Any], ...] = (
        {"holders": (villager("bob").card,)},
        {"dealer": villager("rita").card, "signer": villager("rita").identity.verification_key},
    )
    for wrong in wrongs:
        with pytest.raises(MalformedError, match="not who made the record"):
            replace(kept().key.record, **wrong)
    with pytest.raises(MalformedError, match="names what it has not"):
        Origin(how="kept", transcript=bytes(32))


def test_a_weak_key_in_a_record_is_refused_by_everybody() -> None:
    weak = UndividedPublic(8, pair(8, number=2, bits=1024).key.public_key)
    with pytest.raises(ParameterError, match="1024 bits"):
        check_key(altered(kept(), "hilda", public=weak))


def test_nobody_accepts_a_share_of_it() -> None:
    part, alice, signed = quorum().dealing.shares[0].record, villager("alice"), kept("alice").key
    plain = write_share(quorum().shares[0])
    share = seal(alice.identity.sealing_public_key, plain, SHARE_TAG + signed.id + (1).to_bytes(2, "big"))
    sealed = SEALED_SHARE.sign(replace(part, signer=signed.record.signer, key=signed, sealed=share), alice.identity)
    with pytest.raises(ShareError, match="nothing that signs"):
        open_share(sealed, alice.identity)
