"""Policy files: the shipped ones as the ceremonies have them, and each way to write a wrong one."""

import tomllib
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.dnssec.model import KeyKind, SignaturePolicy, SigningTimes
from keyquorum.dnssec.trust import Trust
from keyquorum.errors import KeyquorumError, LimitError, MalformedError, UsageError
from keyquorum.policy.bounds import Bounds, span
from keyquorum.policy.profile import (
    PROFILES,
    SIZE_LIMIT,
    AllowedKey,
    Policy,
    profile,
    profile_source,
    read_policy,
)

DAY = 86400
ROOT = profile_source("root").decode()


def test_the_root_profile() -> None:
    assert profile("root") == Policy(
        name="root",
        proofs_required=True,
        bundle_count=9,
        bundle_interval=Bounds(9 * DAY, 11 * DAY),
        cycle_duration=Bounds(79 * DAY, 81 * DAY),
        keys_per_bundle=(2, 1, 1, 1, 1, 1, 1, 1, 2),
        keys_in_all=3,
        allowed_keys=(AllowedKey(8, Bounds(2048, 2048), (65537,)),),
        publish_safety=10 * DAY,
        retire_safety=10 * DAY,
        horizon=180 * DAY,
        ksk_policy=SignaturePolicy(
            publish_safety=0,
            retire_safety=28 * DAY,
            max_signature_validity=21 * DAY,
            min_signature_validity=21 * DAY,
            max_validity_overlap=16 * DAY,
            min_validity_overlap=9 * DAY,
            algorithms=(KeyKind(8, 2048, 65537),),
        ),
        ksk_ttl=172800,
    )


def test_the_zone_profile() -> None:
    policy = profile("zone")
    assert (policy.name, policy.proofs_required, policy.ksk_ttl) == ("zone", False, None)
    assert (policy.bundle_count, policy.bundle_interval, policy.cycle_duration) == (None, None, None)
    assert (policy.keys_per_bundle, policy.keys_in_all) == ((), None)
    assert [allowed.algorithm for allowed in policy.allowed_keys] == [8, 10, 13, 14, 15, 16]
    assert (policy.ksk_validity, policy.ksk_overlap) == (Bounds(DAY, 90 * DAY), Bounds(0, 90 * DAY))
    assert policy.horizon == 180 * DAY
    assert {kind for kind in policy.ksk_policy.algorithms if kind.algorithm > 10} == {
        KeyKind(13, 256, 0), KeyKind(14, 384, 0), KeyKind(15, 256, 0), KeyKind(16, 456, 0),
    }  # fmt: skip


def test_the_profile_of_a_top_level_domain() -> None:
    policy, loose = profile("tld"), profile("zone")
    assert (policy.name, policy.proofs_required, policy.ksk_ttl, policy.bundle_count) == ("tld", False, None, None)
    assert [allowed.algorithm for allowed in policy.allowed_keys] == [8, 13, 15]
    assert (policy.ksk_validity, policy.ksk_overlap) == (Bounds(7 * DAY, 30 * DAY), Bounds(3 * DAY, 25 * DAY))
    assert (policy.publish_safety, policy.retire_safety) == (3 * DAY, 7 * DAY)
    assert policy.trust == Trust(False, DAY, 30 * DAY, 30 * DAY, 7 * DAY)
    # Nothing passes it that the profile of any zone would refuse.
    assert policy.horizon < loose.horizon
    assert {one.algorithm for one in policy.allowed_keys} < {one.algorithm for one in loose.allowed_keys}
    assert set(policy.ksk_policy.algorithms) < set(loose.ksk_policy.algorithms)


def test_profiles_are_loaded_once_and_by_name() -> None:
    assert PROFILES == ("root", "tld", "zone")
    assert profile("root") is profile("root")
    for name in ("cctld", "", "../root", "root.toml"):
        with pytest.raises(UsageError, match="there is no profile") as caught:
            profile(name)
        assert caught.value.do == "The shipped ones are root, tld, zone."


