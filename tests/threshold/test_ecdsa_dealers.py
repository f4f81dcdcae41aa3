"""A dealer of an ECDSA key whose presignatures lie, in every way we know: anybody finds out, or those who get them."""

from dataclasses import replace

import pytest

from keyquorum.errors import DealingError, KeyquorumError, ParameterError, ShareError
from keyquorum.maths.groups import random_scalar
from keyquorum.maths.work import HERE
from keyquorum.threshold.ecdsa import EcdsaScheme
from keyquorum.threshold.ecdsa_key import EcdsaPublic, EcdsaShare, suite_of
from keyquorum.threshold.ecdsa_presigning import presignature_in, secrets_in
from keyquorum.threshold.frost_key import FrostShare
from keyquorum.threshold.seam import MemorySpool
from tests.threshold.cases import Dealt, dealt_by, seeded
from tests.threshold.points import WRONG_POINTS

each = pytest.mark.parametrize("algorithm", [13, 14], ids=["p256", "p384"])
VICTIM = 2


class Table:
    """A dealer's rows for two slots of a 2-of-3 key, point by point and number by number."""

    def __init__(self, algorithm: int) -> None:
        self.dealt: Dealt = dealt_by(algorithm, 2, 3)
        self.public: EcdsaPublic = self.dealt.public
        self.group = suite_of(algorithm).group
        (made,) = self.dealt.material(2)
        self.rows = [self._points(row) for row in made.public]
        self.secrets = {index: list(rows) for index, rows in enumerate(made.secrets, 1)}
        self.complaints: list[str] = []

    def _points(self, row: bytes) -> list[bytes]:
        return [row[at : at + self.group.point_length] for at in range(0, len(row), self.group.point_length)]

    def moved(self, point: bytes, by: int) -> bytes:
        """Give the point and ``by`` times the generator."""
        return self.group.encode(self.group.add(self.group.decode(point), self.group.multiply_base(by)))

    def fault(self) -> str:
        """Say what anybody finds; nothing if the table passes."""
        try:
            rows = MemorySpool(b"".join(row) for row in self.rows)
            EcdsaScheme().check_rows(self.public, 0, range(2), None, rows, HERE)
        except DealingError as error:
            return error.what
        return ""

    def complaining(self) -> set[int]:
        """Give the holders whose secrets do not belong to the table."""
        found = set()
        rows = MemorySpool(b"".join(row) for row in self.rows)
        for index, secrets in self.secrets.items():
            try:
                EcdsaScheme().check_secret_rows(self.public, index, range(2), rows, MemorySpool(secrets), HERE)
            except ShareError as error:
                found.add(index)
                self.complaints.append(str(error))
        return found


R, U1, V1, U2, V2 = range(5)
"""Places of the points of the first presignature of a row: that of holders 1 and 2."""


@each
def test_an_honest_table(algorithm: int) -> None:
    table = Table(algorithm)
    assert (table.fault(), table.complaining()) == ("", set())


@each
@pytest.mark.parametrize(("place", "name"), [(U1, "U"), (V1, "V"), (U2, "U"), (V2, "V")])
def test_a_wrong_point_is_found_by_anybody(algorithm: int, place: int, name: str) -> None:
    table = Table(algorithm)
    table.rows[1][place] = table.moved(table.rows[1][place], 1)
    assert (
        table.fault()
        == f"the presignatures of slot 1: quorum [1, 2]: the {name} of its holders do not add up to this key's"
    )
    assert table.complaining() == {1 if place < U2 else 2}
    assert f"holder {1 if place < U2 else 2}" in table.complaints[0]
    assert "slot 1" in table.complaints[0]


@each
@pytest.mark.parametrize(("one", "other"), [(U1, U2), (V1, V2)])
def test_points_moved_against_each_other_are_found_by_those_two(algorithm: int, one: int, other: int) -> None:
    table = Table(algorithm)
    table.rows[1][one] = table.moved(table.rows[1][one], 7)
    table.rows[1][other] = table.moved(table.rows[1][other], -7 % table.group.order)
    assert (table.fault(), table.complaining()) == ("", {1, 2})


@each
def test_points_of_two_holders_exchanged_are_found_by_those_two(algorithm: int) -> None:
    table = Table(algorithm)
    row = table.rows[1]
    row[U1], row[U2] = row[U2], row[U1]
    assert (table.fault(), table.complaining()) == ("", {1, 2})
    row[V1], row[V2] = row[V2], row[V1]
    assert (table.fault(), table.complaining()) == ("", {1, 2})


@each
def test_u_and_v_exchanged(algorithm: int) -> None:
    table = Table(algorithm)
    row = table.rows[1]
    row[U1], row[V1] = row[V1], row[U1]
    assert "do not add up" in table.fault()
    assert table.complaining() == {1}
    row[U2], row[V2] = row[V2], row[U2]
    assert "do not add up" in table.fault()
    assert table.complaining() == {1, 2}


@each
def test_another_r_is_found_by_the_whole_quorum(algorithm: int) -> None:
    """The sums say nothing about R: the numbers behind U and V do."""
    table = Table(algorithm)
    table.rows[1][R] = table.moved(table.rows[1][R], 1)
    assert (table.fault(), table.complaining()) == ("", {1, 2})


