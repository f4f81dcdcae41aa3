"""Each vector of ``refusals`` is refused for its one fault, at its field, and its unharmed original is read."""

from typing import Any

import pytest

from keyquorum.errors import LimitError
from keyquorum.records.envelope import Kind, Signed
from keyquorum.records.keys import CARD
from tests.records.people import EXAMPLES
from tests.records.refusals import Refusal, across_fields, edited, fields, objects
from tests.records.refused_bytes import embedded, envelopes, limits, spelled, spellings

GROUPS = (fields, objects, across_fields, spellings, envelopes, embedded, limits)
REFUSALS = [refusal for group in GROUPS for refusal in group()]


@pytest.mark.parametrize("refusal", REFUSALS, ids=[refusal.name[:70] for refusal in REFUSALS])
def test_one_fault_is_enough(refusal: Refusal) -> None:
    with pytest.raises(refusal.error) as caught:
        refusal.kind.read(refusal.data)
    assert type(caught.value) is refusal.error
    assert refusal.says in caught.value.what
    assert caught.value.where.startswith(refusal.where)
    if not refusal.where.endswith(("byte", "character", ", ")):
        assert caught.value.where == refusal.where
    assert "signature" in caught.value.what or caught.value.what.startswith(f"{refusal.kind.title}: ")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(("kind", "signed"), EXAMPLES, ids=[kind.name for kind, _ in EXAMPLES])
def test_the_originals_have_no_fault(kind: Kind[Any], signed: Signed[Any]) -> None:
    assert edited(kind, lambda _: None) == signed.envelope
    assert spelled(kind, lambda text: text) == signed.envelope
    assert kind.read(signed.envelope) == signed


def test_a_file_of_just_the_largest_size_is_looked_at() -> None:
    with pytest.raises(LimitError):
        CARD.read(b" " * (CARD.limit + 1))
    with pytest.raises(Exception, match="not JSON") as caught:
        CARD.read(b" " * CARD.limit + b"\n")
    assert not isinstance(caught.value, LimitError)
