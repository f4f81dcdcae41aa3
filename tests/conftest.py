"""What all tests share: names of parameters that are the same in every process, as pytest-xdist demands."""

LONGEST_NAME = 40


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a long text by its parameter (pytest counts them), since it may hold a key made afresh in each process."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_NAME:
        return argname
    return None
