"""The ceremony as people hold it at a terminal: words shown to one person, typed back, taken off the screen."""

import re
from pathlib import Path

from keyquorum.escrow.shares import fingerprint
from keyquorum.escrow.wordlist import WORDS
from tests.scenarios.desk import create, manifest_of
from tests.scenarios.dialogue import CLEARED, talk
from tests.scenarios.scanner import scanning

_NUMBERED = re.compile(r"(\d+)  ([a-z]+)")


class Custodian:
    """Reads the words off the screen when they are shown, and types them when asked; ``slip`` spoils the first try."""

    def __init__(self, *, slip: bool = False) -> None:
        self.slip = slip
        self.words: list[str] = []
        self.written: list[list[str]] = []

    def __call__(self, shown: str) -> str:
        question = shown.rstrip().splitlines()[-1]
        if "Written, and compared?" in question:
            numbered = {int(number): word for number, word in _NUMBERED.findall(shown.rsplit(CLEARED, 1)[-1])}
            self.words = [numbered[number] for number in range(1, 34)]
            self.written.append(self.words)
        elif question.startswith("Word 1 of 33"):
            if self.slip:
                self.slip = False
                return " ".join([WORDS[(WORDS.index(self.words[0]) + 1) % 1024], *self.words[1:]])
            return " ".join(self.words[:20])
        elif question.startswith("Word 21 of 33"):
            return " ".join(word[:4] for word in self.words[20:])
        return ""


def test_by_hand_nothing_secret_goes_to_a_printer_and_no_word_stays_on_the_screen(desk: Path) -> None:
    person = Custodian(slip=True)
    words = ["escrow", "create", "--zone", ".", "--algorithm", "ED25519", "--threshold", "2", "--shares", "2"]
    words += ["--identity", str(desk / "rita.keystore"), "--passphrase-file", str(desk / "passphrase"), "--handwritten"]
    words += ["--out", str(desk / "out"), "--scans", str(desk / "scans"), "--rehearsal", "--share-holder", "Alice"]
    with scanning(desk / "out", desk / "scans"):
        done = talk([*words, "--share-holder", "Bob"], person)
    assert done.status == 0, done.screen
    manifest = manifest_of(desk / "out")
    # The first was shown again after the slip.
    assert [fingerprint(" ".join(typed)) for typed in person.written] == [
        manifest.record.shares[0].fingerprint, manifest.record.shares[0].fingerprint,
        manifest.record.shares[1].fingerprint,
    ]  # fmt: skip
    assert "word 1" in done.screen
    for typed in person.written:
        assert " ".join(typed[:20]) not in done.left
    assert not _NUMBERED.search(done.left)
    for path in (desk / "out").iterdir():
        data = path.read_bytes()
        assert all(" ".join(typed[:3]).encode() not in data for typed in person.written)


def test_shares_are_typed_one_person_after_the_other_and_a_wrong_word_is_proposed(desk: Path) -> None:
    person = Custodian()
    words = ["escrow", "create", "--zone", ".", "--algorithm", "ED25519", "--threshold", "2", "--shares", "2"]
    words += ["--identity", str(desk / "rita.keystore"), "--passphrase-file", str(desk / "passphrase"), "--handwritten"]
    words += ["--out", str(desk / "out"), "--scans", str(desk / "scans"), "--rehearsal"]
    with scanning(desk / "out", desk / "scans"):
        assert talk(words, person).status == 0
    manifest = manifest_of(desk / "out")
    shares = [list(typed) for typed in person.written]
    wrong = list(shares[1])
    right = wrong[6]
    wrong[6] = WORDS[(WORDS.index(right) + 5) % 1024]
    # Bob's share first with a slip, then again (it was given already), then Alice's.
    turns = iter([wrong, shares[1], shares[0]])

    def people(shown: str) -> str:
        question = shown.rstrip().splitlines()[-1]
        if question.startswith("Next person"):
            return "words"
        if question.startswith("Word 1 of 33"):
            return " ".join(next(turns))
        if "Type yes or no" in question:
            return "yes"
        return ""

    target = ["--to-pem", str(desk / "key.pem"), "--rehearsal"]
    back = talk(["escrow", "recover", "--escrow", str(desk / "out"), *target], people)
    assert back.status == 0, back.screen
    assert f"is word 7 '{right}'?" in back.screen
    assert "share 2 was given already" in back.screen
    assert "1 of 2 shares" in back.screen
    for typed in (wrong, *shares):
        assert " ".join(typed) not in back.left
    assert (desk / "key.pem").is_file()
    assert manifest.record.rehearsal


def test_no_is_no(desk: Path) -> None:
    assert create(desk, "--algorithm", "ED25519", "--threshold", "2", "--shares", "2").status == 0
    target = ["--to-pem", str(desk / "key.pem"), "--rehearsal"]
    done = talk(["escrow", "recover", "--escrow", str(desk / "out"), *target], lambda _shown: "no")
    assert done.status == 1
    assert "you did not agree" in done.screen
    assert not (desk / "key.pem").exists()


def test_dice_are_rolled_and_leave_the_screen(desk: Path) -> None:
    rolls = iter(["5314 2661 3325 1416 2536", "143625" * 2, "6152 4316 2", "41 5" * 30, ""])
    words = ["escrow", "create", "--zone", ".", "--algorithm", "ED25519", "--threshold", "1", "--shares", "1"]
    words += ["--identity", str(desk / "rita.keystore"), "--passphrase-file", str(desk / "passphrase"), "--dice"]
    words += ["--out", str(desk / "out"), "--scans", str(desk / "scans"), "--rehearsal"]
    with scanning(desk / "out", desk / "scans"):
        done = talk(words, lambda shown: next(rolls) if "rolls so far" in shown else "")
    assert done.status == 0, done.screen
    assert "32 rolls so far" in done.screen
    assert "5314" not in done.left
    assert (desk / "out" / "escrow.json").exists()


def test_a_ceremony_that_is_given_up_leaves_nothing(desk: Path) -> None:
    words = ["escrow", "create", "--zone", ".", "--algorithm", "ED25519", "--threshold", "2", "--shares", "2"]
    words += ["--identity", str(desk / "rita.keystore"), "--passphrase-file", str(desk / "passphrase"), "--rehearsal"]
    answers = iter([str(desk / "out" / "share-1.pdf"), str(desk / "nowhere.png"), "void"])
    done = talk([*words, "--out", str(desk / "out")], lambda _shown: next(answers))
    assert done.status == 1
    assert "1 of 2 shares read back" in done.screen
    assert "cannot be read" in done.screen
    assert "This run is void" in done.screen
    assert list((desk / "out").iterdir()) == []
