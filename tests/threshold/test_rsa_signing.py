"""RSA answers: their values, their proofs, and what nobody gets a proof for."""

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import RefusedError, UsageError, WrongPartialError
from keyquorum.maths.proofs import batch_seed, prove, verify, weigh
from keyquorum.maths.work import HERE, Work
from keyquorum.threshold.rsa import RsaProof
from keyquorum.threshold.rsa_key import padded, share_bits, verification_base
from keyquorum.threshold.rsa_signing import batch_size, claim_of, is_value
from keyquorum.threshold.seam import Answer, Context, MemorySpool
from tests.threshold.cases import CONTEXT, SMALL, Dealt, messages, ordinary_key, rsa_dealt, safe_key, seeded
from tests.threshold.lies import BrokenStream, changed
from tests.threshold.stores import MemoryStore

KINDS = ("new", "existing")


def number(value: bytes) -> int:
    return int.from_bytes(value, "big")


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_is_the_message_to_the_power_of_twice_the_share(kind: str) -> None:
    dealt = rsa_dealt(kind, 512, 2, 3)
    texts = messages(3)
    values = [number(value) for value in dealt.answer(2, texts).values]
    prefix = bytes.fromhex("3031300d060960864801650304020105000420")
    for text, value in zip(texts, values, strict=True):
        x = number(b"\x00\x01" + b"\xff" * 10 + b"\x00" + prefix + hashlib.sha256(text).digest())
        assert padded(text, 8, 64) == x
        assert value == pow(x, 2 * dealt.shares[1].value, dealt.public.n)


