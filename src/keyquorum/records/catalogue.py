"""Every kind of record there is, in the order of their use: to find out what a file is, and to describe them all."""

from typing import Any

from keyquorum.records.envelope import Kind
from keyquorum.records.escrow import ESCROW
from keyquorum.records.generation import COMPLAINT, KEY_PROPOSAL, MENDING, ROUND_ONE, ROUND_TWO
from keyquorum.records.keys import ACCEPTANCE, CARD, COMMITMENTS, KEY_RECORD, SEALED_SHARE
from keyquorum.records.requests import PARTIAL, REQUEST, RESPONSE

KINDS: tuple[Kind[Any], ...] = (
    CARD,
    KEY_RECORD,
    SEALED_SHARE,
    ACCEPTANCE,
    COMMITMENTS,
    REQUEST,
    PARTIAL,
    RESPONSE,
    ESCROW,
    KEY_PROPOSAL,
    ROUND_ONE,
    ROUND_TWO,
    MENDING,
    COMPLAINT,
)