@pytest.mark.parametrize(("seconds", "text"), [(0, "PT0S"), (-1, "-PT1S"), (9 * DAY, "P9D"), (-9 * DAY, "-P9D")])
def test_span(seconds: int, text: str) -> None:
    assert span(seconds) == text


def test_bounds() -> None:
    bounds = Bounds(10, 20)
    assert [bounds.breach(seconds) for seconds in (9, 10, 20, 21)] == [
        "PT9S, less than PT10S", "", "", "PT21S, more than PT20S"
    ]  # fmt: skip


def test_allowed_kinds() -> None:
    allowed = AllowedKey(8, Bounds(1024, 2048), (3, 65537))
    assert [allowed.covers(KeyKind(8, bits, 3)) for bits in (1023, 1024, 2048, 2049)] == [False, True, True, False]
    assert not allowed.covers(KeyKind(8, 2048, 5))
    assert not allowed.covers(KeyKind(10, 2048, 3))
    assert not allowed.covers(KeyKind(13, 2048, 3))
    assert AllowedKey(13, Bounds(0, 0), ()).covers(KeyKind(13, 256))
    assert not AllowedKey(13, Bounds(0, 0), ()).covers(KeyKind(14, 256))


# Each entry: what is replaced in the root's profile, by what, and where the fault is expected and how it is told.
FAULTS = [
    ('name = "root"', "", "$.name", "missing; it is a text"),
    ('name = "root"', "name = 7", "$.name", "not a text"),
    ('name = "root"', 'name = ""', "$.name", "not 1 to 60 characters of printable ASCII"),
    ('name = "root"', f'name = "{"n" * 61}"', "$.name", "not 1 to 60 characters of printable ASCII"),
    ('name = "root"', 'name = "r\\u00f6ot"', "$.name", "not 1 to 60 characters of printable ASCII"),
    ('name = "root"', 'name = "\\u001b[2J"', "$.name", "not 1 to 60 characters of printable ASCII"),
    ("proofs_required = true", "", "$.proofs_required", "missing; it is true or false"),
    ("proofs_required = true", "proofs_required = 1", "$.proofs_required", "not true or false"),
    ('horizon = "P180D"', "horizon = 180", "$.horizon", 'not a duration such as "P21D"'),
    ('horizon = "P180D"', 'horizon = "180D"', "$.horizon", "'180D' is not a duration"),
    ('horizon = "P180D"', 'horizon = "P180D"\nhorizons = 1', "$.horizons", "a policy has no such key"),
    ("[bundles]", "[bundle]", "$.bundles", "missing; it is a table"),
    ("[bundles]", "[[bundles]]", "$.bundles", "not a table"),
    ("[bundles]", "[bundles]\nnumber = 9", "$.bundles.number", "a policy has no such key"),
    ("count = 9", "count = 0", "$.bundles.count", "not a whole number from 1 to 100000"),
    ("count = 9", "count = 100001", "$.bundles.count", "not a whole number from 1 to 100000"),
    ("count = 9", "count = 9.0", "$.bundles.count", "not a whole number"),
    ("count = 9", "count = true", "$.bundles.count", "not a whole number"),
    ("count = 9", "count = 8", "$.bundles.keys_per_bundle", "9 numbers for 8 bundles"),
    ('["P9D", "P11D"]', '["P9D"]', "$.bundles.interval", 'not two durations such as ["P9D", "P11D"]'),
    ('["P9D", "P11D"]', '["P9D", "P10D", "P11D"]', "$.bundles.interval", "not two durations"),
    ('["P9D", "P11D"]', '["P9D", 11]', "$.bundles.interval", "not two durations"),
    ('["P9D", "P11D"]', '"P9D"', "$.bundles.interval", "not two durations"),
    ('["P9D", "P11D"]', '["P9D", "P1M"]', "$.bundles.interval[1]", "'P1M' is not a duration"),
    ('["P9D", "P11D"]', '["9D", "P11D"]', "$.bundles.interval[0]", "'9D' is not a duration"),
    ('["P9D", "P11D"]', '["P9DT1S", "P9D"]', "$.bundles.interval", "P9DT1S at least, P9D at most"),
    ("[2, 1, 1, 1, 1, 1, 1, 1, 2]", "9", "$.bundles.keys_per_bundle", "not a list of whole numbers"),
    ("[2, 1, 1, 1, 1, 1, 1, 1, 2]", "[2, 1, 0]", "$.bundles.keys_per_bundle[2]", "not a whole number from 1 to 100000"),
    ("[2, 1, 1, 1, 1, 1, 1, 1, 2]", "[2, true]", "$.bundles.keys_per_bundle[1]", "not a whole number"),
    ("keys_in_all = 3", "keys_in_all = 0", "$.bundles.keys_in_all", "not a whole number from 1 to 100000"),
    ("[zsk]", "[zsk]\nother = 1", "$.zsk.other", "a policy has no such key"),
    ("[[zsk.allowed]]", "[zsk.allowed]", "$.zsk.allowed", "not a list of tables"),
    ("min_bits = 2048", "min_bits = 511", "$.zsk.allowed[0].min_bits", "not a whole number from 512 to 16384"),
    ("max_bits = 2048", "max_bits = 16385", "$.zsk.allowed[0].max_bits", "not a whole number from 512 to 16384"),
    ("min_bits = 2048", "min_bits = 2049", "$.zsk.allowed[0]", "2049 bits at least, 2048 at most"),
    ("min_bits = 2048", "", "$.zsk.allowed[0].min_bits", "missing; it is a whole number"),
    ("exponents = [65537]", "", "$.zsk.allowed[0].exponents", "no exponent is allowed"),
    ("exponents = [65537]", "exponents = []", "$.zsk.allowed[0].exponents", "no exponent is allowed"),
    ("exponents = [65537]", "exponents = [2]", "$.zsk.allowed[0].exponents[0]", "not a whole number from 3 to"),
    ("exponents = [65537]", "exponents = [9223372036854775808]", "$.zsk.allowed[0].exponents[0]", "not a whole number"),
    ("exponents = [65537]", "exponents = [3]\nbits = 1", "$.zsk.allowed[0].bits", "a policy has no such key"),
    ("algorithm = 8 #", "algorithm = 5 #", "$.zsk.allowed[0].algorithm", "5 is not one of 8, 10, 13, 14, 15, 16"),
    ("algorithm = 8 #", "algorithm = 256 #", "$.zsk.allowed[0].algorithm", "not a whole number from 0 to 255"),
    ("algorithm = 8 #", "algorithm = -1 #", "$.zsk.allowed[0].algorithm", "not a whole number from 0 to 255"),
    ("algorithm = 8 #", "algorithm = 13 #", "$.zsk.allowed[0].min_bits", "a policy has no such key"),
    ("[ksk]", "[ksk]\nother = 1", "$.ksk.other", "a policy has no such key"),
    ("ttl = 172800", "ttl = -1", "$.ksk.ttl", "not a whole number from 0 to 2147483647"),
    ("ttl = 172800", "ttl = 2147483648", "$.ksk.ttl", "not a whole number from 0 to 2147483647"),
    ('["P21D", "P21D"]', '["PT0S", "P21D"]', "$.ksk.signature_validity", "a signature that is valid for no time"),
    ('["P9D", "P16D"]', '["P16D", "P9D"]', "$.ksk.validity_overlap", "P16D at least, P9D at most"),
    ("[[ksk.kinds]]", "[ksk.kinds]", "$.ksk.kinds", "not a list of tables"),
    ("[[ksk.kinds]]", "[[ksk.kind]]", "$.ksk.kinds", "missing; it is a list of tables"),
    ("\nbits = 2048", "\nbits = 127", "$.ksk.kinds[0].bits", "not a whole number from 128 to 16384"),
    ("\nbits = 2048", "\nbits = 16385", "$.ksk.kinds[0].bits", "not a whole number from 128 to 16384"),
    ("\nexponent = 65537", "\nexponent = 2", "$.ksk.kinds[0].exponent", "not a whole number from 3 to"),
    ("\nexponent = 65537", "", "$.ksk.kinds[0].exponent", "missing; it is a whole number"),
    (
        "\nexponent = 65537",
        "\nexponent = 9223372036854775808",
        "$.ksk.kinds[0].exponent",
        "not a whole number from 3 to",
    ),
    ("\nexponent = 65537", "\nexponent = 3\nother = 1", "$.ksk.kinds[0].other", "a policy has no such key"),
    ("algorithm = 8\n", "algorithm = 13\n", "$.ksk.kinds[0].exponent", "a policy has no such key"),
    ("count = 9", "count = 9\ncount = 9", "$", "not a TOML document in UTF-8"),
    ("[zsk]", "[bundles]", "$", "not a TOML document in UTF-8"),
    ("[zsk]", "[zsk", "$", "not a TOML document in UTF-8"),
    ("count = 9", "count = " + "9" * 5000, "$", "not a TOML document in UTF-8"),
    ("count = 9", "count = " + "[" * 5000, "$", "not a TOML document in UTF-8"),
    ('name = "root"', 'name = "root"\n"\\u001b[2J" = 1', "$.\\x1b[2J", "a policy has no such key"),
]