@pytest.mark.parametrize("kind", KINDS)
def test_the_proof_is_the_one_of_the_paper(kind: str) -> None:
    # Seed, weights, challenge and both equations written out again with nothing but hashlib and pow.
    dealt = rsa_dealt(kind, 512, 2, 3)
    public, n = dealt.public, dealt.public.n
    texts = messages(4)
    answer = dealt.answer(3, texts)

    def hashed(tag: str, *inputs: bytes) -> bytes:
        parts = [f"keyquorum/rsa/{tag}/v1".encode(), *inputs]
        return hashlib.sha512(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()

    def wide(value: int) -> bytes:
        return value.to_bytes(64, "big")

    v, V = verification_base(n, public.e), public.verification[2]
    xs = [int(padded(text, 8, 64)) for text in texts]
    bs = [pow(x, 4, n) for x in xs]
    values = list(answer.values)
    ids = (CONTEXT.key_id, CONTEXT.request_id, (3).to_bytes(4, "big"))
    seed = hashed("batch", *ids, wide(v), wide(V), (4).to_bytes(8, "big"), *map(wide, bs), *values)
    rhos = [number(hashed("rho", seed, j.to_bytes(8, "big"))[:16]) for j in range(1, 5)]
    B = Y = 1
    for b, value, rho in zip(bs, values, rhos, strict=True):
        B = B * pow(b, rho, n) % n
        Y = Y * pow(number(value), 2 * rho, n) % n
    c, z = answer.proof.c, answer.proof.z
    first = pow(v, z, n) * pow(V, -c, n) % n
    second = pow(B, z, n) * pow(Y, -c, n) % n
    assert c == number(hashed("dleq", seed, wide(B), wide(Y), wide(first), wide(second))[:32])
    L = share_bits(public)
    secret = dealt.shares[2].value
    salt = seeded("sign", 0, 3)(64)
    blocks = b"".join(
        hashed("r", salt, secret.to_bytes((L + 7) // 8, "big"), seed, j.to_bytes(4, "big")) for j in range(9)
    )
    r = number(blocks) >> (8 * len(blocks) - L - 512)
    assert len(blocks) * 8 >= L + 512
    assert z == secret * c + r
    assert r.bit_length() > n.bit_length() + 400  # r below n would give the share away bit by bit


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_has_a_proof_of_its_own(kind: str) -> None:
    dealt = rsa_dealt(kind, 512, 2, 3)
    texts = messages(2)
    values = MemorySpool()
    proof = SMALL.sign(dealt.public, dealt.shares[0], None, texts, CONTEXT, values, seeded("again"), HERE)
    first = dealt.answer(1, texts)
    assert (list(first.values), first.proof != proof) == (list(values), True)
    SMALL.check(dealt.public, 1, texts, Answer(values, proof), CONTEXT, HERE)
    SMALL.check(dealt.public, 1, texts, Answer(values, first.proof), CONTEXT, HERE)


def test_the_salt_alone_does_not_decide_r() -> None:
    # A broken source of randomness that always says the same must not give two proofs with one r.
    dealt = rsa_dealt("new", 512, 2, 3)
    rs = set()
    for texts in (messages(1, "a"), messages(1, "b")):
        values = MemorySpool()
        proof = SMALL.sign(dealt.public, dealt.shares[0], None, texts, CONTEXT, values, bytes, HERE)
        rs.add(proof.z - proof.c * dealt.shares[0].value)
    assert len(rs) == 2


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
@settings(deadline=None, max_examples=40)
def test_no_part_of_an_answer_can_be_changed(kind: str, data: st.DataObject) -> None:
    dealt = rsa_dealt(kind, 512, 2, 3)
    texts = messages(3)
    honest = dealt.answer(2, texts)
    n, c, z = dealt.public.n, honest.proof.c, honest.proof.z
    top = 1 << (share_bits(dealt.public) + 513)
    values = list(honest.values)
    at = data.draw(st.integers(0, 2))
    other = data.draw(st.integers(1, n - 1).filter(lambda value: value != number(values[at])))
    altered = data.draw(
        st.sampled_from([
            Answer(values, RsaProof(c, z + 1)),
            Answer(values, RsaProof(c, -z)),
            Answer(values, RsaProof(c, z + top)),
            Answer(values, RsaProof(c, top)),
            Answer(values, RsaProof(c + 1, z)),
            Answer(values, RsaProof(c + (1 << 256), z)),
            Answer(values, RsaProof(-c, z)),
            Answer(values, RsaProof(0, 0)),
            changed(honest, at, other.to_bytes(64, "big")),
            changed(honest, at, (n - number(values[at])).to_bytes(64, "big")),
            changed(honest, at, n.to_bytes(64, "big")),
            changed(honest, at, values[at - 1]),
            Answer([values[1], values[0], values[2]], honest.proof),
        ])
    )  # fmt: skip
    with pytest.raises(WrongPartialError) as caught:
        SMALL.check(dealt.public, 2, texts, altered, CONTEXT, HERE)
    assert caught.value.culprits == (2,)


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_with_a_factor_in_common_with_the_modulus_names_its_holder(kind: str) -> None:
    dealt = rsa_dealt(kind, 512, 2, 3)
    p = (safe_key(512) if kind == "new" else ordinary_key(512)).private_numbers().p
    answer = changed(dealt.answer(1, messages(3)), 1, (p * 3).to_bytes(64, "big"))
    with pytest.raises(WrongPartialError, match="factor in common"):
        SMALL.check(dealt.public, 1, messages(3), answer, CONTEXT, HERE)


@pytest.mark.parametrize(
    "context", [Context(b"K" * 32, b"r" * 32), Context(b"k" * 32, b"R" * 32), Context(b"R" * 32, b"K" * 32)]
)
def test_a_proof_is_for_one_request_under_one_key(context: Context) -> None:
    dealt = rsa_dealt("new", 512, 2, 3)
    with pytest.raises(WrongPartialError):
        SMALL.check(dealt.public, 1, messages(2), dealt.answer(1, messages(2)), context, HERE)


def test_ids_of_another_length() -> None:
    dealt = rsa_dealt("new", 512, 2, 3)
    for context in (Context(b"K" * 31, b"R" * 32), Context(b"K" * 32, b"R" * 33), Context(b"", b"")):
        with pytest.raises(UsageError):
            dealt.answer(1, messages(1), context)


def test_one_time_material_is_for_other_schemes() -> None:
    dealt = rsa_dealt("new", 512, 2, 3)
    with pytest.raises(UsageError):
        SMALL.sign(dealt.public, dealt.shares[0], MemoryStore([]), messages(1), CONTEXT, MemorySpool(), seeded(), HERE)


def test_an_answer_without_proof_cannot_be_checked_alone() -> None:
    dealt = rsa_dealt("new", 512, 2, 3)
    with pytest.raises(RefusedError) as caught:
        SMALL.check(dealt.public, 1, messages(1), Answer(dealt.answer(1, messages(1)).values, None), CONTEXT, HERE)
    assert caught.value.culprits == ()


def cancelling(dealt: Dealt, seed: bytes, index: int, texts: list[bytes]) -> list[bytes]:
    """Give two wrong values that cancel under the weights of ``seed``."""
    n = dealt.public.n
    claim = claim_of(dealt.public, index, CONTEXT)
    # weigh() gives prod 2^(rho_j) for answers that are 2 where wanted: the weight itself, in an exponent.
    ones = [1] * len(texts)

    def two_to_the_weight(j: int) -> int:
        return int(weigh(claim, seed, 1, ones, [2 if i == j else 1 for i in range(len(texts))]).answers)

    first, second = (number(value) for value in list(dealt.answer(index, texts).values)[:2])
    wrong = (first * two_to_the_weight(1) % n, second * pow(two_to_the_weight(0), -1, n) % n)
    return [value.to_bytes(64, "big") for value in wrong] + list(dealt.answer(index, texts).values)[2:]


def test_a_seed_without_the_values_would_let_two_wrong_ones_pass_together() -> None:
    dealt = rsa_dealt("new", 512, 2, 3)
    public, n, texts = dealt.public, dealt.public.n, messages(3)
    claim = claim_of(public, 1, CONTEXT)
    roots = [int(padded(text, 8, 64)) for text in texts]
    bases = [pow(x, 4, n).to_bytes(64, "big") for x in roots]
    honest = list(dealt.answer(1, texts).values)

    broken_seed = batch_seed(claim, 3, bases, [])
    wrong = cancelling(dealt, broken_seed, 1, texts)
    assert wrong[:2] != honest[:2]
    weighed = weigh(claim, broken_seed, 1, roots, [number(value) for value in wrong])
    verify(claim, broken_seed, weighed, *prove(claim, broken_seed, weighed, dealt.shares[0].value, seeded()))

    # With the real seed the weights change as soon as a value does: whatever seed the liar prepares for, no proof.
    for prepared in (broken_seed, batch_seed(claim, 3, bases, honest)):
        wrong = cancelling(dealt, prepared, 1, texts)
        seed = batch_seed(claim, 3, bases, wrong)
        weighed = weigh(claim, seed, 1, roots, [number(value) for value in wrong])
        proof = RsaProof(*prove(claim, seed, weighed, dealt.shares[0].value, seeded()))
        with pytest.raises(WrongPartialError):
            SMALL.check(public, 1, texts, Answer(wrong, proof), CONTEXT, HERE)
        with pytest.raises(WrongPartialError):
            SMALL.check(public, 1, texts, Answer(wrong, dealt.answer(1, texts).proof), CONTEXT, HERE)


def test_values_of_another_width_are_refused_even_with_a_proof_over_them() -> None:
    dealt = rsa_dealt("new", 512, 2, 3)
    public, texts = dealt.public, messages(2)
    claim = claim_of(public, 1, CONTEXT)
    roots = [int(padded(text, 8, 64)) for text in texts]
    for lead in (b"", b"\x00"):
        values = [lead + value for value in dealt.answer(1, texts).values]
        seed = batch_seed(claim, 2, [pow(x, 4, public.n).to_bytes(64, "big") for x in roots], values)
        weighed = weigh(claim, seed, 1, roots, [number(value) for value in values])
        answer = Answer(values, RsaProof(*prove(claim, seed, weighed, dealt.shares[0].value, seeded())))
        if not lead:
            SMALL.check(public, 1, texts, answer, CONTEXT, HERE)
            continue
        with pytest.raises(WrongPartialError, match="64 bytes"):
            SMALL.check(public, 1, texts, answer, CONTEXT, HERE)


def test_a_proof_with_another_share_than_the_published_one() -> None:
    dealt, other = rsa_dealt("new", 512, 2, 3), rsa_dealt("new", 512, 2, 3, seed=1)
    answer = dealt.answer(1, messages(2), share=other.shares[0])
    with pytest.raises(WrongPartialError):
        SMALL.check(dealt.public, 1, messages(2), answer, CONTEXT, HERE)


def test_a_verification_value_from_somewhere_else_proves_nothing() -> None:
    # Whoever may choose V_i proves anything; it is read from the key record only, which check_dealing covers.
    dealt, other = rsa_dealt("new", 512, 2, 3), rsa_dealt("new", 512, 2, 3, seed=1)
    forged = replace(dealt.public, verification=other.public.verification)
    SMALL.check_dealing(forged)  # another sharing of the same key
    answer = other.answer(1, messages(1))
    SMALL.check(forged, 1, messages(1), answer, CONTEXT, HERE)
    with pytest.raises(WrongPartialError):
        SMALL.check(dealt.public, 1, messages(1), answer, CONTEXT, HERE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("bits", "algorithm"), [(2048, 8), (2048, 10)])
def test_openssl_verifies_what_three_of_five_made(kind: str, bits: int, algorithm: int, tmp_path: Path) -> None:
    dealt = rsa_dealt(kind, bits, 3, 5, algorithm)
    SMALL.check_dealing(dealt.public)
    texts = messages(2)
    answers = dealt.answers([1, 4, 5], texts)
    for index, answer in answers.items():
        SMALL.check(dealt.public, index, texts, answer, CONTEXT, HERE)
    signatures, _ = dealt.combine(texts, answers)
    assert signatures == [dealt.sign_undivided(text) for text in texts]
    key = (safe_key(bits) if kind == "new" else ordinary_key(bits)).public_key()
    (tmp_path / "key.pem").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "message").write_bytes(texts[1])
    (tmp_path / "signature").write_bytes(signatures[1])
    digest = {8: "-sha256", 10: "-sha512"}[algorithm]
    argv = ["openssl", "dgst", digest, "-verify", "key.pem", "-signature", "signature", "message"]
    said = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "Verified OK\n"), said.stderr


@pytest.mark.parametrize(
    ("kind", "bits"),
    [("new", 640), ("new", 1024), ("new", 1026), ("existing", 522), ("existing", 1024), ("existing", 1025)],
)
def test_other_sizes_of_modulus(kind: str, bits: int) -> None:
    dealt = rsa_dealt(kind, bits, 2, 3)
    texts = messages(2)
    signatures, _ = dealt.combine(texts, dealt.answers([1, 3], texts))
    assert signatures == [dealt.sign_undivided(text) for text in texts]
    assert {len(signature) for signature in signatures} == {(bits + 7) // 8}


def test_the_key_as_it_stands_in_dns() -> None:
    public = rsa_dealt("new", 512, 2, 3).public
    wire = SMALL.dnskey(public)
    assert wire == b"\x03\x01\x00\x01" + public.n.to_bytes(64, "big")
    assert SMALL.dnskey(replace(public, e=257))[:3] == b"\x02\x01\x01"
    assert SMALL.name == "rsa"


def test_every_worker_has_some_messages() -> None:
    sizes = {count: batch_size(count, Work(workers=3), 16) for count in (1, 6, 12, 95, 96, 10_000)}
    assert sizes == {1: 1, 6: 1, 12: 2, 95: 15, 96: 16, 10_000: 16}


def test_a_value_is_one_of_1_to_n_minus_1_in_the_length_of_the_modulus() -> None:
    public = rsa_dealt("new", 512, 2, 3).public
    assert is_value((1).to_bytes(64, "big"), public)
    assert is_value((public.n - 1).to_bytes(64, "big"), public)
    for bad in (bytes(64), public.n.to_bytes(64, "big"), b"\1", (1).to_bytes(65, "big"), b""):
        assert not is_value(bad, public)


def test_values_that_cannot_be_read_to_the_end_are_no_answer() -> None:
    # All of them can be read; what comes after the last cannot.
    dealt = rsa_dealt("new", 512, 2, 3)
    honest = dealt.answer(1, messages(2))
    broken = Answer(BrokenStream(list(honest.values), 2), honest.proof)
    with pytest.raises(WrongPartialError, match="cannot be read"):
        SMALL.check(dealt.public, 1, messages(2), broken, CONTEXT, HERE)
