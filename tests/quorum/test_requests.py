"""Requests that nobody may be asked to look at: who asks, with which key, over which source, for what."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import (
    DealingError,
    KeyquorumError,
    MalformedError,
    NotYetError,
    RefusedError,
    SignatureError,
)
from keyquorum.maths.work import HERE
from keyquorum.quorum.dealing import check_acceptances
from keyquorum.quorum.task import Examination, examine
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import ACCEPTANCE, KEY_RECORD, Acceptance
from tests.quorum.dealers import moved
from tests.quorum.village import (
    JUDGED_AT,
    NOW,
    WINDOW,
    Matter,
    Quorum,
    ask,
    dealt,
    opened,
    resigned,
    root_request,
    villager,
    zone_records,
)

ONE = "one.example."


def split(request: bytes) -> tuple[bytes, bytes]:
    head, _, source = request.partition(b"\n")
    return head, source


def forged(request: bytes, edit: Callable[[Any], object], signer: str = "rita") -> bytes:
    """The request with its header edited at will, and signed again by ``signer``."""
    head, source = split(request)

    def edited(document: Any) -> None:
        document["signer"] = urlsafe_b64encode(villager(signer).identity.verification_key).decode()
        edit(document)

    return resigned(head, villager(signer).identity, edited) + b"\n" + source


def small() -> tuple[Quorum, Matter, bytes]:
    quorum, matter = dealt(), zone_records(ONE)
    return quorum, matter, ask(matter, quorum)


# Who asks


def test_a_stranger_asks() -> None:
    _, _, request = small()
    for signer in ("mallory", "alice"):
        with pytest.raises(RefusedError, match="not signed by anybody who may make requests") as caught:
            opened(forged(request, lambda _: None, signer))
        assert "rita" in caught.value.do
    with pytest.raises(RefusedError, match="not signed by anybody who may"):
        ask(zone_records(ONE), dealt(), requester="mallory")


def test_a_requester_of_one_of_two_keys() -> None:
    first, other = dealt(), dealt("existing")
    record = replace(other.key.record, requesters=(villager("mallory").card,))
    key = KEY_RECORD.sign(record, villager("rita").identity)
    accepted = tuple(accepted_by(holder.name, key.id, index) for index, holder in enumerate(other.holders, 1))
    foreign = replace(other, dealing=replace(other.dealing, key=key), acceptances=accepted)
    with pytest.raises(RefusedError, match="not signed by anybody who may"):
        ask(zone_records(ONE), first, foreign)

    def put_in(document: Any) -> None:
        acceptances = [json.loads(one.envelope) for one in accepted]
        document["keys"].append(
            {"key": json.loads(key.envelope), "role": "current", "acceptances": acceptances, "slots": None}
        )

    with pytest.raises(RefusedError, match="not signed by anybody who may"):
        opened(forged(ask(zone_records(ONE), first), put_in))


def test_a_header_whose_signature_is_another() -> None:
    _, _, request = small()
    head, source = split(request)
    place = head.index(b'"sig":"') + 12
    with pytest.raises(SignatureError, match="does not verify"):
        opened(head[:place] + (b"A" if head[place : place + 1] != b"A" else b"B") + head[place + 1 :] + b"\n" + source)


# The key


def test_a_dealing_that_does_not_check() -> None:
    quorum = dealt()
    bad = moved(quorum, lambda index: int(index == 2), published=True)
    acceptances = [
        ACCEPTANCE.sign(replace(one.record, key=bad.key.id), holder.identity)
        for one, holder in zip(quorum.acceptances, quorum.holders, strict=True)
    ]
    false = replace(quorum, dealing=replace(quorum.dealing, key=bad.key), acceptances=tuple(acceptances))
    with pytest.raises(DealingError):
        ask(zone_records(ONE), false)

    def put_in(document: Any) -> None:
        document["keys"] = [
            {
                "key": json.loads(bad.key.envelope),
                "role": "current",
                "acceptances": [json.loads(one.envelope) for one in acceptances],
                "slots": None,
            }
        ]

    with pytest.raises(DealingError):
        opened(forged(small()[2], put_in))


# Acceptances


def accepted_by(signer: str, key: bytes, index: int) -> Signed[Acceptance]:
    identity = villager(signer).identity
    record = Acceptance(signer=identity.verification_key, key=key, index=index, accepted=NOW)
    return ACCEPTANCE.sign(record, identity)


@pytest.mark.parametrize(("there", "missing"), [((), "alice, bob, carol, dave, erin"), ((1, 2, 3, 5), "dave")])
def test_acceptances_are_missing(there: tuple[int, ...], missing: str) -> None:
    quorum = dealt()
    some = {quorum.key.id: [quorum.acceptances[index - 1] for index in there]}
    with pytest.raises(NotYetError, match=f"missing {missing}") as caught:
        ask(zone_records(ONE), quorum, acceptances=some)
    assert caught.value.exit_status == 3
    assert "share accept" in caught.value.do


def test_no_acceptances_at_all() -> None:
    with pytest.raises(NotYetError):
        ask(zone_records(ONE), dealt(), acceptances={})


def test_acceptances_taken_out_of_the_request() -> None:
    _, _, request = small()
    with pytest.raises(NotYetError, match="erin"):
        opened(forged(request, lambda document: document["keys"][0]["acceptances"].pop()))


def test_an_acceptance_of_another_key() -> None:
    quorum, other = dealt(), dealt("existing")
    with pytest.raises(RefusedError, match="another key"):
        check_acceptances(quorum.key, [*quorum.acceptances[:4], other.acceptances[4]])


@pytest.mark.parametrize("signer", ["mallory", "alice", "rita"])
def test_an_acceptance_signed_by_somebody_else(signer: str) -> None:
    quorum = dealt()
    with pytest.raises(RefusedError, match="not signed by the holder"):
        check_acceptances(quorum.key, [*quorum.acceptances[:4], accepted_by(signer, quorum.key.id, 5)])


def test_one_holder_accepts_for_all() -> None:
    quorum = dealt()
    with pytest.raises(NotYetError, match="missing bob, carol, dave, erin"):
        check_acceptances(quorum.key, [accepted_by("alice", quorum.key.id, 1)] * 5)


# The source


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_request_changed_cut_or_longer_anywhere(data: st.DataObject) -> None:
    _, _, request = small()
    place = data.draw(st.integers(0, len(request) - 1))
    what = data.draw(st.sampled_from(["bit", "cut", "more"]))
    changed = {
        "bit": request[:place] + bytes([request[place] ^ 1 << data.draw(st.integers(0, 7))]) + request[place + 1 :],
        "cut": request[:place],
        "more": request + request[place : place + 3],
    }[what]
    with pytest.raises(KeyquorumError) as caught:
        opened(changed)
    assert caught.value.what
    assert type(caught.value) is not KeyquorumError


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda request: request[:-1], "ends 1 bytes early"),
        (lambda request: request + b"\n", "goes on after its end"),
        (lambda request: request[:-2] + bytes([request[-2] ^ 1]) + request[-1:], "another SHA-256"),
        (lambda request: split(request)[0] + b"\n", "early"),
        (lambda request: split(request)[0], "ends within its header"),
        (lambda _: b"", "ends within its header"),
    ],
    ids=["cut", "longer", "changed", "no source", "no line end", "nothing"],
)
def test_what_is_said_of_a_source_that_is_another(change: Callable[[bytes], bytes], words: str) -> None:
    with pytest.raises(MalformedError, match=words):
        opened(change(small()[2]))


def test_a_source_that_changes_while_it_is_worked_on() -> None:
    quorum, matter, request = small()
    file = BytesIO(request)
    task = opened(request).task
    changing = replace(task, file=file)
    list(changing.zones())
    file.seek(len(request) - 9)
    file.write(b"AAAAAAAA")
    with pytest.raises(MalformedError, match="changed while it was read"):
        list(changing.zones())
    assert matter.task([quorum]).source == task.source


def test_a_source_of_another_format_than_it_says() -> None:
    matter = root_request()
    with pytest.raises(MalformedError):
        ask(Matter(matter.source, "zone", WINDOW, NOW), dealt())
    with pytest.raises(MalformedError):
        ask(Matter(zone_records(ONE).source), dealt())


# What is to be done with it


def test_a_schema_that_there_is_not() -> None:
    with pytest.raises(MalformedError, match="one of normal, pre-publish"):
        opened(forged(small()[2], lambda document: document["responses"][0].update(schema="sideways")))


def test_a_window_with_a_ksr_and_none_without() -> None:
    request = ask(root_request(), dealt())
    window = {"inception": JUDGED_AT, "expiration": JUDGED_AT + 86400}
    with pytest.raises(MalformedError, match="window"):
        opened(forged(request, lambda document: document.update(window=window)))
    with pytest.raises(MalformedError, match="window"):
        opened(forged(small()[2], lambda document: document.update(window=None)))


@pytest.mark.parametrize("end", [-1, 0])
def test_a_window_that_ends_before_it_begins(end: int) -> None:
    window = {"inception": NOW, "expiration": NOW + end}
    request = forged(small()[2], lambda document: document.update(window=window))
    with pytest.raises(KeyquorumError):
        examined_again(request)


def examined_again(request: bytes, **basis: Any) -> Examination:
    return examine(opened(request).task, zone_records(ONE).basis(**basis), BytesIO, HERE)


def test_a_key_twice() -> None:
    with pytest.raises(MalformedError, match="twice"):
        opened(forged(small()[2], lambda document: document["keys"].append(document["keys"][0])))


def test_a_request_from_the_future_of_the_format() -> None:
    with pytest.raises(MalformedError, match="version"):
        opened(forged(small()[2], lambda document: document.update(version=2)))
