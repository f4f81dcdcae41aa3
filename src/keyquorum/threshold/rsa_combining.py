"""From the answers of holders to all signatures of a request, and from a failure to the names of those who caused it.

Answers are trusted first: combining is cheap, and every signature is verified before it leaves. A failure is looked
into: proofs first, then sets of M answers until one signs, then who does not fit to that set. Answers that were not
needed are judged at the end, so that a liar is named even where nobody was harmed.

Naming without proofs has a limit. Two liars can cancel each other within one set of M, and then an honest holder is the
one who does not fit to *that* set. M-1 proved answers and the signature leave no doubt; with fewer, a holder is named
only if no set of M answers with its own among them signs, which names no honest holder while M answers are honest. Else
it is left out: neither good nor named. Without proofs the search tries up to C(answers, M) sets, about 0.1 ms each.

Refused: an answer of a holder that does not exist, fewer than M answers that agree.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations, islice

from keyquorum.errors import MalformedError, NotEnoughError, UsageError, WrongPartialError
from keyquorum.maths.work import Work
from keyquorum.threshold.rsa_key import RsaPublic, index_of
from keyquorum.threshold.rsa_signature import Row, recipe_for, signatures
from keyquorum.threshold.rsa_signing import batch_size, check, count_of, is_value
from keyquorum.threshold.seam import Answer, Context, Outcome, Stream

_LARGEST_BATCH = 64


def combine(
    public: RsaPublic,
    messages: Stream,
    answers: Mapping[int, Answer],
    context: Context,
    emit: Callable[[bytes], None],
    work: Work,
) -> Outcome:
    """Emit the signature of each message, in order; say who answered well and who lied.

    ``good`` are those whose values made every signature, or whose answers were checked. Raises NotEnoughError, with
    the liars found, when no M answers sign; ParameterError for an index that no holder has.
    """
    count_of(messages)
    for index in answers:
        index_of(public, index)
    combination = _Combination(public, messages, answers, context, Work(work.executor, work.workers))
    combination.refuse_wrong_lengths()

    def emit_one(signature: bytes) -> None:
        emit(signature)
        work.advance(1)

    combination.emit_all(emit_one)
    combination.judge_the_rest()
    return Outcome(frozenset(combination.cleared) - combination.liars.keys(), combination.liars)


@dataclass(slots=True)
class _Combination:
    """One request being combined, and what has been found out about its answers."""

    public: RsaPublic
    messages: Stream
    answers: Mapping[int, Answer]
    context: Context
    work: Work
    liars: dict[int, str] = field(default_factory=dict)
    proved: set[int] = field(default_factory=set)
    cleared: set[int] = field(default_factory=set)

    def candidates(self) -> list[int]:
        """Give those not known as liars; proved ones first, then by index."""
        return sorted(self.answers.keys() - self.liars.keys(), key=lambda index: (index not in self.proved, index))

    def refuse_wrong_lengths(self) -> None:
        """Name those who did not give one value for each message."""
        for index, answer in self.answers.items():
            if len(answer.values) != len(self.messages):
                self.liars[index] = f"it holds {len(answer.values)} values for {len(self.messages)} messages."

    def emit_all(self, emit: Callable[[bytes], None]) -> None:
        """Make every signature. Answers without a proof come first: being used is what judges them best."""
        candidates = sorted(self.candidates(), key=lambda index: (self.answers[index].proof is not None, index))
        self._require(len(candidates) >= self.public.threshold)
        used: tuple[int, ...] | None = tuple(sorted(candidates[: self.public.threshold]))
        done: int | None = 0
        while used is not None and (done := self._run(used, done or 0, emit)) is not None:
            used = self._examine(done)
        self._require(used is not None)

    def judge_the_rest(self) -> None:
        """Clear or name everybody who has not been yet: by proof, or by making every signature with them again."""
        self._check_proofs(index for index in self.candidates() if index not in self.cleared)
        for index in self.candidates():
            others = [other for other in self.candidates() if other != index]
            others.sort(key=lambda other: other not in self.cleared)
            if index in self.cleared | self.liars.keys() or len(others) < self.public.threshold - 1:
                continue
            used = tuple(sorted([index, *others[: self.public.threshold - 1]]))
            failed = self._run(used, 0, lambda _signature: None)
            if failed is not None:
                self._examine(failed)

    def _run(self, used: tuple[int, ...], start: int, emit: Callable[[bytes], None]) -> int | None:
        """Emit signatures from message ``start`` (from 0) on; give the first that ``used`` do not sign, if any."""
        rows = islice(self._rows(used), start, None)
        size = batch_size(len(self.messages), self.work, _LARGEST_BATCH)
        position = start
        for signature in self.work.map(partial(signatures, recipe_for(self.public, used)), rows, batch=size):
            if signature is None:
                return position
            emit(signature)
            position += 1
        if position != len(self.messages):
            raise UsageError(f"the stream of messages holds {position}, but says {len(self.messages)}")
        if start == 0:
            self.cleared.update(used)
        return None

    def _rows(self, indices: Iterable[int]) -> Iterator[Row]:
        for message, *values in zip(
            self.messages, *(_patient(self.answers[index].values) for index in indices), strict=False
        ):
            yield message, tuple(values)

    def _examine(self, position: int) -> tuple[int, ...] | None:
        """Find out who is to blame at one message, and M holders who sign it; None if there are none."""
        indices = tuple(self.candidates())
        message, values = next(islice(self._rows(indices), position, None))
        row = dict(zip(indices, values, strict=True))
        for index, value in row.items():
            if not is_value(value, self.public):
                width = self.public.width
                self.liars[index] = (
                    f"its value for message {position + 1} is missing or not one of 1..n-1 in {width} bytes."
                )
        self._check_proofs(self.candidates())
        for used in combinations(self.candidates(), self.public.threshold):
            if self._signs(used, message, row):
                self._name_strangers(used, position, message, row)
                return tuple(sorted(used))
        self._name_unproved(position)
        return None

    def _check_proofs(self, indices: Iterable[int]) -> None:
        for index in indices:
            answer = self.answers[index]
            if answer.proof is None or index in self.proved:
                continue
            try:
                check(self.public, index, self.messages, answer, self.context, self.work)
            except WrongPartialError as error:
                self.liars[index] = error.what
            else:
                self.proved.add(index)
                self.cleared.add(index)

    def _name_unproved(self, position: int) -> None:
        """Name those without a proof, where nobody signs though all others of a set have proved their answers."""
        if len(self.proved) < self.public.threshold - 1:
            return
        for index in self.candidates():
            if index not in self.proved:
                self.liars[index] = (
                    f"its value for message {position + 1} and answers that are proved "
                    f"({', '.join(map(str, sorted(self.proved)))}) make no signature."
                )

    def _name_strangers(self, used: tuple[int, ...], position: int, message: bytes, row: Mapping[int, bytes]) -> None:
        """Exchange one of ``used``, who sign, for each other holder, and name those with whom it fails beyond doubt."""
        rest = set(self.candidates()) - set(used)
        fitting = {*used, *(index for index in rest if self._signs((index, *used[1:]), message, row))}
        strangers = set(self.candidates()) - fitting
        witnesses = len(fitting & self.proved)
        for index in sorted(strangers):
            # A proof of its own weighs against one witness more.
            if witnesses >= self.public.threshold - (index not in self.proved):
                self.liars[index] = (
                    f"its value for message {position + 1} does not fit to answers that are proved "
                    f"({', '.join(map(str, sorted(fitting & self.proved)))}) and to the signature."
                )
            elif index not in self.proved and not self._fits_elsewhere(index, strangers, fitting, message, row):
                self.liars[index] = (
                    f"no {self.public.threshold} answers that include its value for message {position + 1} sign it."
                )

    def _fits_elsewhere(
        self, index: int, strangers: set[int], fitting: set[int], message: bytes, row: Mapping[int, bytes]
    ) -> bool:
        # A set with one stranger only has been tried: it takes another to make sense of this one.
        others = sorted(strangers - {index}) + sorted(fitting)
        return any(
            self._signs((index, *rest), message, row)
            for rest in combinations(others, self.public.threshold - 1)
            if strangers.intersection(rest)
        )

    def _signs(self, used: tuple[int, ...], message: bytes, row: Mapping[int, bytes]) -> bool:
        values = tuple(row[index] for index in used)
        return signatures(recipe_for(self.public, used), [(message, values)])[0] is not None

    def _require(self, enough: bool) -> None:
        if enough:
            return
        named = " ".join(f"Holder {index} lied: {why}" for index, why in sorted(self.liars.items()))
        raise NotEnoughError(
            f"no {self.public.threshold} of the {len(self.answers)} answers make the signatures. {named}".strip(),
            where="combine",
            do="Ask more holders to answer.",
            culprits=sorted(self.liars),
        )


def _patient(values: Stream) -> Iterator[bytes]:
    """Give the values, then b"" for ever: a stream that ends early or cannot be read lacks values, and is named so."""
    with suppress(MalformedError):
        yield from values
    while True:
        yield b""
