"""SLIP-39's official vectors through our own reading path."""

import json
from typing import Any

import pytest

from keyquorum.errors import KeyquorumError, MalformedError
from keyquorum.escrow.shares import Share, _encrypted, read_share, share_of
from keyquorum.escrow.wordlist import read_words
from tests.data import data

VECTORS = json.loads(data("vectors/slip39-vectors.json").read_text())
PASSPHRASE = b"TREZOR"


def shares(texts: list[str]) -> list[Share]:
    """Read words as a person may have typed them; the vectors have shares of 128 bits too."""
    typed = ["\n".join(word[:4].upper() for word in text.split()) for text in texts]
    return [share_of(read_words(text), (20, 33)) for text in typed]


@pytest.mark.parametrize("vector", [one for one in VECTORS if one[2]], ids=lambda one: one[0].split(".")[0])
def test_valid_vectors_give_the_secret(vector: list[Any]) -> None:
    _, texts, secret, _ = vector
    read = shares(texts)
    assert [share.text for share in read] == texts
    assert _encrypted(read).decrypt(PASSPHRASE).hex() == secret


@pytest.mark.parametrize("vector", [one for one in VECTORS if not one[2]], ids=lambda one: one[0].split(".")[0])
def test_invalid_vectors_are_refused(vector: list[Any]) -> None:
    _, texts, _, _ = vector
    with pytest.raises(KeyquorumError) as caught:
        _encrypted(shares(texts))
    assert not set(str(caught.value).split()) & {word for text in texts for word in text.split()} - {"member", "group"}


def test_a_share_of_ours_has_33_words() -> None:
    short = next(texts[0] for _, texts, secret, _ in VECTORS if secret and len(texts[0].split()) == 20)
    with pytest.raises(MalformedError, match="20 words, where a share has 33"):
        read_share(short)


def test_the_vectors_are_all_there() -> None:
    assert len(VECTORS) == 45
    assert sum(bool(secret) for _, _, secret, _ in VECTORS) == 15
