"""Each vector has one fault and meets the error it must meet; the document it was made from is good."""

import tracemalloc

import pytest

from keyquorum.dnssec import xml_reader
from keyquorum.dnssec.icann import read_ksr, write_ksr
from keyquorum.errors import MalformedError
from tests.dnssec.ksr_vectors import Vector, good_request, vectors
from tests.dnssec.ours import only_ours

VECTORS = list(vectors())


def test_the_document_without_fault_is_read() -> None:
    assert read_ksr(write_ksr(good_request())) == good_request()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_one_fault_is_refused(vector: Vector) -> None:
    with pytest.raises(MalformedError) as caught:
        read_ksr(vector.document)
    assert type(caught.value) is vector.error
    assert vector.words in str(caught.value)
    assert only_ours(lambda: read_ksr(vector.document)) is None


@pytest.mark.parametrize("name", ["DTD", "billion laughs", "quadratic blow-up", "external entity", "default attribute"])
def test_the_second_lock_holds_without_the_first(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_reader, "_checked", lambda data: data)
    (vector,) = [vector for vector in VECTORS if vector.name == name]
    with pytest.raises(MalformedError, match=r"it has a DTD|not well-formed"):
        read_ksr(vector.document)


def test_names_are_distinct() -> None:
    assert len({vector.name for vector in VECTORS}) == len(VECTORS)


def test_an_error_names_path_and_line() -> None:
    text = write_ksr(good_request()).decode()
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "<Flags>" in line)
    with pytest.raises(MalformedError) as caught:
        read_ksr(text.replace("<Flags>256", "<Flags>two", 1).encode())
    assert caught.value.where == f"KSR/Request/RequestBundle[1 bundle-0]/Key[1]/Flags, line {line}"


def test_a_bomb_costs_no_memory() -> None:
    (bomb,) = [vector for vector in VECTORS if vector.name == "billion laughs"]
    tracemalloc.start()
    assert only_ours(lambda: read_ksr(bomb.document)) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20
