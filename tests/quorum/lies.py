"""Every way we know in which a holder's file is not what it should be; each is signed by the liar, as lies are.

A lie is made from the honest file. What a liar cannot sign (a file cut or changed on the way) is here too: it cannot be
told from a liar's own work.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from types import MappingProxyType
from typing import Any

from keyquorum.records.envelope import Signed
from keyquorum.records.files import header, read_header
from keyquorum.records.requests import PARTIAL, KeyAnswer, Partial
from tests.quorum.village import ZONES, Matter, Quorum, answer, ask, sha256, zone_records


@dataclass(frozen=True, eq=False)
class Asked:
    """A request to a quorum, and everybody's honest answer."""

    quorum: Quorum
    matter: Matter
    request: bytes
    honest: Mapping[int, bytes]


@cache
def asked(quorum: Quorum, zones: tuple[str, ...] = ZONES) -> Asked:
    """Ask ``quorum`` for a signature over each of ``zones``; everybody answers honestly."""
    matter = zone_records(*zones)
    request = ask(matter, quorum)
    people = range(1, len(quorum.holders) + 1)
    return Asked(quorum, matter, request, {index: answer(request, matter, quorum, index) for index in people})


def taken_apart(file: bytes) -> tuple[Signed[Partial], list[bytes]]:
    """Give header and values of a partial with one key."""
    stream = BytesIO(file)
    signed: Signed[Partial] = read_header(stream, PARTIAL)
    width = signed.record.answers[0].width
    body = stream.read()
    return signed, [body[start : start + width] for start in range(0, len(body), width)]


def lying(asked: Asked, index: int, values: list[bytes], /, **changes: Any) -> bytes:
    """Give holder ``index``'s file with these values and other ``changes`` to its answer, properly signed."""
    honest = taken_apart(asked.honest[index])[0].record
    body = b"".join(values)
    told = replace(honest.answers[0], sha256=sha256(body), count=len(values), **changes)
    return signed_by(asked, index, replace(honest, answers=(told,)), body)


def signed_by(asked: Asked, index: int, partial: Partial, body: bytes) -> bytes:
    """Sign ``partial`` as holder ``index``."""
    identity = asked.quorum.holders[index - 1].identity
    return header(PARTIAL.sign(replace(partial, signer=identity.verification_key), identity)) + body


Lie = Callable[[Asked, int], bytes]


def _last(change: Callable[[int, int], int]) -> Lie:
    """Give the lie whose last value x is ``change(x, n)``."""

    def lie(asked: Asked, index: int) -> bytes:
        values = taken_apart(asked.honest[index])[1]
        n = asked.quorum.key.record.public.n  # type: ignore[attr-defined]
        values[-1] = change(int.from_bytes(values[-1], "big"), n).to_bytes(len(values[-1]), "big")
        return lying(asked, index, values)

    return lie


def _permuted(asked: Asked, index: int) -> bytes:
    values = taken_apart(asked.honest[index])[1]
    return lying(asked, index, values[1:] + values[:1])


@cache
def other_request(quorum: Quorum) -> Asked:
    """Ask the same quorum for something else."""
    return asked(quorum, tuple(reversed(ZONES)))


def _replayed(asked: Asked, index: int) -> bytes:
    return other_request(asked.quorum).honest[index]


def _replayed_under_a_new_header(asked: Asked, index: int) -> bytes:
    other, values = taken_apart(other_request(asked.quorum).honest[index])
    return lying(asked, index, values, proof=other.record.answers[0].proof)


def _neighbour(asked: Asked, index: int) -> int:
    return index % len(asked.quorum.holders) + 1


def _anothers_index(asked: Asked, index: int) -> bytes:
    return lying(asked, index, taken_apart(asked.honest[index])[1], index=_neighbour(asked, index))


def _anothers_file(asked: Asked, index: int) -> bytes:
    """Give another holder's answer as one's own, signed anew."""
    other, values = taken_apart(asked.honest[_neighbour(asked, index)])
    return signed_by(asked, index, other.record, b"".join(values))


def _anothers_answer(asked: Asked, index: int) -> bytes:
    other, values = taken_apart(asked.honest[_neighbour(asked, index)])
    return lying(asked, index, values, proof=other.record.answers[0].proof)


