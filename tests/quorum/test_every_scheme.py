"""The whole work flow, the same for every scheme: request, answers, liars, a second request over the same slots."""

from collections.abc import Iterable
from io import BytesIO

import pytest

from keyquorum.errors import KeyquorumError, MalformedError, NotEnoughError, NotYetError, RefusedError
from keyquorum.quorum.dealing import parse_share, write_share
from keyquorum.quorum.requesting import make_request, open_request
from tests.quorum.village import (
    Matter,
    Quorum,
    answer,
    ask,
    combine,
    dealt,
    examined,
    root_request,
    skr,
    villager,
    zone_records,
)

ALGORITHMS = (8, 13, 14, 15, 16)
ONE_TIME = (13, 14, 15, 16)
each = pytest.mark.parametrize("algorithm", ALGORITHMS)
each_one_time = pytest.mark.parametrize("algorithm", ONE_TIME)


def matter(quorum: Quorum, *, turned: bool = False) -> Matter:
    """Give two zones with ZSKs of the quorum's own algorithm."""
    zones = ("one.example.", "two.example.")
    return zone_records(*(reversed(zones) if turned else zones), algorithm=quorum.key.record.public.algorithm)


def answers(request: bytes, quorum: Quorum, indices: Iterable[int]) -> list[bytes]:
    return [answer(request, matter(quorum), quorum, index) for index in indices]


@each
def test_any_three_of_five(algorithm: int) -> None:
    quorum = dealt(algorithm=algorithm)
    request = ask(matter(quorum), quorum)
    partials = dict(zip(range(1, 6), answers(request, quorum, range(1, 6)), strict=True))
    for chosen in ((1, 2, 3), (1, 3, 5), (2, 4, 5), (3, 4, 5), (1, 2, 3, 4, 5)):
        outcome = combine(request, [partials[index] for index in chosen])
        assert outcome.good(quorum) == set(chosen)
        assert len(outcome.signatures[quorum.key.id]) == 2
        assert len(outcome.responses) == 2  # each verified by dnspython


@each
def test_a_holder_asked_twice_answers_the_same(algorithm: int) -> None:
    quorum = dealt(algorithm=algorithm)
    request = ask(matter(quorum), quorum)
    first, again = (answers(request, quorum, [2])[0] for _ in range(2))
    assert first.partition(b"\n")[2] == again.partition(b"\n")[2] or algorithm == 8
    outcome = combine(request, [first, *answers(request, quorum, [1, 5])])
    assert outcome.good(quorum) == {1, 2, 5}


@each
def test_the_root_request(algorithm: int) -> None:
    quorum = dealt(algorithm=algorithm)
    asked = root_request()
    overrules = {} if algorithm == 8 else dict.fromkeys(("KQ-ALGORITHMS", "KQ-TERMS"), "another algorithm")
    request = ask(asked, quorum, overrules=overrules)
    outcome = combine(request, [answer(request, asked, quorum, index, overrules=overrules) for index in (1, 2, 4)])
    assert b"<Signature " in skr(outcome)
    assert len(outcome.signatures[quorum.key.id]) == 9


@each_one_time
def test_two_requests_over_the_same_slots(algorithm: int) -> None:
    """One is refused, by whoever answered the other first; nothing leaks, and the next request recovers."""
    quorum = dealt(algorithm=algorithm, number=1)
    one, other = matter(quorum), matter(quorum, turned=True)
    start = quorum.given[0]
    quorum.given[0] += 2
    first, second = (ask(asked, quorum, start=start) for asked in (one, other))
    partials = [answer(first, one, quorum, index) for index in (1, 2)]
    others = [answer(second, other, quorum, index) for index in (3, 4)]
    for index in (1, 2):
        with pytest.raises(RefusedError, match="used already"):
            answer(second, other, quorum, index)
    for index in (3, 4):
        with pytest.raises(RefusedError, match="used already"):
            answer(first, one, quorum, index)
    for request, some in ((first, partials), (second, others)):
        with pytest.raises(NotEnoughError):
            combine(request, some)
    third = ask(other, quorum)
    outcome = combine(third, [answer(third, other, quorum, index) for index in (1, 2, 3)])
    assert outcome.good(quorum) == {1, 2, 3}


@pytest.mark.parametrize("algorithm", [15, 16])
def test_commitments_of_some(algorithm: int) -> None:
    """Whoever has no commitments in a request cannot answer; any three of the others can."""
    quorum = dealt(algorithm=algorithm)
    request = ask(matter(quorum), quorum, makers=(1, 2, 3, 5))
    with pytest.raises(RefusedError, match="not in"):
        answers(request, quorum, [4])
    outcome = combine(request, answers(request, quorum, [1, 3, 5]))
    assert outcome.good(quorum) == {1, 3, 5}
    with pytest.raises(NotYetError, match="missing carol, dave, erin"):
        ask(matter(quorum), quorum, makers=(1, 2))


@each_one_time
@pytest.mark.parametrize("place", [-1, -100, -2000])
def test_rows_that_were_changed(algorithm: int, place: int) -> None:
    quorum = dealt(algorithm=algorithm)
    request = bytearray(ask(matter(quorum), quorum))
    request[place] ^= 1
    with pytest.raises(MalformedError, match="not those that were signed"):
        opened(bytes(request))
    for wrong in (request[:-1], request[:place], request + b"\0"):
        with pytest.raises(MalformedError):
            opened(bytes(wrong))


@each_one_time
def test_a_request_without_commitments(algorithm: int) -> None:
    quorum = dealt(algorithm=algorithm)
    asked = matter(quorum)
    with pytest.raises(NotYetError, match="--commitments"):
        make_request(
            asked.task([quorum]),
            examined(asked, [quorum]),
            {quorum.key.id: quorum.acceptances},
            asked.basis(),
            villager("rita").identity,
        )


def opened(request: bytes) -> None:
    open_request(BytesIO(request))


@each_one_time
def test_no_request_before_everybody_accepted(algorithm: int) -> None:
    quorum = dealt(algorithm=algorithm)
    with pytest.raises(NotYetError, match="missing erin"):
        ask(matter(quorum), quorum, acceptances={quorum.key.id: quorum.acceptances[:4]})


@each_one_time
def test_a_share_tells_nothing_and_is_kept_whole(algorithm: int) -> None:
    quorum = dealt(algorithm=algorithm)
    for share in quorum.shares:
        assert parse_share(write_share(share)) == share
    assert "secrets" not in repr(quorum.opened[0])
    for sealed in quorum.dealing.shares:
        with pytest.raises(KeyquorumError):
            parse_share(sealed.record.sealed)
