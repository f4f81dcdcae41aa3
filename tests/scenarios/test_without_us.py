"""Without us: the printed pages, stock tools and somebody who follows the instructions, and the private key comes back.

Between the PDF and the key nothing of keyquorum runs (``outside``); it makes the pages, and knows the key to compare.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Protocol

import pypdfium2  # type: ignore[import-untyped]
import pytest

from keyquorum.escrow.envelope import read_envelope
from keyquorum.escrow.keys import EscrowKey
from keyquorum.escrow.making import Made
from keyquorum.escrow.shares import Sharing
from keyquorum.paper.pages import Sheet, instruction_pages, key_pages, share_pages
from keyquorum.paper.sheet import Paper
from tests.escrow.keys import key
from tests.escrow.villages import escrowed
from tests.scenarios.outside import Outsider, commands, printed, sitting_down

PLAIN = Sharing(1, ((2, 3),))
Case = tuple[str, int | None]
EVERY: list[Case] = [
    ("ED25519", None),
    ("RSASHA256", 4096),
    ("RSASHA256", 2048),
    ("ECDSAP256SHA256", None),
    ("ECDSAP384SHA384", None),
    ("ED448", None),
]


@cache
def made(case: Case, sharing: Sharing = PLAIN, *, rehearsal: bool = False) -> tuple[EscrowKey, Made]:
    one = key(*case)
    return one, escrowed(one, sharing, rehearsal=rehearsal, zone="example.")


@cache
def drawn(case: Case, paper: Paper, sharing: Sharing, rehearsal: bool) -> dict[str, bytes]:
    _, escrow = made(case, sharing, rehearsal=rehearsal)
    sheet = Sheet(escrow.manifest, escrow.cms, paper)
    pages = {"key.pdf": key_pages(sheet), "instructions.pdf": instruction_pages(sheet)}
    for number, share in enumerate(escrow.shares, 1):
        pages[f"share-{number}.pdf"] = share_pages(sheet, number, share.text)
    return pages


class Sit(Protocol):
    """Puts an escrow on paper and gives somebody who sits before it."""

    def __call__(
        self,
        case: Case = EVERY[0],
        paper: Paper = "A4",
        sharing: Sharing = PLAIN,
        *,
        rehearsal: bool = False,
    ) -> Outsider: ...


@pytest.fixture
def outsider(tmp_path: Path) -> Iterator[Sit]:
    def sit(
        case: Case = EVERY[0],
        paper: Paper = "A4",
        sharing: Sharing = PLAIN,
        *,
        rehearsal: bool = False,
    ) -> Outsider:
        for name, page in drawn(case, paper, sharing, rehearsal).items():
            (tmp_path / name).write_bytes(page)
        return Outsider(tmp_path, terminal)

    with sitting_down() as terminal:
        yield sit


def ends_well(person: Outsider, one: EscrowKey) -> None:
    """Compare, decrypt, and compare again, as the instructions say; then what came of it with the key."""
    compare_encrypted(person)
    assert person.follow("5 ") == ""
    confirmed, dnskey = person.follow("6 ").split("  -\n")
    assert confirmed == person.step("6 ").after("must print") == person.value("the public key")
    assert dnskey == person.dnskey()
    assert person.follow("7 ") == ""
    assert (person.directory / "key.der").read_bytes() == one.pkcs8.reveal()
    assert "BEGIN PRIVATE KEY" in (person.directory / "key.pem").read_text()


def compare_encrypted(person: Outsider) -> None:
    assert person.follow("4 ") == "key.cms: OK\n"
    assert person.value("key.cms") in person.step("4 ").commands[0]


@pytest.mark.parametrize(("case", "paper"), [(EVERY[0], "A4"), (EVERY[1], "Letter")], ids=["ED25519", "RSA-4096"])
def test_every_step_and_both_ways_to_the_encrypted_key(case: Case, paper: Paper, outsider: Sit) -> None:
    person = outsider(case, paper)
    shares = {number: person.words(number) for number in (1, 2, 3)}
    for number, words in shares.items():
        assert {person.check(words)} == person.fingerprints(number)
    secrets = {person.recover([shares[number] for number in pair]) for pair in ((1, 2), (3, 1), (2, 3))}
    assert len(secrets) == 1
    person.key_from_codes()
    compare_encrypted(person)
    (person.directory / "key.cms").unlink()
    assert person.key_from_text() == person.checks()
    ends_well(person, made(case)[0])
    assert {person.check_picture(1)} == {(person.fingerprints(1).pop(), shares[1])}
    told = [command for title, step in person.steps.items() if title[0].isdigit() for command in step.commands]
    assert set(told) <= set(person.terminal.typed)


@pytest.mark.parametrize("case", EVERY[3:], ids=[name for name, _ in EVERY[3:]])
def test_the_other_algorithms(case: Case, outsider: Sit) -> None:
    person = outsider(case)
    person.recover([person.words(2), person.words(3)])
    person.key_from_text()
    ends_well(person, made(case)[0])


def test_from_pictures_only(outsider: Sit) -> None:
    sites = Sharing(2, ((2, 3), (2, 2)))
    person = outsider(EVERY[2], "Letter", sites, rehearsal=True)
    shares = []
    for number in (5, 1, 4, 3):
        fingerprint, words = person.check_picture(number)
        assert {fingerprint} == person.fingerprints(number)
        shares.append(words)
    person.recover(shares)
    person.key_from_codes()
    ends_well(person, made(EVERY[2])[0])


def test_a_wrong_word_is_told(outsider: Sit) -> None:
    person = outsider()
    words = person.words(1).split()
    words[4] = "alto" if words[4] != "alto" else "acid"
    assert person.check(" ".join(words)) not in person.fingerprints(1)
    assert person.check(person.words(2)) not in person.fingerprints(1)
    assert person.check(person.words(1)) in person.fingerprints(1)


def pieces(secret: bytes, length: int = 8) -> set[bytes]:
    return {secret[at : at + length] for at in range(len(secret) - length + 1)}


def traces(directory: Path, secret: bytes) -> list[Path]:
    """Give the files that hold eight bytes in a row of ``secret``."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [path for path in files if pieces(path.read_bytes()) & pieces(secret)]