def _no_proof(asked: Asked, index: int) -> bytes:
    values = taken_apart(asked.honest[index])[1]
    return lying(asked, index, [*values[:-1], values[0]], proof=None)


def _cancelling(asked: Asked, index: int) -> bytes:
    """Make two values wrong whose product is right: a batch with equal weights does not see it."""
    values = taken_apart(asked.honest[index])[1]
    n = asked.quorum.key.record.public.n  # type: ignore[attr-defined]
    own = 2 * index + 1  # else two liars would cancel each other in a signature, which is another matter
    for place, factor in ((0, own), (1, pow(own, -1, n))):
        values[place] = (int.from_bytes(values[place], "big") * factor % n).to_bytes(len(values[place]), "big")
    return lying(asked, index, values)


def _huge(asked: Asked, index: int) -> bytes:
    values = [value * 2 for value in taken_apart(asked.honest[index])[1]]
    return lying(asked, index, values, width=len(values[0]))


def _cut(part: float) -> Lie:
    def lie(asked: Asked, index: int) -> bytes:
        file = asked.honest[index]
        begin = file.index(b"\n") + 1
        return file[: begin + int((len(file) - begin - 1) * part)]

    return lie


def _twice(asked: Asked, index: int) -> bytes:
    partial, values = taken_apart(asked.honest[index])
    answers = partial.record.answers * 2
    return signed_by(asked, index, replace(partial.record, answers=answers), b"".join(values) * 2)


def _unknown_key(asked: Asked, index: int) -> bytes:
    return lying(asked, index, taken_apart(asked.honest[index])[1], key=sha256(b"no key"))


def _no_such_key(asked: Asked, index: int) -> bytes:
    partial, values = taken_apart(asked.honest[index])
    more = KeyAnswer(key=sha256(b"x"), index=index, count=1, width=1, sha256=sha256(b"x"), proof=None)
    answers = (*partial.record.answers, more)
    return signed_by(asked, index, replace(partial.record, answers=answers), b"".join(values) + b"x")


LIES: Mapping[str, Lie] = MappingProxyType({
    "a flipped bit": _last(lambda x, _: x ^ 1),
    "values permuted": _permuted,
    "zero": _last(lambda _x, _n: 0),
    "one": _last(lambda _x, _n: 1),
    "n": _last(lambda _x, n: n),
    "x plus n": _last(lambda x, n: min(x + n, (1 << n.bit_length()) - 1)),
    "n minus 1": _last(lambda _, n: n - 1),
    "two values that cancel": _cancelling,
    "a replayed file": _replayed,
    "replayed values": _replayed_under_a_new_header,
    "another's index": _anothers_index,
    "another's file": _anothers_file,
    "another's answer": _anothers_answer,
    "wrong values without a proof": _no_proof,
    "values twice as wide": _huge,
    "a value too many": lambda a, i: lying(a, i, [*taken_apart(a.honest[i])[1], taken_apart(a.honest[i])[1][0]]),
    "a value too few": lambda a, i: lying(a, i, taken_apart(a.honest[i])[1][:-1]),
    "a body that is missing": _cut(0),
    "a body cut in half": _cut(0.5),
    "a body one byte short": _cut(1),
    "a byte appended": lambda a, i: a.honest[i] + b"\n",
    "a byte changed on the way": lambda a, i: a.honest[i][:-3] + bytes([a.honest[i][-3] ^ 1]) + a.honest[i][-2:],
    "one key twice": _twice,
    "another key": _unknown_key,
    "a key that is not asked": _no_such_key,
})  # fmt: skip
"""Each is found out, and the holder it comes from is named."""

HARMLESS: Mapping[str, Lie] = MappingProxyType({
    "minus x": _last(lambda x, n: n - x),
    "another's proof": lambda a, i: lying(
        a, i, taken_apart(a.honest[i])[1], proof=taken_apart(a.honest[_neighbour(a, i)])[0].record.answers[0].proof
    ),
    "no proof": lambda a, i: lying(a, i, taken_apart(a.honest[i])[1], proof=None),
})  # fmt: skip
"""The signature comes out right with these too; nobody else is blamed for them."""
