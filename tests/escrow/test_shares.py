"""The key-encryption key into shares and back; the judges are SLIP-39's own tool and sha256sum."""

import copy
import pickle
import shutil
import subprocess
import sys
import threading
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic import shamir as library  # type: ignore[import-untyped]
from shamir_mnemonic.share import Share as LibraryShare  # type: ignore[import-untyped]

from keyquorum.errors import LimitError, MalformedError, NotYetError, ParameterError, RefusedError
from keyquorum.escrow import shares as ours
from keyquorum.escrow.secret import Secret
from keyquorum.escrow.shares import Share, Sharing, combine, fingerprint, header, read_share, split
from keyquorum.escrow.wordlist import WORDS
from tests.threshold.cases import seeded

KEK = bytes(range(100, 132))
PLAIN = Sharing(1, ((3, 5),))
SITES = Sharing(2, ((2, 3), (2, 3), (2, 3)))
SHARES = split(KEK, PLAIN, seeded("shares"))
SITE_SHARES = split(KEK, SITES, seeded("sites"))


def forged(share: Share, **changes: object) -> Share:
    """A share with other numbers or another value, and a checksum that is right."""
    real = LibraryShare.from_mnemonic(share.text)
    fields = {**vars(real), **changes}
    return read_share(LibraryShare(**fields).mnemonic())


def other_value(share: Share) -> Share:
    return forged(share, value=bytes(32))


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_m_of_n_give_the_key_and_fewer_do_not(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 16))
    threshold = data.draw(st.integers(2, size))
    kek = data.draw(st.binary(min_size=32, max_size=32))
    made = split(kek, Sharing(1, ((threshold, size),)), seeded(data.draw(st.integers())))
    assert [(share.group, share.member) for share in made] == [(0, member) for member in range(size)]
    chosen = data.draw(st.permutations(made))
    assert combine(chosen[:threshold]).reveal() == kek
    with pytest.raises(NotYetError, match="1 more"):
        combine(chosen[: threshold - 1])


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_any_sharing_by_groups(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(2, 5), min_size=1, max_size=4))
    groups = tuple((data.draw(st.integers(2, size)), size) for size in sizes)
    sharing = Sharing(data.draw(st.integers(1, len(groups))), groups)
    made = split(KEK, sharing, seeded(data.draw(st.integers())))
    assert len(made) == sharing.total == sum(sizes)
    chosen = data.draw(st.permutations(range(len(groups))))[: sharing.group_threshold]
    members = [data.draw(st.permutations([s for s in made if s.group == g]))[: groups[g][0]] for g in chosen]
    enough = [share for group in members for share in group]
    assert combine(enough).reveal() == KEK
    with pytest.raises(NotYetError):
        combine(enough[:-1])


def test_two_of_three_sites_and_at_each_two_of_three_people() -> None:
    for sites in combinations(range(3), 2):
        people = [
            list(combinations([share for share in SITE_SHARES if share.group == site], 2)) for site in sites
        ]  # fmt: skip
        for here in people[0]:
            for there in people[1]:
                assert combine([*here, *there]).reveal() == KEK


def test_more_than_enough_are_welcome() -> None:
    assert combine(SHARES).reveal() == KEK
    assert combine(SITE_SHARES).reveal() == KEK
    assert combine([*SITE_SHARES[:5], SITE_SHARES[6]]).reveal() == KEK


def test_one_of_one_is_allowed() -> None:
    (only,) = split(KEK, Sharing(1, ((1, 1),)), seeded(1))
    assert combine([only]).reveal() == KEK


@pytest.mark.parametrize(
    ("threshold", "groups", "what"),
    [
        (1, (), "0 groups"),
        (1, ((2, 3),) * 17, "17 groups"),
        (0, ((2, 3),), "0 of 1 groups"),
        (2, ((2, 3),), "2 of 1 groups"),
        (1, ((0, 3),), "0 of 3 shares"),
        (1, ((4, 3),), "4 of 3 shares"),
        (1, ((2, 17),), "17 shares"),
        (1, ((0, 0),), "0 shares"),
        (1, ((1, 2),), "one share alone would be the key"),
        (1, ((2, 3), (1, 1)), "group 2: one share alone would be the key"),
        (2, ((2, 3), (1, 2)), "group 2: one share alone would be all of its group's part"),
    ],
)
def test_sharings_that_are_refused(threshold: int, groups: tuple[tuple[int, int], ...], what: str) -> None:
    with pytest.raises(ParameterError, match=what):
        Sharing(threshold, groups)


