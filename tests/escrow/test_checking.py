"""Pages and typed words against the manifest: what each is, by name, and no message with a word of a share."""

import random
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic.rs1024 import create_checksum  # type: ignore[import-untyped]

from keyquorum.errors import NotYetError, RefusedError, UsageError
from keyquorum.escrow import checking
from keyquorum.escrow.checking import Collection, Finding, FindingKind, check_manifest, examine, named
from keyquorum.escrow.recovering import recover
from keyquorum.escrow.shares import Share
from keyquorum.escrow.wordlist import WORDS
from tests.escrow.manifests import PLAIN, SITES, forged, made, resigned
from tests.escrow.villages import MAKER, made_from
from tests.records.people import PEOPLE

VILLAGE = made()
MANIFEST, SHARES = VILLAGE.manifest, VILLAGE.shares
ID = MANIFEST.id[:10]
OTHER = made(PLAIN, 2)


def silent(finding: Finding, share: Share) -> Finding:
    """Check that nothing a person may log says a word of the share."""
    shown = f"{finding!r} {finding.what} {finding.do}"
    for mark in ",;:.()'\"":
        shown = shown.replace(mark, " ")
    assert not {word for word in share.words[4:] if len(word) > 5} & set(shown.split()) - {
        "another",
        "forward",
        "member",
    }
    return finding


def spoilt(share: Share, *places: int) -> str:
    words = list(share.words)
    for place in places:
        words[place] = WORDS[(WORDS.index(words[place]) + 100) % 1024]
    return " ".join(words)


@pytest.mark.parametrize("number", range(1, 8))
def test_an_intact_share(number: int) -> None:
    share = SHARES[number - 1]
    for finding in (
        examine(MANIFEST, share.text.upper(), escrow_id=ID, number=number),
        examine(MANIFEST, share.text, number=number),
        examine(MANIFEST, share.text),
    ):
        silent(finding, share)
        assert finding.kind is FindingKind.INTACT
        assert finding.intact
        assert finding.number == number
        assert finding.share == share
        assert finding.proposal is None
        assert finding.what == f"share {number} ({MANIFEST.record.shares[number - 1].holder}): intact"


def test_a_wrong_word_is_proposed_and_taken_only_when_confirmed() -> None:
    for number in (None, 3):
        finding = silent(examine(MANIFEST, spoilt(SHARES[2], 10), number=number), SHARES[2])
        assert finding.kind is FindingKind.CORRECTABLE
        assert not finding.intact
        assert finding.share is None
        assert finding.what == "share 3 (Carol): word 11 is wrong"
        assert finding.proposal is not None
        assert finding.proposal.changes == ((11, SHARES[2].words[10]),)
        with pytest.raises(RefusedError, match="word 11 is wrong"):
            Collection(MANIFEST).add(finding)
        corrected = finding.corrected()
        assert corrected.intact
        assert corrected.share == SHARES[2]
        assert Collection(MANIFEST).add(corrected).number == 3


def test_there_is_nothing_to_correct_in_other_findings() -> None:
    with pytest.raises(UsageError):
        examine(MANIFEST, SHARES[0].text).corrected()
    with pytest.raises(UsageError):
        examine(MANIFEST, "academic").corrected()


def test_a_page_of_another_escrow() -> None:
    by_page = silent(
        examine(MANIFEST, OTHER.shares[0].text, escrow_id=OTHER.manifest.id[:10], number=1), OTHER.shares[0]
    )
    by_words = silent(examine(MANIFEST, OTHER.shares[0].text, number=1), OTHER.shares[0])
    with_error = silent(examine(MANIFEST, spoilt(OTHER.shares[0], 20), number=1), OTHER.shares[0])
    for finding in (by_page, by_words, with_error):
        assert finding.kind is FindingKind.OTHER_ESCROW
        assert "another escrow" in finding.what
        with pytest.raises(RefusedError, match="another escrow"):
            Collection(MANIFEST).add(finding)
    # The words are this escrow's, but the page says it is another's: that has to be found out first.
    assert examine(MANIFEST, SHARES[0].text, escrow_id=bytes(10), number=1).kind is FindingKind.OTHER_ESCROW


@pytest.mark.parametrize(
    "share",
    [
        forged(SHARES[0], value=bytes(32)),
        forged(SHARES[0], index=9),
        forged(SHARES[0], member_threshold=2),
        forged(SHARES[0], iteration_exponent=1),
        forged(SHARES[0], extendable=True),
        forged(OTHER.shares[0], identifier=MANIFEST.record.identifier),
    ],
    ids=["value", "index", "threshold", "exponent", "extendable", "identifier"],
)
def test_a_forged_share(share: Share) -> None:
    for number in (None, 1):
        finding = silent(examine(MANIFEST, share.text, escrow_id=ID, number=number), share)
        assert finding.kind is FindingKind.FORGED
        assert "forged" in finding.what
        with pytest.raises(RefusedError, match="forged"):
            Collection(MANIFEST).add(finding)