def presignature(table: Table, k: int, key: int) -> tuple[list[bytes], dict[int, tuple[int, int]]]:
    """Give one of holders 1 and 2, with a nonce and a key of the dealer's choice: points, and their numbers."""
    group, rng = table.group, seeded("presignature", k)
    u = group.scalar_invert(k)
    u1, v1 = random_scalar(group, rng), random_scalar(group, rng)
    numbers = {1: (u1, v1), 2: ((u - u1) % group.order, (key * u - v1) % group.order)}
    logarithms = [k, *(one * k % group.order for pair in numbers.values() for one in pair)]
    return [group.encode(group.multiply_base(one)) for one in logarithms], numbers


def put_in(table: Table, slot: int, k: int, key: int) -> None:
    """Have the dealer use that presignature for holders 1 and 2, and tell them the numbers that belong to it."""
    points, numbers = presignature(table, k, key)
    table.rows[slot][:5] = points
    for index, pair in numbers.items():
        written = b"".join(map(table.group.encode_scalar, pair))
        table.secrets[index][slot] = written + table.secrets[index][slot][len(written) :]


@each
@pytest.mark.parametrize("negative", [False, True], ids=["R", "-R"])
def test_a_nonce_used_twice_is_found_by_anybody(algorithm: int, negative: bool) -> None:
    """With all the right sums, and all holders content: two messages would give the key."""
    table = Table(algorithm)
    key = table.dealt.undivided.private_numbers().private_value
    k = 12345
    for slot in range(2):
        put_in(table, slot, table.group.order - k if negative and slot else k, key)
    assert table.complaining() == set()
    assert "a second time" in table.fault()
    (one, other) = (EcdsaScheme().marks(table.public, b"".join(row)) for row in table.rows)
    assert next(one) == next(other)  # so a later table with this R is found, too


@each
def test_a_nonce_used_for_two_quorums_is_found_by_anybody(algorithm: int) -> None:
    table = Table(algorithm)
    put_in(table, 1, 777, table.dealt.undivided.private_numbers().private_value)
    table.rows[1][5:10] = table.rows[1][:5]
    assert "a second time" in table.fault()


@each
def test_presignatures_of_another_key(algorithm: int) -> None:
    table = Table(algorithm)
    put_in(table, 1, 12345, table.dealt.undivided.private_numbers().private_value + 1)
    assert "the V of its holders do not add up" in table.fault()
    assert table.complaining() == set()


@each
def test_a_nonce_that_is_not_behind_its_r(algorithm: int) -> None:
    """1/k of another k: U and V stand in base R, so the sums are wrong."""
    table = Table(algorithm)
    points, _ = presignature(table, 12345, table.dealt.undivided.private_numbers().private_value)
    table.rows[1][:5] = [table.moved(points[0], 1), *points[1:]]
    assert table.complaining() == {1, 2}


@each
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_numbers_that_do_not_match_are_found_by_their_holder(algorithm: int, place: int) -> None:
    table = Table(algorithm)
    length = table.group.scalar_length
    right = table.secrets[VICTIM][1]
    start = place * length
    number = table.group.decode_scalar(right[start : start + length])
    for wrong in (number + 1, 0, table.group.order - number, table.group.order, (1 << 8 * length) - 1):
        table.secrets[VICTIM][1] = right[:start] + wrong.to_bytes(length, "big") + right[start + length :]
        assert (table.fault(), table.complaining()) == ("", {VICTIM})


@each
def test_numbers_of_another_holder_slot_or_quorum(algorithm: int) -> None:
    table = Table(algorithm)
    right = table.secrets[VICTIM][1]
    half = len(right) // 2
    for wrong in (table.secrets[1][1], table.secrets[VICTIM][0], right[half:] + right[:half]):
        table.secrets[VICTIM][1] = wrong
        assert table.complaining() == {VICTIM}


@each
def test_rows_of_another_length(algorithm: int) -> None:
    table = Table(algorithm)
    right = table.rows[1]
    for wrong in (right[:-1], [*right, right[0]], []):
        table.rows[1] = wrong
        assert "another length" in table.fault()


@each
def test_a_key_that_is_no_point_and_shares_of_others(algorithm: int) -> None:
    dealt = dealt_by(algorithm, 2, 3)
    for point in (*WRONG_POINTS[algorithm].values(), b""):
        with pytest.raises(ParameterError, match="a point of"):
            dealt.scheme.check_dealing(replace(dealt.public, point=point))
    for share in (EcdsaShare(1), FrostShare(VICTIM, 1)):
        with pytest.raises(ShareError, match=f"another holder.*holder {VICTIM}|holder {VICTIM}.*another holder"):
            dealt.scheme.check_share(dealt.public, VICTIM, share)


@each
def test_no_table_with_a_key_that_is_not_this_one(algorithm: int) -> None:
    dealt, other = dealt_by(algorithm, 2, 3), dealt_by(algorithm, 3, 5)
    with pytest.raises(KeyquorumError, match="not the one of this key record"):
        next(EcdsaScheme().prepare(dealt.public, other.undivided, range(1), None, seeded(), HERE))


@each
def test_what_is_read_out_of_a_table_is_what_was_put_in(algorithm: int) -> None:
    """The tests above speak of places; these are where they should be."""
    table = Table(algorithm)
    row = b"".join(table.rows[1])
    found = presignature_in(table.public, row, 0)
    assert [found.R, *(point for side in found.sides for point in side)] == table.rows[1][:5]
    u, _ = secrets_in(table.public, 1, table.secrets[1][1], (1, 2))
    assert table.group.encode(table.group.multiply(u, table.group.decode(found.R))) == table.rows[1][U1]