def test_a_group_of_one_may_stand_beside_others_that_are_needed_too() -> None:
    made = split(KEK, Sharing(2, ((2, 2), (1, 1))), seeded(1))
    assert combine(made).reveal() == KEK


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ParameterError, match="32 bytes"):
        split(bytes(length), PLAIN, seeded(1))


def test_all_randomness_comes_from_the_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: int) -> bytes:
        raise AssertionError("the library drew randomness of its own")

    monkeypatch.setattr(library, "RANDOM_BYTES", never)
    monkeypatch.setattr("secrets.token_bytes", never)
    monkeypatch.setattr("os.urandom", never)
    assert split(KEK, PLAIN, seeded("shares")) == SHARES
    assert split(KEK, PLAIN, seeded("other")) != SHARES
    assert library.RANDOM_BYTES is never


def test_the_librarys_source_is_put_back_whatever_happens() -> None:
    before = library.RANDOM_BYTES
    calls: list[int] = []

    def failing(length: int) -> bytes:
        calls.append(length)
        if len(calls) > 2:
            raise OSError("no more")
        return bytes(length)

    with pytest.raises(OSError, match="no more"):
        split(KEK, PLAIN, failing)
    assert library.RANDOM_BYTES is before
    assert split(KEK, PLAIN, seeded("shares")) == SHARES


def test_a_source_that_gives_too_little_is_refused() -> None:
    with pytest.raises(ValueError, match="another number of bytes"):
        split(KEK, PLAIN, lambda length: bytes(min(length, 8)))


def test_threads_do_not_mix_their_randomness() -> None:
    found: dict[int, tuple[Share, ...]] = {}

    def work(seed: int) -> None:
        found[seed] = split(KEK, SITES, seeded(seed))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {seed: split(KEK, SITES, seeded(seed)) for seed in range(6)}


@pytest.mark.parametrize("spoilt", [other_value, lambda _: SITE_SHARES[0]], ids=["value", "place"])
def test_shares_that_do_not_give_the_key_are_never_handed_out(monkeypatch: pytest.MonkeyPatch, spoilt: object) -> None:
    real = ours.read_share
    calls: list[Share] = []

    def reading(text: str) -> Share:
        calls.append(real(text))
        return spoilt(calls[-1]) if len(calls) == 5 else calls[-1]  # type: ignore[operator]

    monkeypatch.setattr(ours, "read_share", reading)
    with pytest.raises(RefusedError):
        split(KEK, PLAIN, seeded("shares"))


def test_shares_of_another_key_are_never_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "combine", lambda _: Secret(bytes(32)))
    with pytest.raises(RefusedError, match="do not give the key back"):
        split(KEK, PLAIN, seeded("shares"))


def test_a_share_says_what_it_is_and_never_its_words() -> None:
    share = SITE_SHARES[4]
    assert (share.group, share.group_threshold, share.group_count) == (1, 2, 3)
    assert (share.member, share.member_threshold) == (1, 2)
    assert share.identifier == SITE_SHARES[0].identifier
    assert len(share.words) == 33
    assert share.text == " ".join(share.words)
    assert share.place == "member 2 of group 2"
    assert SHARES[0].place == "member 1"
    assert not any(word in repr(share) for word in share.words[4:] if word not in {"member", "group"})
    for dump in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            dump(share)


def test_shares_are_equal_by_their_words() -> None:
    again = read_share(SHARES[0].text)
    assert again == SHARES[0]
    assert hash(again) == hash(SHARES[0])
    assert again != SHARES[1]
    assert again != SHARES[0].text


def test_the_header_is_what_the_words_begin_with() -> None:
    for share in (*SHARES, *SITE_SHARES):
        numbers = (share.group, share.group_threshold, share.group_count, share.member, share.member_threshold)
        assert [WORDS[value] for value in header(share.identifier, *numbers)] == list(share.words[:4])


def test_our_form_is_the_one_that_old_tools_know() -> None:
    assert not SHARES[0].extendable
    assert SHARES[0].iteration_exponent == 0


def test_the_shamir_tool_gives_the_key_back() -> None:
    tool = shutil.which("shamir", path=str(Path(sys.executable).parent))
    assert tool
    for chosen in (SHARES[1:4], [*SITE_SHARES[:2], *SITE_SHARES[7:]]):
        typed = "".join(share.text + "\n" for share in chosen)
        done = subprocess.run([tool, "recover"], input=typed, capture_output=True, text=True, check=True)
        assert f"Your master secret is: {KEK.hex()}" in done.stdout