@pytest.mark.parametrize(("old", "new", "where", "what"), FAULTS)
def test_one_fault(old: str, new: str, where: str, what: str) -> None:
    assert old in ROOT
    with pytest.raises(MalformedError) as caught:
        read_policy(ROOT.replace(old, new, 1).encode())
    assert caught.value.where == where
    assert caught.value.what.startswith(what)


def test_an_unknown_key_is_told_what_there_is() -> None:
    with pytest.raises(MalformedError) as caught:
        read_policy(ROOT.replace("algorithm = 8\n", "algorithm = 8\nsize = 1\n").encode())
    assert caught.value.do == "There are: algorithm, bits, exponent."


@pytest.mark.parametrize("tables", ["[]", "[1]", "[{algorithm = 13}, 1]", '["x"]'])
def test_a_list_of_tables_holds_tables(tables: str) -> None:
    head, _, tail = ROOT.partition("[[zsk.allowed]]")
    with pytest.raises(MalformedError) as caught:
        read_policy(f"{head}allowed = {tables}\n{tail[tail.index('[ksk]') :]}".encode())
    assert caught.value.where == "$.zsk.allowed"
    assert caught.value.what == "not a list of at least one table"


def test_what_may_be_left_out() -> None:
    for line, field, empty in (
        ("count = 9", "bundle_count", None),
        ('interval = ["P9D", "P11D"]', "bundle_interval", None),
        ('cycle_duration = ["P79D", "P81D"]', "cycle_duration", None),
        ("keys_per_bundle = [2, 1, 1, 1, 1, 1, 1, 1, 2]", "keys_per_bundle", ()),
        ("keys_in_all = 3", "keys_in_all", None),
        ("ttl = 172800", "ksk_ttl", None),
    ):
        assert f"\n{line}\n" in ROOT
        assert read_policy(ROOT.replace(line, "", 1).encode()) == replace(profile("root"), **{field: empty})  # type: ignore[arg-type]


