"""From a key to shares and back, with everything that must be refused on the way, by name."""

from dataclasses import replace
from itertools import combinations

import pytest

from keyquorum.errors import KeyquorumError, NotYetError, ParameterError, RefusedError
from keyquorum.escrow.envelope import seal_key
from keyquorum.escrow.keys import ALGORITHMS, generate
from keyquorum.escrow.making import Made
from keyquorum.escrow.recovering import check_envelope, covering_sets, drill, prove, recover
from keyquorum.escrow.shares import Sharing, combine, split
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import ESCROW, Escrow
from tests.escrow.villages import MAKER, escrowed, made_from, order
from tests.threshold.cases import seeded


def resigned(made: Made, **changes: object) -> Signed[Escrow]:
    """The manifest with some fields changed, signed again by its maker."""
    return ESCROW.sign(replace(made.manifest.record, **changes), MAKER)  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_any_m_shares_bring_back_the_key(algorithm: str) -> None:
    key, made = made_from(algorithm, 2, 3)
    for chosen in combinations(made.shares, 2):
        back = recover(made.manifest, made.cms, chosen)
        assert back.pkcs8.reveal() == key.pkcs8.reveal()
        prove(made.manifest, back, seeded(9))


def test_fewer_do_not() -> None:
    _, made = made_from("ED25519", 3, 5)
    with pytest.raises(NotYetError):
        recover(made.manifest, made.cms, made.shares[:2])


def test_the_manifest_says_what_the_key_is() -> None:
    key, made = made_from("ECDSAP256SHA256")
    record = made.manifest.record
    dnskey = key.dnskey()
    assert dnskey is not None
    assert record.dnskey is not None
    assert record.ds is not None
    assert record.dnskey.startswith(". IN DNSKEY 257 3 13 ")
    assert record.ds.startswith(f". IN DS {dnskey.tag} 13 2 ")
    assert [share.fingerprint for share in record.shares] == [share.fingerprint for share in made.shares]
    assert [share.holder for share in record.shares] == ["Alice", "Bob", "Carol"]
    assert ESCROW.read(made.manifest.envelope) == made.manifest


def test_nothing_secret_is_shown() -> None:
    key, made = made_from("ED25519")
    shown = f"{made!r}{made}{key!r}{key}{made.shares!r}"
    for share in made.shares:
        assert share.text not in shown
        assert " ".join(share.words[:5]) not in shown
    assert key.pkcs8.reveal().hex() not in shown
    assert repr(key.pkcs8.reveal()) not in shown


@pytest.mark.parametrize("place", [0, 70, 100, -1])
def test_a_changed_envelope_is_refused_before_decryption(place: int) -> None:
    _, made = made_from("ED25519")
    changed = bytearray(made.cms)
    changed[place] ^= 1
    with pytest.raises(RefusedError, match="the encrypted key was changed"):
        check_envelope(made.manifest, bytes(changed))
    with pytest.raises(RefusedError, match="the encrypted key was changed"):
        recover(made.manifest, bytes(changed), made.shares[:2])


def test_the_envelope_of_another_escrow_is_named() -> None:
    _, made = made_from("ED25519")
    _, other = made_from("ED25519", seed=2)
    with pytest.raises(RefusedError, match="encrypted key of another escrow"):
        recover(made.manifest, other.cms, made.shares[:2])


def test_shares_of_another_escrow_are_refused_before_decryption() -> None:
    _, made = made_from("ED25519")
    _, other = made_from("ED25519", seed=2)
    with pytest.raises(RefusedError, match="not one of this escrow"):
        recover(made.manifest, made.cms, (made.shares[0], other.shares[1]))


def test_a_maker_who_lies_about_the_key_is_found_out() -> None:
    key, made = made_from("ED25519")
    other = generate("ED25519", None, seeded(7))
    manifest = resigned(made, public_key=other.public_key)
    with pytest.raises(RefusedError, match="another key than the one in the manifest"):
        recover(manifest, made.cms, made.shares[:2])
    assert key.public_key != other.public_key


def test_a_manifest_with_other_shares_of_the_same_name_does_not_open_the_envelope() -> None:
    _, made = made_from("ED25519")
    wrong = split(bytes(32), Sharing(1, ((2, 3),)), seeded(5))
    fingerprints = [
        replace(line, fingerprint=share.fingerprint)
        for line, share in zip(made.manifest.record.shares, wrong, strict=True)
    ]
    manifest = resigned(made, shares=tuple(fingerprints))
    with pytest.raises(KeyquorumError, match=r"key-encryption key|another key"):
        recover(manifest, made.cms, wrong[:2])


SHARINGS = [
    Sharing(1, ((1, 1),)),
    Sharing(1, ((2, 2),)),
    Sharing(1, ((3, 7),)),
    Sharing(1, ((16, 16),)),
    Sharing(2, ((2, 3), (2, 3), (2, 3))),
    Sharing(2, ((1, 1), (3, 5), (2, 4))),
    Sharing(3, ((2, 2), (2, 16), (1, 1))),
]


@pytest.mark.parametrize("sharing", SHARINGS, ids=str)
def test_a_drill_uses_every_share_in_sets_that_are_just_enough(sharing: Sharing) -> None:
    key = generate("ED25519", None, seeded(3))
    made = escrowed(key, sharing)
    sets = covering_sets(made.manifest.record)
    assert {number for numbers in sets for number in numbers} == set(range(1, sharing.total + 1))
    for numbers in sets:
        shares = [made.shares[number - 1] for number in numbers]
        with combine(shares):
            pass
        for left_out in numbers:
            with pytest.raises(NotYetError):
                combine([made.shares[number - 1] for number in numbers if number != left_out])


def test_a_drill_signs_with_every_set_and_finds_a_share_that_was_misread() -> None:
    _, made = made_from("RSASHA256", 2, 3)
    shares = dict(enumerate(made.shares, 1))
    assert drill(made.manifest, made.cms, shares, seeded(4)).sets == ((1, 2), (1, 3))
    _, other = made_from("ED25519", seed=8)
    with pytest.raises(RefusedError):
        drill(made.manifest, made.cms, shares | {3: other.shares[2]}, seeded(4))


def test_an_order_names_everybody_or_nobody() -> None:
    with pytest.raises(ParameterError, match="2 holders are named for 3 shares"):
        order(Sharing(1, ((2, 3),)), holders=("Alice", "Bob"))


def test_sealing_anew_gives_another_envelope() -> None:
    key, made = made_from("ED25519")
    assert seal_key(key.pkcs8.reveal(), bytes(32), seeded(1)) != made.cms