def test_the_fingerprint_is_what_sha256sum_says() -> None:
    for share in SHARES:
        command = f"printf '%s' '{share.text}' | sha256sum"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
        assert done.stdout.split()[0] == share.fingerprint.hex() == fingerprint(share.text.upper()).hex()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda words: [*words[:6], "nonsense", *words[7:]], "word 7 is not in the list"),
        (lambda words: ["?", *words[1:8], "nonsense", *words[9:32], "x"], "words 1, 9 and 33 are not in the list"),
        (lambda words: words[:32], "32 words, where a share has 33"),
        (lambda words: [*words, "nonsense"], "34 words, where a share has 33; word 34 is not in the list"),
        (lambda _: [], "0 words, where a share has 33"),
        (lambda words: [*words[:9], words[10], words[9], *words[11:]], "the checksum is wrong"),
    ],
)
def test_what_is_wrong_is_said_without_a_word(change: object, what: str) -> None:
    typed = change(list(SHARES[0].words))  # type: ignore[operator]
    with pytest.raises(MalformedError, match=what) as caught:
        read_share(" ".join(typed))
    said = str(caught.value)
    assert "nonsense" not in said
    assert not set(said.replace(",", "").split()) & set(SHARES[0].words[4:])


def test_far_too_much_text_is_refused() -> None:
    with pytest.raises(LimitError):
        read_share("academic " * 1000)


def test_a_checksum_over_what_is_no_share_is_refused_without_the_words() -> None:
    impossible = forged(SHARES[0])
    values = [WORDS.index(word) for word in impossible.words]
    values[4] |= 1 << 9  # padding
    from shamir_mnemonic.rs1024 import create_checksum  # type: ignore[import-untyped]

    values[30:] = create_checksum(values[:30], b"shamir")
    with pytest.raises(MalformedError, match="this is not a share") as caught:
        read_share(" ".join(WORDS[value] for value in values))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_shares_that_do_not_belong_together_are_refused_by_name() -> None:
    first, second, third, *_ = SHARES
    cases = [
        ([first, forged(second, identifier=first.identifier ^ 1)], "member 1 and member 2 .* different escrows"),
        ([first, forged(second, iteration_exponent=1)], "member 1 and member 2 do not agree on how the key"),
        ([first, forged(second, extendable=True)], "member 1 and member 2 do not agree on how the key"),
        ([first, forged(second, group_count=2)], "do not agree on how the key"),
        ([SITE_SHARES[0], forged(SITE_SHARES[1], group_threshold=3)], "do not agree on how the key"),
        ([first, forged(second, member_threshold=2)], "member 1 and member 2 do not agree on how many"),
        ([first, second, read_share(first.text)], "member 1 was given twice"),
        ([first, second, forged(third, index=0)], "two different shares of member 1"),
        ([first, second, forged(third, index=4)], "do not fit together"),
        ([first, second, other_value(third)], "one of them is forged"),
        ([first, second, third, other_value(SHARES[3])], "one of them is forged"),
        ([*SITE_SHARES[:2], *SITE_SHARES[3:4], other_value(SITE_SHARES[4])], "group 2: .* forged"),
        ([SITE_SHARES[0], SITE_SHARES[0]], "member 1 of group 1 was given twice"),
    ]
    for given_shares, what in cases:
        with pytest.raises(RefusedError, match=what):
            combine(given_shares)


def test_a_group_that_agrees_in_itself_but_is_of_another_key_is_refused() -> None:
    others = split(bytes(32), SITES, seeded("sites"))
    assert others[0].identifier == SITE_SHARES[0].identifier
    with pytest.raises(RefusedError, match="do not fit together"):
        combine([*SITE_SHARES[:2], *others[3:5]])
    with pytest.raises(RefusedError, match="do not fit together"):
        combine([*SITE_SHARES[:5], *others[6:8]])


def test_what_is_missing_is_said() -> None:
    for given_shares, what in [
        ([], "no shares yet"),
        (SHARES[:1], "1 of 3 shares are there: 2 more"),
        (SITE_SHARES[:1], "0 of 2 groups are complete: group 1 needs 1 more, 1 more group of 3"),
        (SITE_SHARES[:3], "1 of 2 groups are complete: 1 more group of 3"),
        ([SITE_SHARES[0], SITE_SHARES[3]], "group 1 needs 1 more, group 2 needs 1 more"),
        ([*SITE_SHARES[:2], SITE_SHARES[8]], "1 of 2 groups are complete: group 3 needs 1 more"),
    ]:
        with pytest.raises(NotYetError, match=what):
            combine(given_shares)
