"""The checksum as a code; the library's own arithmetic is the judge."""

from hypothesis import given
from hypothesis import strategies as st
from shamir_mnemonic.rs1024 import create_checksum  # type: ignore[import-untyped]

from keyquorum.escrow.rs1024 import contributions, multiply, single_error, solve, solver, syndromes

VALUES = st.integers(0, 1023)
DATA = st.lists(VALUES, min_size=30, max_size=30)
CHANGES = st.integers(1, 1023)


def codeword(data: list[int]) -> list[int]:
    return [*data, *create_checksum(data, b"shamir")]


def test_the_generator_is_that_of_the_standard() -> None:
    """SLIP-0039 gives x^3 times 2^i modulo the generator; for i = 0 that is the generator's lower terms: 0xE0E040."""
    generator, root = [1], 2
    for _ in range(3):
        raised, lowered = [*generator, 0], [0, *(multiply(root, term) for term in generator)]
        generator = [a ^ b for a, b in zip(raised, lowered, strict=True)]
        root = multiply(root, 2)
    assert generator == [1, 0xE0E040 >> 20, 0xE0E040 >> 10 & 1023, 0xE0E040 & 1023]


@given(a=VALUES, b=VALUES, c=VALUES)
def test_the_field_is_one(a: int, b: int, c: int) -> None:
    assert multiply(a, b) == multiply(b, a)
    assert multiply(a, multiply(b, c)) == multiply(multiply(a, b), c)
    assert multiply(a, b ^ c) == multiply(a, b) ^ multiply(a, c)
    assert multiply(a, 1) == a
    assert (multiply(a, b) == 0) == (0 in (a, b))


@given(data=DATA)
def test_what_the_library_signs_has_no_syndromes(data: list[int]) -> None:
    assert syndromes(codeword(data)) == 0


@given(data=DATA, position=st.integers(0, 32), change=CHANGES)
def test_one_wrong_word_is_found_wherever_it_is(data: list[int], position: int, change: int) -> None:
    values = codeword(data)
    values[position] ^= change
    assert single_error(syndromes(values)) == (position, change)


@given(
    data=DATA, wrong=st.lists(st.tuples(st.integers(0, 32), CHANGES), min_size=2, max_size=2, unique_by=lambda w: w[0])
)
def test_two_wrong_words_never_pass_for_none(data: list[int], wrong: list[tuple[int, int]]) -> None:
    values = codeword(data)
    for position, change in wrong:
        values[position] ^= change
    assert syndromes(values) != 0


@given(
    data=DATA,
    positions=st.lists(st.integers(0, 32), min_size=3, max_size=3, unique=True),
    changes=st.lists(VALUES, min_size=3, max_size=3),
)
def test_three_wrong_words_in_known_places_are_solved(
    data: list[int], positions: list[int], changes: list[int]
) -> None:
    values = codeword(data)
    for position, change in zip(positions, changes, strict=True):
        values[position] ^= change
    packed = solve(solver(*positions), syndromes(values))
    assert [packed >> 20, packed >> 10 & 1023, packed & 1023] == changes


@given(power=st.integers(0, 1022), change=CHANGES)
def test_a_place_that_no_word_has_is_not_found(power: int, change: int) -> None:
    """Syndromes as one wrong word would make them at x^power: only the first 33 are words."""
    root, terms = 1, [change]
    for _ in range(power):
        root = multiply(root, 2)
    for _ in range(3):
        terms.append(multiply(terms[-1], root))
    found = single_error(terms[1] << 20 | terms[2] << 10 | terms[3])
    assert found == ((32 - power, change) if power < 33 else None)


@given(data=DATA, position=st.integers(0, 32), change=VALUES)
def test_contributions_are_what_a_word_adds(data: list[int], position: int, change: int) -> None:
    values = codeword(data)
    values[position] ^= change
    assert syndromes(values) == contributions(position)[change]
