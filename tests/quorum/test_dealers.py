"""Dishonest dealers of every kind: found by what anybody checks, or by the holder whose share it is."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from keyquorum.errors import DealingError, KeyquorumError, MalformedError, ParameterError, RefusedError, ShareError
from keyquorum.maths.work import HERE
from keyquorum.quorum.dealing import Custody, accept, check_key, deal, open_share
from keyquorum.records.keys import KEY_RECORD, SEALED_SHARE
from keyquorum.threshold.rsa import RsaPublic, RsaShare
from keyquorum.threshold.rsa_key import verification_base
from keyquorum.threshold.seam import Plan
from tests.quorum.dealers import Dealt, hand_out, moved, public_of
from tests.quorum.village import NOW, Quorum, dealt, resigned, undivided, villager
from tests.threshold.cases import seeded

each_kind = pytest.mark.parametrize("kind", ["new", "existing"])


def opened_by(made: Dealt, quorum: Quorum, index: int) -> object:
    return open_share(made.shares[index - 1], quorum.holders[index - 1].identity).share


def refused_by_everybody(made: Dealt, quorum: Quorum, error: type[KeyquorumError] = DealingError) -> None:
    with pytest.raises(error):
        check_key(made.key)
    for index in range(1, len(quorum.holders) + 1):
        with pytest.raises(error):
            opened_by(made, quorum, index)


@each_kind
def test_an_honest_dealing(kind: str) -> None:
    quorum = dealt(kind)
    made = moved(quorum, lambda _: 0, published=True)
    assert made.key.id == quorum.key.id
    check_key(made.key)
    assert [opened_by(made, quorum, index) for index in range(1, 6)] == list(quorum.shares)


@each_kind
@pytest.mark.parametrize("victim", [1, 3, 5])
def test_one_wrong_share_is_found_by_its_holder_alone(kind: str, victim: int) -> None:
    quorum = dealt(kind)
    made = moved(quorum, lambda index: int(index == victim), published=False)
    check_key(made.key)
    for index in range(1, 6):
        if index == victim:
            with pytest.raises(ShareError, match="verification value") as caught:
                opened_by(made, quorum, index)
            assert f"holder {victim}" in str(caught.value)
            assert "Do not accept" in caught.value.do
        else:
            opened_by(made, quorum, index)


@each_kind
@pytest.mark.parametrize("victim", [1, 2, 3, 4, 5])
def test_one_wrong_share_with_its_verification_value_is_found_by_anybody(kind: str, victim: int) -> None:
    quorum = dealt(kind)
    refused_by_everybody(moved(quorum, lambda index: int(index == victim), published=True), quorum)


@each_kind
def test_shares_of_too_high_a_degree(kind: str) -> None:
    quorum = dealt(kind)
    refused_by_everybody(moved(quorum, lambda index: index**3, published=True), quorum)


@each_kind
def test_shares_of_another_secret(kind: str) -> None:
    quorum = dealt(kind)
    refused_by_everybody(moved(quorum, lambda _: 1, published=True), quorum)


@each_kind
@pytest.mark.parametrize("by", [lambda _: 1, lambda index: int(index == 2)])
def test_where_all_holders_are_needed_nothing_is_left_to_compare_but_the_key(
    kind: str, by: Callable[[int], int]
) -> None:
    quorum = dealt(kind, 3, 3)
    refused_by_everybody(moved(quorum, by, published=True), quorum)


@each_kind
def test_verification_values_to_a_base_of_the_dealers_choice(kind: str) -> None:
    quorum = dealt(kind)
    public = public_of(quorum)
    values = tuple(pow(4, share.value, public.n) for share in quorum.shares)
    refused_by_everybody(hand_out(quorum, replace(public, verification=values), quorum.shares), quorum)


@each_kind
@pytest.mark.parametrize("value", [1, 0, -1, -2], ids=["one", "zero", "n-1", "n-2"])
@pytest.mark.parametrize("everybody", [False, True])
def test_verification_values_that_no_share_leads_to(kind: str, value: int, everybody: bool) -> None:
    quorum = dealt(kind)
    public = public_of(quorum)
    wrong = value % public.n
    values = (wrong,) * 5 if everybody else (*public.verification[:4], wrong)
    if wrong == 0:
        with pytest.raises((DealingError, MalformedError)):
            check_key(hand_out(quorum, replace(public, verification=values), quorum.shares).key)
        return
    refused_by_everybody(hand_out(quorum, replace(public, verification=values), quorum.shares), quorum)


@each_kind
def test_verification_values_in_another_order(kind: str) -> None:
    quorum = dealt(kind)
    public = public_of(quorum)
    values = (*public.verification[1:], public.verification[0])
    refused_by_everybody(hand_out(quorum, replace(public, verification=values), quorum.shares), quorum)


def test_a_verification_value_that_shares_a_factor_with_n() -> None:
    quorum = dealt("existing")
    public = public_of(quorum)
    values = (undivided().private_numbers().p, *public.verification[1:])
    refused_by_everybody(hand_out(quorum, replace(public, verification=values), quorum.shares), quorum)


def _numbers() -> dict[str, Callable[[RsaPublic], RsaPublic]]:
    return {
        "an even modulus": lambda public: replace(public, n=public.n + 1),
        "another modulus": lambda public: replace(public, n=public.n + 2),
        "a short modulus": lambda public: replace(public, n=public.n >> 1024 | 1),
        "an exponent of one": lambda public: replace(public, e=1),
        "an even exponent": lambda public: replace(public, e=65536),
        "an exponent below the number of holders": lambda public: replace(public, e=3),
        "another exponent": lambda public: replace(public, e=65539),
        "any one can sign": lambda public: replace(public, threshold=1),
        "another threshold": lambda public: replace(public, threshold=2),
        "an algorithm of no scheme's": lambda public: replace(public, algorithm=9),
    }


@pytest.mark.parametrize("change", _numbers().values(), ids=_numbers())
@each_kind
def test_numbers_that_were_not_dealt(kind: str, change: Callable[[RsaPublic], RsaPublic]) -> None:
    quorum = dealt(kind)
    changed = change(public_of(quorum))
    with pytest.raises((DealingError, ParameterError)):
        check_key(hand_out(quorum, changed, quorum.shares).key)


def test_more_needed_than_there_are() -> None:
    quorum = dealt()
    with pytest.raises((DealingError, ParameterError)):
        check_key(hand_out(quorum, replace(public_of(quorum), threshold=6), quorum.shares).key)


def test_a_new_key_said_to_be_an_existing_one_is_checked_as_what_it_says() -> None:
    quorum = dealt()
    made = hand_out(quorum, replace(public_of(quorum), kind="existing"), quorum.shares)
    check_key(made.key)  # the relations hold for either kind
    assert made.key.id != quorum.key.id


def test_a_share_sealed_to_somebody_else() -> None:
    quorum = dealt()
    names = [holder.name for holder in quorum.holders]
    made = hand_out(quorum, public_of(quorum), quorum.shares, recipients=["mallory", *names[1:]])
    with pytest.raises(RefusedError, match="cannot be opened"):
        opened_by(made, quorum, 1)
    opened_by(made, quorum, 2)
    with pytest.raises(RefusedError, match="alice, not for you"):
        open_share(made.shares[0], villager("mallory").identity)


def test_shares_that_were_swapped() -> None:
    quorum = dealt()
    a, b, *rest = quorum.shares
    for shares in ([b, a, *rest], [RsaShare(1, b.value), RsaShare(2, a.value), *rest]):
        made = hand_out(quorum, public_of(quorum), shares)
        for index in (1, 2):
            with pytest.raises(ShareError):
                opened_by(made, quorum, index)


def test_a_share_of_another_dealing_in_the_envelope() -> None:
    quorum, other = dealt(), dealt("existing")
    made = hand_out(quorum, public_of(quorum), other.shares)
    for index in range(1, 6):
        with pytest.raises(ShareError):
            opened_by(made, quorum, index)


def test_a_share_that_was_sealed_for_another_key_record() -> None:
    quorum, other = dealt(), dealt("existing")
    made = hand_out(quorum, public_of(quorum), quorum.shares, sealed_for=other.key.id)
    with pytest.raises(RefusedError, match="cannot be opened"):
        opened_by(made, quorum, 1)


@pytest.mark.parametrize("plain", [b"{}", b"garbage", b'{"scheme":"frost"}', b"\xff" * 100], ids=repr)
def test_an_envelope_with_something_else_in_it(plain: bytes) -> None:
    quorum = dealt()
    made = hand_out(quorum, public_of(quorum), [plain, *quorum.shares[1:]])
    with pytest.raises(MalformedError):
        opened_by(made, quorum, 1)


@pytest.mark.parametrize("value", [0, 1, 1 << 2048])
def test_a_share_of_a_size_that_no_dealer_may_choose(value: int) -> None:
    quorum = dealt()
    made = hand_out(quorum, public_of(quorum), [RsaShare(1, value), *quorum.shares[1:]])
    with pytest.raises((ShareError, MalformedError)) as caught:
        opened_by(made, quorum, 1)
    assert value < 2 or str(value) not in str(caught.value)


def test_no_error_shows_the_share() -> None:
    quorum = dealt()
    made = moved(quorum, lambda index: index, published=False)
    for index, share in enumerate(quorum.shares, 1):
        with pytest.raises(ShareError) as caught:
            opened_by(made, quorum, index)
        text = repr(caught.value) + str(caught.value) + repr(share)
        assert f"{share.value + index:x}"[:12] not in text.lower()
        assert str(share.value + index)[:12] not in text


def _twice(people: list[Any]) -> None:
    people[1] = people[0]


def _edits() -> dict[str, Callable[[Any], object]]:
    return {
        "a holder twice": lambda document: _twice(document["holders"]),
        "a holder too few": lambda document: document["holders"].pop(),
        "a holder too many": lambda document: document["holders"].append(document["dealer"]),
        "a requester twice": lambda document: document["requesters"].append(document["requesters"][0]),
        "no requester": lambda document: document["requesters"].clear(),
        "another dealer": lambda document: document.update(dealer=document["holders"][0]),
        "no zone": lambda document: document["zones"].clear(),
        "a zone twice": lambda document: document["zones"].append(document["zones"][0]),
        "a value too few": lambda document: document["public"]["verification"].pop(),
        "a value too many": lambda document: document["public"]["verification"].append(
            document["public"]["verification"][0]
        ),
        "a field more": lambda document: document.update(v="AQ=="),
    }


@pytest.mark.parametrize("edit", _edits().values(), ids=_edits())
def test_a_key_record_that_names_people_or_values_wrongly_is_no_key_record(edit: Callable[[Any], object]) -> None:
    quorum = dealt()
    made = resigned(quorum.key.envelope, villager("rita").identity, edit)
    with pytest.raises((MalformedError, ParameterError, DealingError)):
        check_key(KEY_RECORD.read(made))


def test_two_holders_of_one_name() -> None:
    quorum = dealt()
    namesake = resigned(
        villager("mallory").card.envelope, villager("mallory").identity, lambda card: card.update(name="alice")
    )
    made = resigned(
        quorum.key.envelope,
        villager("rita").identity,
        lambda document: document["holders"].__setitem__(4, json.loads(namesake)),
    )
    with pytest.raises(MalformedError, match="same name"):
        KEY_RECORD.read(made)


def test_a_share_signed_by_another_than_the_dealer() -> None:
    quorum = dealt()
    stranger = villager("mallory").identity

    def own(document: Any) -> None:
        document["signer"] = urlsafe_b64encode(stranger.verification_key).decode()

    with pytest.raises(MalformedError, match="not signed by the dealer"):
        SEALED_SHARE.read(resigned(quorum.dealing.shares[0].envelope, stranger, own))


def test_a_share_for_an_index_nobody_has() -> None:
    quorum = dealt()
    made = resigned(
        quorum.dealing.shares[0].envelope, villager("rita").identity, lambda document: document.update(index=6)
    )
    with pytest.raises(MalformedError, match="no holder with this index"):
        SEALED_SHARE.read(made)


def test_an_acceptance_names_key_and_index() -> None:
    quorum = dealt()
    signed = accept(quorum.dealing.shares[2], villager("carol").identity, NOW)
    assert (signed.record.key, signed.record.index) == (quorum.key.id, 3)
    assert signed.record.signer == villager("carol").identity.verification_key


def test_a_dealing_to_another_number_of_people_than_shares() -> None:
    rita = villager("rita")
    cards = tuple(villager(name).card for name in ("alice", "bob", "carol"))
    custody = Custody(dealt().key.record.zones, cards, (rita.card,))
    with pytest.raises(ParameterError, match="5 shares for 3 holders"):
        deal(rita.identity, rita.card, custody, Plan(8, 2048, 3, 5), NOW, seeded(), HERE)


def test_v_is_nobodys_choice() -> None:
    public = public_of(dealt())
    assert verification_base(public.n, public.e) == verification_base(public.n, public.e)
    assert verification_base(public.n, public.e) != verification_base(public.n, public.e + 2)
