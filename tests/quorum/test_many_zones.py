"""Thousands of zones in one request: the same with all cores as with one, and memory that does not grow with them."""

import gc
import hashlib
import shutil
import tempfile
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from typing import BinaryIO, cast

import pytest

from keyquorum.errors import RefusedError
from keyquorum.maths.work import HERE, Work
from keyquorum.quorum import combining, signing
from keyquorum.quorum.combining import write_output
from keyquorum.quorum.requesting import make_request, open_request
from keyquorum.quorum.task import Task, derive_messages, examine
from keyquorum.records.files import header
from keyquorum.records.requests import Source
from tests.quorum.village import Matter, Quorum, answer, ask, combine, dealt, examined, villager, zone_records
from tests.threshold.cases import seeded

NUMBER = 1000


def names(number: int) -> list[str]:
    return [f"zone-{place}.example." for place in range(number)]


def quorum() -> Quorum:
    return dealt("new", 2, 3, zones=tuple(names(2000)))


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(2) as executor:
        yield executor
        executor.shutdown(cancel_futures=True)  # else Python 3.11 may wait for ever for cancelled work


def test_a_thousand_zones_on_one_core_and_on_two(pool: ProcessPoolExecutor) -> None:
    matter = zone_records(*names(NUMBER))
    counted: list[int] = []
    both = Work(pool, 2, counted.append)
    alone, together = examined(matter, [quorum()]), examined(matter, [quorum()], both)
    assert (alone.zones, alone.bundles, len(alone.shown)) == (NUMBER, NUMBER, 40)
    assert alone.report == together.report
    assert alone.shown == together.shown
    assert sum(counted) == NUMBER
    assert list(alone.messages[0]) == list(together.messages[0])
    assert len(set(alone.messages[0])) == NUMBER


def test_a_hundred_zones_from_request_to_response_on_one_core_and_on_two(pool: ProcessPoolExecutor) -> None:
    matter = zone_records(*names(100))
    made = []
    for work in (HERE, Work(pool, 2)):
        request = ask(matter, quorum(), work=work)
        partials = [answer(request, matter, quorum(), index, work=work) for index in (1, 3)]
        outcome = combine(request, partials, work)
        written = b"".join(chunk for _, _, chunk in write_output("zone", iter(outcome.named)))
        made.append((request, partials, outcome.signatures, written))
    assert made[0] == made[1]
    assert made[0][3].count(b" IN RRSIG DNSKEY ") == 100
    assert made[0][3].count(b" IN DNSKEY ") == 200


def test_one_bad_zone_among_a_thousand_is_named(pool: ProcessPoolExecutor) -> None:
    good = zone_records(*names(NUMBER)).source.splitlines(keepends=True)
    good[700:700] = zone_records("stranger.example.").source.splitlines(keepends=True)
    matter = zone_records()
    matter = Matter(b"".join(good), "zone", matter.window, matter.at)
    for work in (HERE, Work(pool, 2)):
        with pytest.raises(RefusedError, match="KSR-DOMAIN") as caught:
            ask(matter, quorum(), work=work)
        assert "stranger.example." in str(caught.value)
        assert "in 1 of 1001 zones" in str(caught.value)


def test_memory_does_not_grow_with_the_number_of_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    # Smaller buffers and batches, so that a few zones fill them.
    monkeypatch.setattr("keyquorum.quorum.spools.CHUNK", 4096)
    monkeypatch.setattr("keyquorum.threshold.rsa_signing._CHUNK", range(8, 16))
    monkeypatch.setattr("keyquorum.threshold.rsa_combining._LARGEST_BATCH", 8)
    # Whatever is made once; and the free lists of Python, which keep what was let go: a full collection empties them.
    gc.collect()
    flow(400)
    small, large = (peak(number) for number in (100, 400))
    # The names of the zones are kept, to find one that comes twice; sources, messages and values would be 370 kB.
    assert large < small + 100_000, f"{small:,} bytes at 100 zones, {large:,} at 400"


def peak(number: int) -> int:
    """The most memory that was held at once, in bytes."""
    tracemalloc.start()
    try:
        flow(number)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def flow(number: int) -> None:
    """From source to output by the only holder of a key, everything in files, as the commands do it."""
    with ExitStack() as stack:

        def new_file() -> BinaryIO:
            return cast(BinaryIO, stack.enter_context(tempfile.TemporaryFile()))

        alone = dealt("new", 1, 1, zones=tuple(names(2000)))
        holder, shares = alone.holders[0].identity, {alone.key.id: alone.shares[0]}
        matter = zone_records()
        judged, blank = matter.basis(), matter.task([alone])
        source, file, partial, out = (new_file() for _ in range(4))
        seen = hashlib.sha256()
        for name in names(number):
            lines = zone_records(name).source
            seen.update(lines)
            source.write(lines)
        told = Source(format="zone", length=source.tell(), sha256=seen.digest())
        task = Task(source, 0, told, matter.window, blank.responses, blank.terms, blank.keys, blank.roles, first=True)
        examination = examine(task, judged, new_file, HERE)
        accepted = {alone.key.id: alone.acceptances}
        file.write(header(make_request(task, examination, accepted, judged, villager("rita").identity)))
        source.seek(0)
        shutil.copyfileobj(source, file, 1 << 12)

        request = open_request(file)
        examination = examine(request.task, judged, new_file, HERE)
        for chunk in signing.answer(request, examination, shares, judged, holder, new_file, seeded(), HERE).chunks():
            partial.write(chunk)

        received = combining.receive_all([partial], request)
        messages = derive_messages(request.task, new_file, HERE)
        combined = combining.combine(request, messages, received.good, received.faults, new_file, HERE)
        for _, _, chunk in write_output("zone", combining.responses(request.task, combined.signatures, HERE)):
            out.write(chunk)