@pytest.mark.parametrize("of", ["instructions", "share"])
def test_a_changed_file_leaves_no_plaintext(of: str, outsider: Sit) -> None:
    one, escrow = made(EVERY[0])
    person = outsider()
    person.recover([person.words(1), person.words(2)])
    page = person.papers / f"{'share-1' if of == 'share' else of}.pdf"
    (decrypt,) = [each for each in commands(printed(page, "-layout")) if "in key.cms" in each]
    seed = one.pkcs8.reveal()[-32:]
    envelope = read_envelope(escrow.cms)
    text = escrow.cms.index(envelope.ciphertext)
    places = {
        "wrapped key": escrow.cms.index(envelope.wrapped_key),
        "nonce": escrow.cms.index(envelope.nonce),
        "ciphertext, first": text,
        "ciphertext, middle": text + len(envelope.ciphertext) // 2,
        "ciphertext, last": text + len(envelope.ciphertext) - 1,
        "tag, first": len(escrow.cms) - 16,
        "tag, last": len(escrow.cms) - 1,
    }
    for place, at in places.items():
        changed = bytearray(escrow.cms)
        changed[at] ^= 1
        (person.directory / "key.cms").write_bytes(changed)
        assert "key.cms: FAILED" in person.follow("4 "), place
        said = person.terminal.type(decrypt)
        assert "Error" in said, place
        assert ("FAILED" in said) == (of == "instructions"), place
        assert not (person.directory / "key.der").exists(), place
        assert traces(person.directory, seed) == [], place
    person.terminal.type(decrypt.split("||")[0])  # the tag is false: all of the key lies there
    assert traces(person.directory, seed) == [person.directory / "key.der"]


def test_the_wrong_secret_leaves_nothing(outsider: Sit) -> None:
    person = outsider()
    person.key_from_text()
    person.terminal.type("read -r secret", ["00" * 32])
    assert person.follow("5 ").endswith("FAILED\n")
    assert not (person.directory / "key.der").exists()


def test_the_example(outsider: Sit) -> None:
    person = outsider()
    told = " ".join(" ".join(person.step("Shares").lines).split())
    shares, prints = [], []
    for piece in told.split("Share ")[1:]:
        _, *rest = piece.split()
        shares.append(" ".join(rest[:33]))
        prints.append("".join(rest[33:]))
    assert len(shares) == 3
    assert [person.check(words) for words in shares] == prints
    assert person.recover(shares[1:]) == person.step("Master secret").after("What any two")
    lines = [line.strip() for line in person.step("The encrypted key").lines if line.strip()[:3].isdigit()]
    (person.directory / "example.txt").write_text("\n".join(lines) + "\n")
    assert person.follow("Decrypt").split()[0] == person.step("Decrypt").after("must print")
    assert (person.directory / "example.der").exists()


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_commands_are_the_same_however_they_are_copied(paper: Paper, outsider: Sit) -> None:
    page = outsider(EVERY[0], paper).papers / "instructions.pdf"
    ways = [printed(page, *options) for options in ((), ("-raw",), ("-layout",))]
    document = pypdfium2.PdfDocument(page)
    ways.append("\n".join(one.get_textpage().get_text_range().replace("\r\n", "\n") for one in document))
    document.close()
    found = [["\n".join(line.strip() for line in each.splitlines()) for each in commands(way)] for way in ways]
    assert len(found[0]) == 18
    assert all(each == found[0] for each in found)