def test_the_edges_of_the_ranges() -> None:
    text = ROOT.replace("count = 9", "count = 1").replace("[2, 1, 1, 1, 1, 1, 1, 1, 2]", "[100000]")
    text = text.replace("keys_in_all = 3", "keys_in_all = 100000").replace("ttl = 172800", "ttl = 2147483647")
    text = text.replace("min_bits = 2048", "min_bits = 512").replace("max_bits = 2048", "max_bits = 16384")
    text = text.replace("[65537]", "[3, 9223372036854775807]").replace(
        "exponent = 65537", "exponent = 9223372036854775807"
    )
    text = text.replace("\nbits = 2048", "\nbits = 16384").replace('name = "root"', f'name = "{"n" * 60}"')
    text = text.replace('["P21D", "P21D"]', '["PT1S", "P21D"]').replace('["P9D", "P11D"]', '["P9D", "P9D"]')
    policy = read_policy(text.encode())
    assert policy.bundle_count == 1
    assert policy.keys_per_bundle == (100000,)
    assert policy.keys_in_all == 100000
    assert policy.ksk_ttl == 2147483647
    assert policy.allowed_keys == (AllowedKey(8, Bounds(512, 16384), (3, 9223372036854775807)),)
    assert policy.ksk_policy.algorithms == (KeyKind(8, 16384, 9223372036854775807),)
    assert policy.ksk_validity == Bounds(1, 21 * DAY)
    assert policy.bundle_interval == Bounds(9 * DAY, 9 * DAY)
    assert policy.name == "n" * 60
    lowest = (
        text.replace("ttl = 2147483647", "ttl = 0")
        .replace("bits = 16384", "bits = 512")
        .replace("= 512\nexponent ", "= 128\nexponent ")
    )
    policy = read_policy(lowest.replace("exponent = 9223372036854775807", "exponent = 3").encode())
    assert policy.ksk_ttl == 0
    assert policy.ksk_policy.algorithms == (KeyKind(8, 128, 3),)


