"""The typed text of key.cms: base32 in numbered lines, read back with the mistakes people and OCR make.

    001 WXYZ ABCDE FGHIJ KLMNO PQRST UVWXY

A line is its number, 4 check characters (``linecode``) and 25 characters of data in groups of 5; the last line may be
shorter. After every 8 lines, and after the last, stands ``001-008 = 3f2a9c01``: the first 8 hexadecimal digits of the
SHA-256 of these lines' data, without blanks.

Reading takes capitals and small letters, lines in any order, two columns side by side, ``?`` for what cannot be
read, and leaves out whatever does not begin with a number. A correction is a proposal, shown as such; what
decides is the SHA-256 of the whole, in the manifest.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from keyquorum.errors import LimitError, MalformedError, NotYetError
from keyquorum.paper.linecode import ALPHABET, CHECK, DATA, MOST_LINES, check, correct

GROUP = 5
BLOCK = 8
MOST_BYTES = MOST_LINES * DATA * 5 // 8
MOST_TEXT = 1 << 18
_DIGITS = str.maketrans("OQDILBSZ", "00011852")
_LETTERS = {"0": "O", "8": "B"}
_NUMBER = re.compile(r"[0-9]{1,3}[.:)]?")
_SIGNS = re.compile(r"[A-Z0-9?]+")
_RANGE = re.compile(r"([0-9]{3})-([0-9]{3})")


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line; ``str`` gives it as it stands on paper."""

    number: int
    check: str
    text: str

    def __str__(self) -> str:
        groups = [self.text[start : start + GROUP] for start in range(0, len(self.text), GROUP)]
        return " ".join([f"{self.number:03}", self.check, *groups])


@dataclass(frozen=True, slots=True)
class Block:
    """Up to 8 lines and their check; ``str`` gives the check as it stands on paper."""

    lines: tuple[Line, ...]

    @property
    def check(self) -> str:
        """The first 8 hexadecimal digits of the SHA-256 of the data characters."""
        return _block_check("".join(line.text for line in self.lines))

    def __str__(self) -> str:
        return f"{self.lines[0].number:03}-{self.lines[-1].number:03} = {self.check}"


@dataclass(frozen=True, slots=True)
class Correction:
    """A line that was put right: ``typed`` is what was given, ``now`` the line it is taken to be."""

    typed: str
    now: Line

    def __str__(self) -> str:
        return f"line {self.now.number}: {self.now}   (typed: {self.typed})"


@dataclass(frozen=True, slots=True)
class Typed:
    """What was read: the lines' data by number, and what there is to say about them.

    ``corrections`` are to be confirmed by whoever has the paper; ``unreadable`` are rows that have to be typed again;
    ``missing`` are line numbers; ``doubts`` name blocks whose check is another than the one given.
    """

    lines: Mapping[int, str]
    corrections: tuple[Correction, ...]
    unreadable: tuple[str, ...]
    missing: tuple[int, ...]
    doubts: tuple[str, ...]

    def data(self) -> bytes:
        """Give the bytes; MalformedError says which lines are wrong, NotYetError which are missing."""
        if self.unreadable:
            raise MalformedError("; ".join(self.unreadable), where="typed text", do="Type these lines again.")
        if self.missing or not self.lines:
            raise NotYetError(f"lines are missing: {_ranges(self.missing) or 'all'}", where="typed text")
        text = "".join(self.lines[number] for number in sorted(self.lines))
        if len(text) % 8:
            raise MalformedError("the last line is not complete, or lines after it are missing", where="typed text")
        return base64.b32decode(text)


def lines(data: bytes) -> list[Line]:
    """Give the lines of ``data`` (a multiple of 5 bytes, at most 15,609; MalformedError or LimitError otherwise)."""
    if len(data) > MOST_BYTES:
        raise LimitError(f"{len(data)} bytes are more than {MOST_LINES} lines hold")
    if not data or len(data) % 5:
        raise MalformedError(f"{len(data)} bytes are not a multiple of 5")
    text = base64.b32encode(data).decode()
    pieces = [text[start : start + DATA] for start in range(0, len(text), DATA)]
    return [Line(number, check(number, piece), piece) for number, piece in enumerate(pieces, 1)]


def blocks(data: bytes) -> list[Block]:
    """Give the lines of ``data`` in blocks of 8."""
    all_lines = lines(data)
    return [Block(tuple(all_lines[start : start + BLOCK])) for start in range(0, len(all_lines), BLOCK)]


