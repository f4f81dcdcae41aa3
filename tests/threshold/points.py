"""Encodings of points that no group takes, by DNSSEC algorithm and by what is wrong with them."""

from collections.abc import Mapping

from nacl.bindings import crypto_core_ed25519_add

from keyquorum.maths.ed448 import ED448
from keyquorum.maths.ed25519 import ED25519

_P25519 = (1 << 255) - 19
_P448 = (1 << 448) - (1 << 224) - 1
_ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")


def _little(number: int, length: int) -> bytes:
    return number.to_bytes(length, "little")


def _ed448_mixed() -> bytes:
    """Give the generator plus (0, -1): (x, y) becomes (-x, -y)."""
    x, y = (_P448 - int(number) for number in ED448.generator.xy)
    return _little(y | (x & 1) << 455, 57)


WRONG_POINTS: Mapping[int, Mapping[str, bytes]] = {
    13: {
        "identity": bytes(33),
        "off the curve": b"\x02" + bytes(31) + b"\x01",
        "not canonical": b"\x02" + b"\xff" * 32,
        "uncompressed": b"\x04" + bytes(32),
    },
    14: {
        "identity": bytes(49),
        "off the curve": b"\x02" + bytes(47) + b"\x01",
        "not canonical": b"\x02" + b"\xff" * 48,
        "uncompressed": b"\x04" + bytes(48),
    },
    15: {
        "identity": _little(1, 32),
        "order 2": _little(_P25519 - 1, 32),
        "order 4": bytes(32),
        "order 8": _ORDER_8,
        "mixed order": crypto_core_ed25519_add(ED25519.generator, _ORDER_8),
        "off the curve": _little(2, 32),
        "not canonical": _little(_P25519 + 1, 32),
    },
    16: {
        "identity": _little(1, 57),
        "order 2": _little(_P448 - 1, 57),
        "order 4": bytes(57),
        "mixed order": _ed448_mixed(),
        "off the curve": _little(2, 57),
        "not canonical": _little(_P448 + 1, 57),
    },
}
