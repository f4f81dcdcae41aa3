"""N-M holders lie in whatever way: the signature comes out, each is named, and nobody else."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from io import BytesIO
from itertools import combinations

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import KeyquorumError, NotEnoughError, RefusedError, WrongPartialError
from keyquorum.maths.work import HERE
from keyquorum.quorum.combining import check_partial, receive
from keyquorum.quorum.task import derive_messages
from tests.quorum.lies import HARMLESS, LIES, Asked, asked, lying, other_request, taken_apart
from tests.quorum.village import NAMES, Outcome, Quorum, answer, ask, combine, dealt, opened, undivided, villager
from tests.threshold.cases import HASHES

each_lie = pytest.mark.parametrize("name", LIES)
EVERYBODY = frozenset(range(1, 6))


@cache
def lie(name: str, asked_: Asked, index: int) -> bytes:
    return {**LIES, **HARMLESS}[name](asked_, index)


@cache
def wanted(quorum: Quorum) -> list[bytes]:
    """The signatures of the undivided key, or where nobody has that, of the first M holders."""
    question = asked(quorum)
    public = quorum.key.record.public
    if getattr(public, "kind", "") == "new":
        return combine(question.request, list(question.honest.values())[: public.threshold]).signatures[quorum.key.id]
    messages = derive_messages(opened(question.request).task, BytesIO, HERE)[0]
    return [undivided().sign(text, padding.PKCS1v15(), HASHES[8]) for text in messages]


def combined(question: Asked, lies: Mapping[int, bytes], order: list[int] | None = None) -> Outcome:
    files = dict(question.honest) | dict(lies)
    outcome = combine(question.request, [files[index] for index in order or files])
    assert outcome.signatures[question.quorum.key.id] == wanted(question.quorum)
    return outcome


@each_lie
@pytest.mark.parametrize("kind", ["new", "existing"])
def test_two_liars_of_five_are_named_whoever_they_are(name: str, kind: str) -> None:
    question = asked(dealt(kind))
    for liars in combinations(EVERYBODY, 2) if kind == "new" else ((1, 2), (2, 5), (3, 4)):
        outcome = combined(question, {index: lie(name, question, index) for index in liars})
        assert outcome.liars(question.quorum) == set(liars)
        assert outcome.good(question.quorum) == EVERYBODY - set(liars)
        assert not outcome.unreadable


@pytest.mark.parametrize("name", HARMLESS)
def test_what_does_no_harm_is_blamed_on_nobody_else(name: str) -> None:
    question = asked(dealt())
    for liars in combinations(EVERYBODY, 2):
        outcome = combined(question, {index: lie(name, question, index) for index in liars})
        assert outcome.liars(question.quorum) <= set(liars)
        assert outcome.good(question.quorum) >= EVERYBODY - set(liars)


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_any_liars_of_any_quorum_in_any_order(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["new", "existing"]))
    M, N = data.draw(st.sampled_from([(2, 3), (2, 4), (3, 5), (4, 7)]))
    question = asked(dealt(kind, M, N))
    liars = data.draw(st.sets(st.integers(1, N), min_size=1, max_size=N - M))
    lies = {index: lie(data.draw(st.sampled_from(sorted(LIES))), question, index) for index in sorted(liars)}
    outcome = combined(question, lies, data.draw(st.permutations(range(1, N + 1))))
    assert outcome.liars(question.quorum) == liars
    assert outcome.good(question.quorum) == set(range(1, N + 1)) - liars


def test_a_contribution_says_which_file_and_why() -> None:
    question = asked(dealt())
    files = {2: lie("a flipped bit", question, 2), 4: lie("a body cut in half", question, 4)}
    outcome = combined(question, files)
    told = {one.index: one for one in outcome.contributions}
    assert told.keys() == EVERYBODY
    for index, one in told.items():
        file = files.get(index, question.honest[index])
        assert one.partial == taken_apart(file)[0].id
        assert one.key == question.quorum.key.id
    assert "proof" in told[2].fault
    assert "cut off" in told[4].fault or "ends" in told[4].fault


@each_lie
def test_too_many_liars_are_named_and_so_is_who_is_missing(name: str) -> None:
    question = asked(dealt())
    files = [question.honest[2], question.honest[5], lie(name, question, 1), lie(name, question, 4)]
    with pytest.raises(NotEnoughError) as caught:
        combine(question.request, files)
    assert caught.value.culprits == (1, 4)
    assert caught.value.exit_status == 3
    text = str(caught.value)
    assert "2 good answers" in text
    assert "wrong: alice, dave" in text
    assert "Not answered yet: carol." in text


def test_too_few_answers() -> None:
    question = asked(dealt())
    with pytest.raises(NotEnoughError) as caught:
        combine(question.request, [question.honest[3], question.honest[3]])
    assert not caught.value.culprits
    assert "1 good answer for" in str(caught.value)
    assert "alice, bob, dave, erin" in str(caught.value)


@each_lie
def test_a_bad_answer_and_then_a_good_one(name: str) -> None:
    question = asked(dealt())
    bad = lie(name, question, 2)
    for first, second in ((bad, question.honest[2]), (question.honest[2], bad)):
        outcome = combine(question.request, [first, question.honest[1], second, question.honest[4]])
        assert outcome.signatures[question.quorum.key.id] == wanted(question.quorum)
        assert outcome.good(question.quorum) == {1, 2, 4}
        assert outcome.liars(question.quorum) <= {2}


def test_who_sent_a_wrong_file_and_then_a_good_one_is_not_called_missing_or_wrong() -> None:
    question = asked(dealt())
    files = [lie("a replayed file", question, 2), question.honest[2], question.honest[1]]
    with pytest.raises(NotEnoughError) as caught:
        combine(question.request, files)
    assert not caught.value.culprits
    assert "2 good answers" in str(caught.value)
    assert "bob" not in str(caught.value)


def test_the_same_file_twice_counts_once() -> None:
    question = asked(dealt())
    files = [question.honest[index] for index in (1, 3, 1, 5, 3)]
    assert combine(question.request, files).good(question.quorum) == {1, 3, 5}


def test_a_header_cut_anywhere_is_nobodys_and_stops_nobody() -> None:
    question = asked(dealt())
    file = question.honest[1]
    end = file.index(b"\n")
    cuts = [file[:length] for length in (0, 1, 2, end // 3, end // 2, end - 1, end)]
    outcome = combine(question.request, [*cuts, *(question.honest[index] for index in (2, 3, 4))])
    assert len(outcome.unreadable) == len(cuts)
    assert outcome.good(question.quorum) == {2, 3, 4}
    assert not outcome.liars(question.quorum)


@given(st.data())
@settings(deadline=None, max_examples=50)
def test_a_file_cut_or_changed_anywhere_never_stops_the_others(data: st.DataObject) -> None:
    question = asked(dealt())
    file = question.honest[1]
    place = data.draw(st.integers(0, len(file) - 1))
    bit = data.draw(st.integers(0, 8))
    spoilt = file[:place] if bit == 8 else file[:place] + bytes([file[place] ^ 1 << bit]) + file[place + 1 :]
    outcome = combine(question.request, [spoilt, *(question.honest[index] for index in (2, 3, 4))])
    assert outcome.good(question.quorum) == {2, 3, 4}
    assert len(outcome.unreadable) == (place <= file.index(b"\n"))
    assert all(isinstance(error, KeyquorumError) and str(error) for error in outcome.unreadable)


def test_a_stranger_answers() -> None:
    question = asked(dealt())
    honest, values = taken_apart(question.honest[1])
    outsiders = asked(dealt("existing", 2, 2, holders=("mallory", "trudy")))
    stranger = outsiders.honest[1]
    outcome = combine(question.request, [stranger, *(question.honest[index] for index in (2, 3, 4))])
    (error,) = outcome.unreadable
    assert "somebody who holds no share" in str(error)
    assert honest.record.signer == villager("alice").identity.verification_key
    assert values


def test_other_records_instead_of_a_partial() -> None:
    question = asked(dealt())
    wrong = [question.request, question.quorum.key.envelope + b"\n", b"", b"\n", b"{}\n", b"garbage", bytes(1000)]
    outcome = combine(question.request, [*wrong, *(question.honest[index] for index in (2, 3, 4))])
    assert len(outcome.unreadable) == len(wrong)


@each_lie
def test_one_partial_checked_by_itself(name: str) -> None:
    question = asked(dealt())
    request = opened(question.request)
    messages = derive_messages(request.task, BytesIO, HERE)
    check_partial(request, messages, receive(BytesIO(question.honest[3]), request), HERE)
    with pytest.raises((WrongPartialError, RefusedError)) as caught:
        check_partial(request, messages, receive(BytesIO(lie(name, question, 3)), request), HERE)
    if isinstance(caught.value, WrongPartialError):
        assert caught.value.culprits == (3,)
    else:
        assert name == "wrong values without a proof"


def test_right_values_with_a_proof_for_another_request_do_not_check() -> None:
    question = asked(dealt())
    request = opened(question.request)
    proof = taken_apart(other_request(question.quorum).honest[3])[0].record.answers[0].proof
    file = lying(question, 3, taken_apart(question.honest[3])[1], proof=proof)
    with pytest.raises(WrongPartialError):
        check_partial(request, derive_messages(request.task, BytesIO, HERE), receive(BytesIO(file), request), HERE)


def test_names_are_those_of_the_village() -> None:
    assert [card.record.name for card in dealt().key.record.holders] == list(NAMES[:5])


def test_an_answer_to_another_request_over_the_same_source_is_no_answer_to_this_one() -> None:
    question = asked(dealt())
    later = replace(question.matter, at=question.matter.at + 60)
    other = answer(ask(later, question.quorum), later, question.quorum, 3)
    assert taken_apart(other)[1] == taken_apart(question.honest[3])[1]
    outcome = combined(question, {3: other})
    assert outcome.liars(question.quorum) == {3}
    assert "another request" in next(one.fault for one in outcome.contributions if one.index == 3)