def read_lines(text: str, length: int | None = None) -> Typed:
    """Read typed lines of ``length`` bytes (the manifest says how many); without it the highest number is the last.

    Raises LimitError for a text that is too long; everything else that is wrong stands in the answer.
    """
    if len(text) > MOST_TEXT:
        raise LimitError(f"the text is longer than {MOST_TEXT} characters")
    rows, checks = _rows(text)
    plan = _Plan.of(length, [number for number, _ in rows])
    found: dict[int, str] = {}
    corrections: list[Correction] = []
    failed: dict[str, int] = {}
    unreadable: list[str] = []
    for number, letters in rows:
        line = _read(number, letters, plan)
        if line is None:
            if plan.resembles_a_line(number, letters):
                failed[f"line {number} cannot be read ({number:03} {letters})"] = number
        elif found.setdefault(line.number, line.text) != line.text:
            unreadable.append(f"line {line.number} is there twice, and differently")
        elif (line.number, line.check + line.text) != (number, letters):
            corrections.append(Correction(f"{number:03} {letters}", line))
    unreadable += [said for said, number in failed.items() if number not in found]
    known = {*found, *failed.values()}
    return Typed(
        lines=found,
        corrections=tuple(corrections),
        unreadable=tuple(unreadable),
        missing=tuple(number for number in range(1, plan.last + 1) if number not in known),
        doubts=tuple(_doubts(found, checks)),
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """How many lines there are, and how long the last one is (None where not known)."""

    last: int
    tail: int | None

    @classmethod
    def of(cls, length: int | None, numbers: list[int]) -> "_Plan":
        if length is None:
            return cls(max([number for number in numbers if number <= MOST_LINES], default=0), None)
        characters = -(-length * 8 // 5)
        return cls(min(-(-characters // DATA), MOST_LINES), (characters - 1) % DATA + 1)

    def size(self, number: int, letters: str) -> int:
        """How many characters, check included, line ``number`` has; of a last one of unknown length, what it has."""
        if number != self.last:
            return CHECK + DATA
        return CHECK + (self.tail or min(max(len(letters) - CHECK, 1), DATA))

    def resembles_a_line(self, number: int, letters: str) -> bool:
        """Whether a row that cannot be read was one of ours, rather than something else that begins with a number."""
        near = abs(len(letters) - self.size(number, letters)) <= GROUP
        return 1 <= number <= self.last and near and _SIGNS.fullmatch(letters) is not None


def _doubts(found: Mapping[int, str], checks: list[tuple[int, int, str]]) -> Iterator[str]:
    for first, last, expected in checks:
        if not 1 <= first <= last < first + BLOCK or any(number not in found for number in range(first, last + 1)):
            continue
        if _block_check("".join(found[number] for number in range(first, last + 1))) != expected:
            yield f"lines {first} to {last} do not have the check {expected}"


def _read(number: int, letters: str, plan: _Plan) -> Line | None:
    """Give the line that ``letters`` (check, then data) was, or None: also one character short, or one too many."""
    size = plan.size(number, letters)
    if number > MOST_LINES:
        return None
    if len(letters) == size:
        return _corrected(number, letters, 2, plan)
    if len(letters) == size - 1:
        attempts = [f"{letters[:at]}?{letters[at:]}" for at in range(size)]
    elif len(letters) == size + 1:
        attempts = [letters[:at] + letters[at + 1 :] for at in range(size + 1)]
    else:
        return None
    answers = {line for attempt in attempts if (line := _corrected(number, attempt, 0, plan))}
    return answers.pop() if len(answers) == 1 else None


def _corrected(number: int, letters: str, most_errors: int, plan: _Plan) -> Line | None:
    letters = "".join(_LETTERS.get(letter, letter) for letter in letters)
    word = letters[CHECK:] + letters[:CHECK]
    unreadable = [at for at, letter in enumerate(word) if letter not in ALPHABET]
    if len(unreadable) > CHECK:
        return None
    word = "".join(letter if letter in ALPHABET else "A" for letter in word)
    answer = correct(number, word[:-CHECK], word[-CHECK:], unreadable, most_errors=most_errors)
    if answer is None or not 1 <= answer[0] <= plan.last or plan.size(answer[0], letters) != len(letters):
        return None
    return Line(answer[0], answer[2], answer[1])


def _rows(text: str) -> tuple[list[tuple[int, str]], list[tuple[int, int, str]]]:
    """Give (number, letters) of each line, and (first, last, digits) of each block's check."""
    rows: list[tuple[int, str]] = []
    checks: list[tuple[int, int, str]] = []
    for row in text.upper().splitlines():
        for tokens in _split(row.split()):
            head = tokens[0].translate(_DIGITS)
            if between := _RANGE.fullmatch(head):
                digits = "".join(tokens[1:]).lstrip("=").lower()
                checks.append((int(between[1]), int(between[2]), digits))
            elif _NUMBER.fullmatch(head) and len(tokens) > 1:
                rows.append((int(head.rstrip(".:)")), "".join(tokens[1:])))
    return rows, checks


def _split(tokens: list[str]) -> Iterator[list[str]]:
    """Part a row of two columns where a number of three digits, or a block's check, begins the next one."""
    start = 0
    for at in range(1, len(tokens)):
        head = tokens[at].translate(_DIGITS)
        begins = len(head) == 3 and head.isdecimal() and tokens[at][0].isdecimal() and at + 1 < len(tokens)
        if begins or _RANGE.fullmatch(head):
            yield tokens[start:at]
            start = at
    if tokens:
        yield tokens[start:]


def _block_check(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:BLOCK]


def _ranges(numbers: tuple[int, ...]) -> str:
    """Give numbers in order as ``3, 7-9``."""
    said: list[str] = []
    for at, number in enumerate(numbers):
        if at and numbers[at - 1] == number - 1:
            said[-1] = f"{said[-1].split('-')[0]}-{number}"
        else:
            said.append(str(number))
    return ", ".join(said)
