"""The register holds what it says, at the size of the product, and cannot be added to."""

import pytest

from keyquorum.errors import ParameterError
from keyquorum.threshold.register import SCHEMES, scheme_for, scheme_named
from keyquorum.threshold.rsa import RsaScheme


@pytest.mark.parametrize("algorithm", [8, 10])
def test_rsa_at_the_size_of_the_product(algorithm: int) -> None:
    assert scheme_for(algorithm) == RsaScheme(2048) == scheme_named("rsa")


@pytest.mark.parametrize("algorithm", [0, 1, 3, 5, 7, 12, 253])
def test_an_algorithm_without_a_scheme(algorithm: int) -> None:
    with pytest.raises(ParameterError, match="8, 10, 13, 14, 15, 16"):
        scheme_for(algorithm)


def test_a_name_without_a_scheme() -> None:
    with pytest.raises(ParameterError, match="rsa"):
        scheme_named("dsa")


def test_nothing_can_be_added() -> None:
    with pytest.raises(TypeError):
        SCHEMES[13] = RsaScheme()  # type: ignore[index]
