"""A store of one-time material in memory, with the burn rule; without it, to show what the rule is for."""

from collections.abc import Iterable, Sequence

from keyquorum.errors import RefusedError
from keyquorum.threshold.one_time import Make, Use


class MemoryStore:
    """Secret rows by slot; ``burning`` False answers as often as asked."""

    def __init__(self, rows: Iterable[tuple[int, bytes]], *, burning: bool = True) -> None:
        self.rows = dict(rows)
        self.answers: dict[int, tuple[bytes, bytes]] = {}
        self.burning = burning

    def answer_all(self, uses: Sequence[Use], make: Make) -> list[bytes]:
        """Use up slots, as ``OneTimeStore`` says."""
        if not self.burning:
            return list(make([(place, self.rows[use.slot]) for place, use in enumerate(uses)]))
        for use in uses:
            if use.slot in self.answers and self.answers[use.slot][0] != use.digest:
                raise RefusedError(f"slot {use.slot} was used already")
            if use.slot not in self.answers and use.slot not in self.rows:
                raise RefusedError(f"there is no slot {use.slot}")
        fresh = [place for place, use in enumerate(uses) if use.slot not in self.answers]
        made = make([(place, self.rows[uses[place].slot]) for place in fresh]) if fresh else ()
        for place, value in zip(fresh, made, strict=True):
            del self.rows[uses[place].slot]
            self.answers[uses[place].slot] = (uses[place].digest, value)
        return [self.answers[use.slot][1] for use in uses]