@pytest.mark.parametrize("damage", [(), (9,), (9, 20)])
@pytest.mark.parametrize("number", [5, 0, 8, 900])
def test_a_swapped_label(damage: tuple[int, ...], number: int) -> None:
    finding = silent(examine(MANIFEST, spoilt(SHARES[1], *damage), escrow_id=ID, number=number), SHARES[1])
    assert finding.kind is FindingKind.SWAPPED
    assert finding.what == f"the words are those of share 2 (Bob), but it is said to be share {number}"
    assert finding.proposal is None
    assert finding.share is None
    with pytest.raises(RefusedError, match=r"share 2 \(Bob\), but"):
        Collection(MANIFEST).add(finding)


@pytest.mark.parametrize(
    ("text", "what", "do"),
    [
        ("academic acid", "2 words, where a share has 33", "with their numbers"),
        ("", "0 words, where a share has 33", "with their numbers"),
        (spoilt(SHARES[0], *range(5, 30)), "the checksum is wrong", "Too many words differ"),
        (
            " ".join("zzzz" if place > 10 else word for place, word in enumerate(SHARES[0].words)),
            "words 12, 13, 14,.* not in the list",
            "Look at these words",
        ),
        ("1. academic 1. acid", "two words have the number 1", "Correct the numbers"),
        ("academic " * 600, "5400 characters", ""),
    ],
)
def test_what_cannot_be_read(text: str, what: str, do: str) -> None:
    for number in (None, 1):
        finding = silent(examine(MANIFEST, text, number=number), SHARES[0])
        assert finding.kind is FindingKind.UNREADABLE
        assert do in finding.do
        assert finding.number == number
        with pytest.raises(RefusedError, match=what):
            Collection(MANIFEST).add(finding)
        assert finding.what.startswith("share 1 (Alice): ") == (number == 1)


def test_what_one_word_would_make_of_no_share_is_unreadable() -> None:
    values = [WORDS.index(word) for word in forged(SHARES[0], value=bytes(32)).words]
    values[4] |= 1 << 9  # padding, which no share has
    values[30:] = create_checksum(values[:30], b"shamir")
    values[20] ^= 1
    finding = examine(MANIFEST, " ".join(WORDS[value] for value in values), number=1)
    assert finding.kind is FindingKind.UNREADABLE


def test_a_manifest_that_contradicts_a_share_is_refused() -> None:
    entries = MANIFEST.record.shares
    exchanged = (
        replace(entries[0], fingerprint=entries[1].fingerprint),
        replace(entries[1], fingerprint=entries[0].fingerprint),
        *entries[2:],
    )
    with pytest.raises(RefusedError, match=r"manifest: it says of share 2 \(Bob\)"):
        examine(resigned(MANIFEST, shares=exchanged), SHARES[0].text)
    with pytest.raises(RefusedError, match="manifest: "):
        examine(resigned(MANIFEST, identifier=MANIFEST.record.identifier ^ 1), SHARES[0].text)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200) | st.lists(st.sampled_from([*WORDS[:40], "?", "1.", "2)"]), max_size=40).map(" ".join))
def test_any_text_gives_a_finding(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checking, "EFFORT", 1000)
        assert examine(MANIFEST, text, escrow_id=ID, number=2).kind is FindingKind.UNREADABLE


def test_a_collection_counts_and_refuses_by_name() -> None:
    collection = Collection(MANIFEST)
    assert collection.progress == "0 of 3 shares"
    with pytest.raises(NotYetError, match=r"there are 0 of 3 shares. Who can still help: share 1 \(Alice\), share 2"):
        collection.chosen()
    for count, number in enumerate((4, 2), 1):
        assert collection.add(examine(MANIFEST, SHARES[number - 1].text)).number == number
        assert collection.progress == f"{count} of 3 shares"
    assert [entry.number for entry in collection.wanted] == [1, 3, 5, 6, 7]
    with pytest.raises(
        RefusedError, match=r"share 4 \(Dave\) was given already. Who can still help: share 1 \(Alice\)"
    ):
        collection.add(examine(MANIFEST, SHARES[3].text, number=4))
    with pytest.raises(NotYetError):
        collection.combine()
    collection.add(examine(MANIFEST, SHARES[6].text))
    assert collection.complete
    assert collection.wanted == ()
    with pytest.raises(RefusedError, match=r"share 1 \(Alice\) is not needed"):
        collection.add(examine(MANIFEST, SHARES[0].text))
    assert [share.member for share in collection.chosen()] == [1, 3, 6]
    with recover(MANIFEST, VILLAGE.cms, collection.chosen()) as key, collection.combine() as kek:
        assert key.public_key == MANIFEST.record.public_key
        assert len(kek) == 32
    assert repr(collection) == "Collection(3 of 3 shares)"
    collection.clear()
    assert collection.progress == "0 of 3 shares"