def test_size() -> None:
    assert SIZE_LIMIT == 65536
    fill = SIZE_LIMIT - len(ROOT.encode())
    assert read_policy((ROOT + "#" * fill).encode()) == profile("root")
    with pytest.raises(LimitError, match=f"a policy file of {SIZE_LIMIT + 1} bytes; the limit is {SIZE_LIMIT}"):
        read_policy((ROOT + "#" * (fill + 1)).encode())


def test_not_utf8() -> None:
    with pytest.raises(MalformedError, match="not a TOML document in UTF-8"):
        read_policy(b'name = "\xff"')


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_noise(data: bytes) -> None:
    with pytest.raises(KeyquorumError):
        read_policy(data)


SCALARS = (
    st.none() | st.booleans() | st.integers(-5, 1 << 65) | st.text(max_size=8) | st.sampled_from(["P9D", "PT0S", "P"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=2)
)


def toml(value: object) -> str:
    """Write a value as inline TOML."""
    if value is None:
        return "1979-05-27T07:32:00Z"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(one):08x}" if not 0xD800 <= ord(one) < 0xE000 else "?" for one in value) + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    return str(value)


LINES = [line for line in ROOT.splitlines() if " = " in line and not line.startswith("#")]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(LINES), VALUES)
def test_any_value_anywhere_is_read_or_refused_by_us(line: str, value: object) -> None:
    text = ROOT.replace(line, f"{line.partition(' = ')[0]} = {toml(value)}", 1)
    tomllib.loads(text)
    with suppress(MalformedError):
        read_policy(text.encode())


SIGNING = b"""
[signing]
signature_validity = "P14D"
refresh = "P5D"
inception_offset = "PT1H"
parent_records = ["CDS SHA-256", "CDNSKEY"]
"""


def test_signing_times_are_optional_and_whole() -> None:
    source = profile_source("zone")
    assert (read_policy(source).times, read_policy(source).parent_records) == (None, None)
    policy = read_policy(source + SIGNING)
    assert policy.times == SigningTimes(14 * 86400, 5 * 86400, 3600)
    assert policy.parent_records == ("CDNSKEY", "CDS SHA-256")
    for old, new, where in (
        (b'refresh = "P5D"', b'refresh = "P14D"', "$.signing.refresh"),
        (b'refresh = "P5D"\n', b"", "$.signing.refresh"),
        (b'"CDNSKEY"', b'"CDS SHA-1"', "$.signing.parent_records"),
        (b'"CDNSKEY"', b'"CDS SHA-256"', "$.signing.parent_records"),
        (b'"CDNSKEY"', b"[1]", "$.signing.parent_records"),
        (b"[signing]\n", b"[signing]\nuntil = 1\n", "$.signing.until"),
        (b"[signing]", b"[[signing]]", "$.signing"),
    ):
        with pytest.raises(MalformedError) as caught:
            read_policy(source + SIGNING.replace(old, new))
        assert caught.value.where == where


LIFE = """
[[ksk.life]]
tag = 20326
algorithm = 8
since = "2017-02-02T00:00:00Z"
until = "2027-01-11T00:00:00Z"
"""
KSK_LIFE = ROOT.replace("\n# How validators come", f"{LIFE}\n# How validators come")


