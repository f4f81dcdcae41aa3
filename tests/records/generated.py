"""Valid records of every kind, generated from the codecs that read them; what holds across fields is by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dns.name
from hypothesis import strategies as st

from keyquorum.dnssec.responses import NamedSchema
from keyquorum.dnssec.schema import ROLES, SCHEMAS
from keyquorum.errors import MalformedError
from keyquorum.records.canonical import dumps
from keyquorum.records.catalogue import KINDS
from keyquorum.records.envelope import Embedded, Kind, Signed
from keyquorum.records.escrow import ESCROW, Escrow, EscrowGroup, EscrowShare
from keyquorum.records.fields import (
    ZONE,
    BigInteger,
    Binary,
    Choice,
    Flag,
    Integer,
    ListOf,
    Object,
    OneOf,
    OrNull,
    Text,
    Word,
)
from keyquorum.records.generation import (
    COMPLAINT,
    KEY_PROPOSAL,
    MENDING,
    ROUND_ONE,
    ROUND_TWO,
    Complaint,
    MendingRecord,
    Proposal,
    RoundOneRecord,
    RoundTwoRecord,
)
from keyquorum.records.keys import (
    ACCEPTANCE,
    CARD,
    COMMITMENTS,
    KEY_RECORD,
    SEALED_SHARE,
    Acceptance,
    Card,
    CommitmentRecord,
    KeyRecord,
    Origin,
    SealedShare,
)
from keyquorum.records.parts import PUBLIC
from keyquorum.records.requests import (
    PARTIAL,
    REQUEST,
    RESPONSE,
    Partial,
    Request,
    RequestedKey,
    Response,
    UsedSlots,
    Window,
)
from keyquorum.threshold.undivided import UndividedPublic
from tests.records.people import BY_KEY, CARDS, KEY, PEOPLE

MOST_ITEMS = 3
"""No generated list is longer, nor bytes longer than 100: the limits themselves are for the table of refusals."""
_LABELS = st.text(st.sampled_from("abcxyz0189-_"), min_size=1, max_size=8)
RESPONSE_NAMES = st.text(st.sampled_from("abz09-"), min_size=1, max_size=8).map(lambda text: f"x{text}")
_NAMED_SCHEMAS = st.builds(NamedSchema, RESPONSE_NAMES, st.sampled_from(sorted(SCHEMAS)))
ZONES = st.lists(_LABELS, max_size=3).map(lambda labels: dns.name.from_text(".".join(labels) + "."))


def printable(longest: int, *, empty: bool = False, ascii_only: bool = False) -> st.SearchStrategy[str]:
    """Texts a person could type, of up to ``longest`` characters (at most 12)."""
    letters = st.characters(max_codepoint=126 if ascii_only else None, exclude_categories=("C", "Z"))
    text = st.text(letters | st.just(" "), max_size=min(longest, 12)).map(str.strip)
    return text.filter(lambda value: value.isprintable() and bool(value or empty))


def values(codec: Any) -> st.SearchStrategy[Any]:
    """Values that a field with this codec can have."""
    match codec:
        case Text(longest, empty, ascii_only):
            return printable(longest, empty=empty, ascii_only=ascii_only)
        case Flag():
            return st.booleans()
        case Word():
            return RESPONSE_NAMES
        case Choice(words):
            return st.sampled_from(words)
        case Integer(least, most):
            return st.integers(least, most) | st.sampled_from((least, most))
        case Binary(least, most):
            return st.binary(min_size=least, max_size=min(most, max(least, 100)))
        case BigInteger(bits):
            return st.integers(0, (1 << min(bits, 200)) - 1) | st.just((1 << bits) - 1)
        case ListOf(item, least, most, distinct):
            unique_by = (lambda value: dumps(item.dump(value))) if distinct else None
            return st.lists(values(item), min_size=least, max_size=min(most, MOST_ITEMS), unique_by=unique_by).map(
                tuple
            )
        case OrNull(item):
            return st.none() | values(item)
        case Object(make, fields):
            return _made(make, fields)
        case OneOf(_, kinds):
            return st.one_of([values(kind) for kind in kinds.values()])
        case Embedded(kind):
            return records(kind)
    assert codec is ZONE, codec
    return ZONES


def _made(make: Callable[..., Any], fields: Any) -> st.SearchStrategy[Any]:
    if make is Window:
        times = st.lists(values(fields["inception"]), min_size=2, max_size=2, unique=True).map(sorted)
        return times.map(lambda pair: Window(inception=pair[0], expiration=pair[1]))
    drawn = st.fixed_dictionaries({name: values(codec) for name, codec in fields.items()})
    return drawn.map(lambda all_: _or_none(make, all_)).filter(lambda made: made is not None)


def _or_none(make: Callable[..., Any], fields: dict[str, Any]) -> Any:
    """Make an object; None where its fields contradict each other."""
    try:
        return make(**fields)
    except MalformedError:
        return None


def records(kind: Kind[Any]) -> st.SearchStrategy[Signed[Any]]:
    """Valid signed records of one kind."""
    return _UNSIGNED[kind.name]().map(lambda record: kind.sign(record, BY_KEY[record.signer]))


def any_record() -> st.SearchStrategy[tuple[Kind[Any], Signed[Any]]]:
    """A kind and a valid signed record of it."""
    return st.one_of([st.tuples(st.just(kind), records(kind)) for kind in KINDS])


_signers = st.sampled_from(sorted(BY_KEY))


@st.composite
def _filled(draw: st.DrawFn, /, kind: Kind[Any], make: type[Any], **given: Any) -> Any:
    fields = {name: draw(values(codec)) for name, codec in kind.fields.items() if name not in given}
    return make(**{"signer": draw(_signers), **fields, **given})


@st.composite
def _card(draw: st.DrawFn) -> Any:
    name = draw(printable(64).filter(lambda text: text[0] != "." and not {"/", "\\"} & set(text)))
    return draw(_filled(CARD, Card, name=name))


@st.composite
def _key_record(draw: st.DrawFn) -> Any:
    names = st.lists(st.sampled_from(sorted(PEOPLE)), min_size=1, max_size=3, unique=True)
    dealer, holders = draw(st.sampled_from(sorted(PEOPLE))), draw(names)
    how = draw(st.sampled_from(["dealt", "generated", "reshared", "kept"]))
    if how == "kept":
        holders = [dealer]
    fitting = draw(values(PUBLIC))
    if isinstance(fitting, UndividedPublic):
        holders = holders[:1]
    else:
        fitting = replace(fitting, holders=len(holders))
    digest = st.binary(min_size=32, max_size=32)
    return draw(
        _filled(
            KEY_RECORD,
            KeyRecord,
            signer=PEOPLE[dealer].verification_key,
            public=fitting,
            dealer=CARDS[dealer],
            holders=tuple(CARDS[name] for name in holders),
            requesters=tuple(CARDS[name] for name in draw(names)),
            origin=Origin(
                how=how,
                transcript=draw(digest) if how in {"generated", "reshared"} else None,
                old=draw(digest) if how == "reshared" else None,
            ),
        )
    )


@st.composite
def _sealed_share(draw: st.DrawFn) -> Any:
    key = draw(records(KEY_RECORD))
    index = draw(st.integers(1, len(key.record.holders)))
    made = [draw(_commitments(key=key, maker=0)) for _ in range(draw(st.integers(0, 2)))]
    tables = tuple(COMMITMENTS.sign(one, BY_KEY[one.signer]) for one in made)
    rows = draw(st.binary(min_size=1, max_size=20)) if tables else b""
    given = {"key": key, "index": index, "tables": tables, "sealed_rows": rows}
    return draw(_filled(SEALED_SHARE, SealedShare, signer=key.record.signer, **given))


@st.composite
def _commitments(draw: st.DrawFn, key: Any = None, maker: int | None = None) -> Any:
    count, lane = draw(st.integers(1, 3)), draw(st.sampled_from([0, 1, 63]))
    first = (lane << 24) + draw(st.sampled_from([0, 5, (1 << 24) - 3]))
    quorum = () if maker == 0 else tuple(sorted(draw(st.sets(st.integers(1, 64), max_size=3))))
    given: dict[str, Any] = {
        "first": first,
        "quorum": quorum,
        "digests": draw(st.binary(min_size=96, max_size=96))[: 32 * count],
    }
    if key is not None:
        given |= {"key": key.id, "signer": key.record.signer, "maker": maker}
    return draw(_filled(COMMITMENTS, CommitmentRecord, **given))


@st.composite
def _used_slots(draw: st.DrawFn) -> Any:
    one = draw(_commitments())
    first = draw(st.sampled_from(one.slots))
    count = draw(st.integers(1, one.slots.stop - first))
    return UsedSlots(first=first, count=count, commitments=(COMMITMENTS.sign(one, BY_KEY[one.signer]),))


@st.composite
def _proposal(draw: st.DrawFn) -> Any:
    names = st.lists(st.sampled_from(sorted(PEOPLE)), min_size=1, max_size=3, unique=True)
    organiser = draw(st.sampled_from(sorted(PEOPLE)))
    given: dict[str, Any] = {"old": None, "dealers": (), "repairs": 0}
    if draw(st.booleans()):
        old = draw(records(KEY_RECORD))
        dealers = draw(st.sets(st.integers(1, len(old.record.holders)), min_size=1))
        given = {"old": old, "dealers": tuple(sorted(dealers)), "repairs": 0}
    return draw(
        _filled(
            KEY_PROPOSAL,
            Proposal,
            signer=PEOPLE[organiser].verification_key,
            organiser=CARDS[organiser],
            holders=tuple(CARDS[name] for name in draw(names)),
            requesters=tuple(CARDS[name] for name in draw(names)),
            **given,
        )
    )


@st.composite
def _request(draw: st.DrawFn) -> Any:
    keys = [*draw(st.lists(records(KEY_RECORD), max_size=1)), KEY]
    acceptances = st.lists(records(ACCEPTANCE), min_size=1, max_size=3).map(tuple)
    slots = st.none() | _used_slots()
    role = st.sampled_from(ROLES)
    requested = tuple(
        RequestedKey(key=key, role=draw(role), acceptances=draw(acceptances), slots=draw(slots)) for key in keys
    )
    responses = st.lists(_NAMED_SCHEMAS, min_size=1, max_size=3, unique_by=lambda one: one.name).map(tuple)
    return draw(_filled(REQUEST, Request, keys=requested, responses=draw(responses)))


@st.composite
def _escrow(draw: st.DrawFn) -> Any:
    maker = draw(st.sampled_from(sorted(PEOPLE)))
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    groups = tuple(EscrowGroup(name=f"site {size}", threshold=size, size=size) for size in sizes)
    places = [(group, member) for group, size in enumerate(sizes) for member in range(size)]
    shares = tuple(
        EscrowShare(number=number, group=group, member=member, fingerprint=bytes([number] * 32), holder="")
        for number, (group, member) in enumerate(places, 1)
    )
    records_ = draw(st.sampled_from([(None, None), (". IN DNSKEY 257 3 15 AA==", ". IN DS 1 15 2 00")]))
    given = {"dnskey": records_[0], "ds": records_[1], "groups": groups, "shares": shares, "maker": CARDS[maker]}
    signer, threshold = PEOPLE[maker].verification_key, draw(st.integers(1, len(sizes)))
    return draw(_filled(ESCROW, Escrow, signer=signer, group_threshold=threshold, **given))


_UNSIGNED: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
    CARD.name: _card,
    KEY_RECORD.name: _key_record,
    SEALED_SHARE.name: _sealed_share,
    ACCEPTANCE.name: lambda: _filled(ACCEPTANCE, Acceptance),
    COMMITMENTS.name: _commitments,
    REQUEST.name: _request,
    PARTIAL.name: lambda: _filled(PARTIAL, Partial),
    RESPONSE.name: lambda: _filled(RESPONSE, Response),
    ESCROW.name: _escrow,
    KEY_PROPOSAL.name: _proposal,
    ROUND_ONE.name: lambda: _filled(ROUND_ONE, RoundOneRecord),
    ROUND_TWO.name: lambda: _filled(ROUND_TWO, RoundTwoRecord),
    MENDING.name: lambda: _filled(MENDING, MendingRecord),
    COMPLAINT.name: lambda: _filled(COMPLAINT, Complaint),
}
