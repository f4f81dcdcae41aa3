"""TOML tables read strictly: every value has the type and the bounds it must have, and nothing is left over.

Refused: unknown or missing keys, wrong types, numbers and durations out of bounds; each with the path of the key.
"""

from typing import Any

from keyquorum.dnssec.times import parse_duration, parse_time
from keyquorum.errors import MalformedError
from keyquorum.policy.bounds import Bounds, span


class Table:
    """A TOML table that knows where it stands and what was taken from it."""

    def __init__(self, content: dict[str, Any], path: str) -> None:
        self.content = content
        self.path = path
        self.taken: set[str] = set()

    def refuse_unknown(self) -> None:
        """Refuse any key that was not asked for."""
        for key in self.content:
            if key not in self.taken:
                raise MalformedError(
                    "a policy has no such key",
                    where=f"{self.path}.{ascii(key)[1:-1][:60]}",
                    do=f"There are: {', '.join(sorted(self.taken))}.",
                )

    def table(self, key: str) -> "Table":
        """Give the table at ``key``."""
        return Table(self._required(key, dict, "a table"), f"{self.path}.{key}")

    def optional_table(self, key: str) -> "Table | None":
        """Give the table at ``key``, or None where there is none."""
        return self.table(key) if key in self.content else None

    def tables(self, key: str) -> list["Table"]:
        """Give the tables of a list of at least one."""
        found = self._required(key, list, "a list of tables")
        if not found or not all(isinstance(one, dict) for one in found):
            raise MalformedError("not a list of at least one table", where=f"{self.path}.{key}")
        return [Table(one, f"{self.path}.{key}[{place}]") for place, one in enumerate(found)]

    def text(self, key: str) -> str:
        """Give a text of 1 to 60 characters."""
        found: str = self._required(key, str, "a text")
        if not (0 < len(found) <= 60 and found.isascii() and found.isprintable()):
            raise MalformedError("not 1 to 60 characters of printable ASCII", where=f"{self.path}.{key}")
        return found

    def boolean(self, key: str) -> bool:
        """Give true or false."""
        return bool(self._required(key, bool, "true or false"))

    def number(self, key: str, least: int, most: int) -> int:
        """Give a whole number, both bounds included."""
        return _in_range(self._required(key, int, "a whole number"), least, most, f"{self.path}.{key}")

    def optional_number(self, key: str, least: int, most: int) -> int | None:
        """Give a whole number, or None where there is none."""
        return self.number(key, least, most) if key in self.content else None

    def numbers(self, key: str, least: int, most: int) -> tuple[int, ...]:
        """Give a list of whole numbers; () where there is none."""
        if key not in self.content:
            return ()
        found = self._required(key, list, "a list of whole numbers")
        return tuple(_in_range(one, least, most, f"{self.path}.{key}[{place}]") for place, one in enumerate(found))

    def choice(self, key: str, choices: tuple[int, ...]) -> int:
        """Give a number that is one of ``choices``."""
        found = self.number(key, 0, 255)
        if found not in choices:
            raise MalformedError(f"{found} is not one of {', '.join(map(str, choices))}", where=f"{self.path}.{key}")
        return found

    def word(self, key: str, words: tuple[str, ...]) -> str:
        """Give one of ``words``."""
        found: str = self._required(key, str, "a word")
        if found not in words:
            raise MalformedError(f"not one of {', '.join(words)}", where=f"{self.path}.{key}")
        return found

    def words(self, key: str, words: tuple[str, ...]) -> tuple[str, ...]:
        """Give a list of some of ``words``, each at most once, in their order."""
        found = self._required(key, list, "a list of words")
        unknown = [one for one in found if one not in words]
        if unknown or len(set(found)) != len(found):
            raise MalformedError(f"not some of {', '.join(words)}, each once", where=f"{self.path}.{key}")
        return tuple(word for word in words if word in found)

    def duration(self, key: str) -> int:
        """Give a duration in seconds."""
        return parse_duration(self._required(key, str, 'a duration such as "P21D"'), where=f"{self.path}.{key}")

    def moment(self, key: str) -> int:
        """Give a moment in seconds since 1970."""
        return parse_time(self._required(key, str, 'a time such as "2027-04-01T00:00:00Z"'), where=f"{self.path}.{key}")

    def bounds(self, key: str) -> Bounds:
        """Give two durations, the least and the most."""
        found = self._required(key, list, 'two durations such as ["P9D", "P11D"]')
        if len(found) != 2 or not all(isinstance(one, str) for one in found):
            raise MalformedError('not two durations such as ["P9D", "P11D"]', where=f"{self.path}.{key}")
        least, most = (parse_duration(one, where=f"{self.path}.{key}[{place}]") for place, one in enumerate(found))
        if least > most:
            raise MalformedError(f"{span(least)} at least, {span(most)} at most", where=f"{self.path}.{key}")
        return Bounds(least, most)

    def optional_bounds(self, key: str) -> Bounds | None:
        """Give two durations, or None where there are none."""
        return self.bounds(key) if key in self.content else None

    def _required(self, key: str, kind: type, name: str) -> Any:
        self.taken.add(key)
        if key not in self.content:
            raise MalformedError(f"missing; it is {name}", where=f"{self.path}.{key}")
        found = self.content[key]
        if type(found) is not kind:
            raise MalformedError(f"not {name}", where=f"{self.path}.{key}")
        return found


def _in_range(number: Any, least: int, most: int, where: str) -> int:
    if type(number) is not int or not least <= number <= most:
        raise MalformedError(f"not a whole number from {least} to {most}", where=where)
    return number