def test_a_finding_of_another_manifest_is_refused() -> None:
    finding = examine(OTHER.manifest, OTHER.shares[0].text)
    with pytest.raises(RefusedError, match="another manifest"):
        Collection(MANIFEST).add(finding)


def test_sites_and_people() -> None:
    village = made(SITES)
    collection = Collection(village.manifest)
    assert collection.progress == "0 of 2 groups: no share"

    def give(number: int) -> None:
        assert collection.add(examine(village.manifest, village.shares[number - 1].text)).number == number

    give(1)
    give(4)
    assert collection.progress == "0 of 2 groups: Site 1 1 of 2, Site 2 1 of 2"
    give(3)
    assert collection.progress == "1 of 2 groups: Site 1 2 of 2, Site 2 1 of 2"
    assert [entry.number for entry in collection.wanted] == [5, 6, 7, 8, 9]
    with pytest.raises(RefusedError, match=r"share 2 \(Bob\) is not needed: there are enough of its group"):
        give(2)
    give(8)
    with pytest.raises(NotYetError, match=r"there are 1 of 2 groups: .*Site 3 1 of 2. Who can still help: share 5 "):
        collection.chosen()
    give(9)
    assert collection.complete
    assert [(share.group, share.member) for share in collection.chosen()] == [(0, 0), (0, 2), (2, 1), (2, 2)]
    with recover(village.manifest, village.cms, collection.chosen()) as key:
        assert key.public_key == village.manifest.record.public_key


def test_any_order_of_giving_comes_to_the_same_key() -> None:
    keys = set()
    for order in list(permutations(range(7), 3))[::20]:
        collection = Collection(MANIFEST)
        for place in order:
            collection.add(examine(MANIFEST, SHARES[place].text))
        keys.add(collection.combine().reveal())
    assert len(keys) == 1


def test_names() -> None:
    entry = MANIFEST.record.shares[0]
    assert named(entry) == "share 1 (Alice)"
    assert named(replace(entry, holder="")) == "share 1"


@pytest.mark.parametrize("algorithm", ["ED25519", "ED448", "RSASHA256", "ECDSAP256SHA256", "ML-DSA-44"])
def test_a_true_manifest(algorithm: str) -> None:
    _, village = made_from(algorithm)
    check_manifest(village.manifest)
    check_manifest(village.manifest, MAKER.verification_key)


def test_a_manifest_signed_by_another_is_refused_by_name() -> None:
    with pytest.raises(RefusedError, match=r"manifest: it is signed by rita \(\w+ \w+ \w+ \w+\), who is not the maker"):
        check_manifest(MANIFEST, PEOPLE["bob"].verification_key)


def test_a_manifest_that_contradicts_itself_is_refused() -> None:
    other, mldsa = OTHER.manifest.record, made_from("ML-DSA-44")[1].manifest
    record = MANIFEST.record
    assert record.ds is not None
    for changes, what in (
        ({"public_key": other.public_key}, "its DNSKEY is not that of its public key"),
        ({"dnskey": other.dnskey}, "its DNSKEY is not that of its public key"),
        ({"dnskey": None, "ds": None}, "its DNSKEY is not that of its public key"),
        ({"ds": other.ds}, "its DS is not that of its DNSKEY"),
        ({"ds": record.ds[:-1] + ("0" if record.ds[-1] != "0" else "1")}, "its DS is not that of its DNSKEY"),
    ):
        with pytest.raises(RefusedError, match=f"manifest: {what}"):
            check_manifest(resigned(MANIFEST, **changes))
    with pytest.raises(RefusedError, match="ML-DSA-44 has no DNSSEC number"):
        check_manifest(resigned(mldsa, dnskey=record.dnskey, ds=record.ds))


def test_findings_are_told_apart_at_random() -> None:
    """Shares with up to three wrong words are never taken for anything but what they are."""
    chance = random.Random(7)
    for _ in range(30):
        number = chance.randrange(1, 8)
        damage = chance.sample(range(33), chance.randrange(4))
        finding = examine(MANIFEST, spoilt(SHARES[number - 1], *damage), number=number)
        assert finding.kind is (FindingKind.CORRECTABLE if damage else FindingKind.INTACT)
        assert finding.number == number