def test_how_validators_follow() -> None:
    assert profile("root").trust == Trust(True, DAY, 30 * DAY, 30 * DAY, 0)
    assert profile("zone").trust == Trust(False, DAY, 30 * DAY, 30 * DAY, 3 * DAY)
    # A policy that does not say it has the slowest way.
    assert read_policy(ROOT[: ROOT.index("[rollover]")].encode()) == profile("root")
    longer = ROOT.replace('\nhold_down = "P30D"', '\nhold_down = "P41D"').replace(
        'e_hold_down = "P30D"', 'e_hold_down = "PT0S"'
    )
    assert read_policy(longer.encode()).trust == Trust(True, DAY, 41 * DAY, 0, 0)


def test_lives_of_ksks() -> None:
    assert profile("root").ksk_lives == ()
    (life,) = read_policy(KSK_LIFE.encode()).ksk_lives
    assert (life.tag, life.algorithm, life.until - life.since) == (20326, 8, 3630 * DAY)
    two = KSK_LIFE.replace(LIFE, LIFE + LIFE.replace("20326", "65535").replace("= 8", "= 13"))
    assert [(one.tag, one.algorithm) for one in read_policy(two.encode()).ksk_lives] == [(20326, 8), (65535, 13)]


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("[rollover]", "[[rollover]]", "$.rollover", "not a table"),
        ('trust = "rfc5011"', "", "$.rollover.trust", "missing; it is a word"),
        ('trust = "rfc5011"', 'trust = "5011"', "$.rollover.trust", "not one of rfc5011, ds"),
        ('trust = "rfc5011"', "trust = 5011", "$.rollover.trust", "not a word"),
        ('trust = "rfc5011"', 'trust = "ds"', "$.rollover.parent", "missing; it is a duration"),
        ('trust = "rfc5011"', 'trust = "rfc5011"\nparent = "P1D"', "$.rollover.parent", "a policy has no such key"),
        ('propagation = "P1D"', "", "$.rollover.propagation", "missing; it is a duration"),
        ('\nhold_down = "P30D"', "", "$.rollover.hold_down", "missing; it is a duration"),
        ('\nhold_down = "P30D"', '\nhold_down = "P29DT23H59M59S"', "$.rollover.hold_down", "validators wait for P30D"),
        ('remove_hold_down = "P30D"', "", "$.rollover.remove_hold_down", "missing; it is a duration"),
        ("tag = 20326", "tag = 65536", "$.ksk.life[0].tag", "not a whole number from 0 to 65535"),
        ("tag = 20326", "tag = -1", "$.ksk.life[0].tag", "not a whole number from 0 to 65535"),
        ("tag = 20326\nalgorithm = 8", "tag = 1", "$.ksk.life[0].algorithm", "missing; it is a whole number"),
        ("tag = 20326\nalgorithm = 8", "tag = 1\nalgorithm = 5", "$.ksk.life[0].algorithm", "5 is not one of 8"),
        ('since = "2017-02-02T00:00:00Z"', "", "$.ksk.life[0].since", "missing; it is a time"),
        ('since = "2017-02-02T00:00:00Z"', 'since = "2017"', "$.ksk.life[0].since", "'2017' is not a time"),
        ('since = "2017-02-02T00:00:00Z"', "since = 2017-02-02", "$.ksk.life[0].since", "not a time such as"),
        ("2017-02-02T00:00:00Z", "2027-01-11T00:00:00Z", "$.ksk.life[0].until", "it ends before it begins"),
        ("tag = 20326", "tag = 20326\nlabel = 1", "$.ksk.life[0].label", "a policy has no such key"),
        ("[[ksk.life]]", "[ksk.life]", "$.ksk.life", "not a list of tables"),
    ],
)  # fmt: skip
def test_one_fault_in_what_may_be_left_out(old: str, new: str, where: str, what: str) -> None:
    assert old in KSK_LIFE
    with pytest.raises(MalformedError) as caught:
        read_policy(KSK_LIFE.replace(old, new, 1).encode())
    assert caught.value.where == where
    assert caught.value.what.startswith(what)
