"""Canonical JSON against the examples of RFC 8785, against Python's own writer, and against everything else."""

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keyquorum.errors import LimitError, MalformedError
from keyquorum.records.canonical import DEPTH_LIMIT, INTEGER_LIMIT, Json, dumps, kind_of, loads

LIMIT = 1 << 20
# RFC 8785 section 3.2.3 (order of keys), 3.2.2.2 and 3.2.4 (a string and its bytes), and of its authors' test data what
# has whole numbers only: input as published, canonical form as published.
PUBLISHED = {
    "sorting": (
        r'{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",'
        r'"\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}',
        b'{"\\r":"Carriage Return","1":"One","\xc2\x80":"Control","\xc3\xb6":"Latin Small Letter O With Diaeresis",'
        b'"\xe2\x82\xac":"Euro Sign","\xf0\x9f\x98\x80":"Emoji: Grinning Face",'
        b'"\xef\xac\xb3":"Hebrew Letter Dalet With Dagesh"}',
    ),
    "string and literals": (
        r'{"string": "\u20ac$\u000F\u000aA' + r"'" + r'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}',
        bytes.fromhex(
            "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c22737472696e67223a22e282ac245c7530303066"
            "5c6e4127425c225c5c5c5c5c222f227d"
        ),
    ),
    "structures": (
        '{"1": {"f": {"f": "hi","F": 5} ,"\\n": 56}, "10": { }, "": "empty", "a": { }, '
        '"111": [ {"e": "yes","E": "no" } ], "A": { } }',
        b'{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}',
    ),
    "arrays": ('[56, {"d": true, "10": null, "1": [ ]}]', b'[56,{"1":[],"10":null,"d":true}]'),
    "french": (
        '{"peach": "This sorting order", "p\u00e9ch\u00e9": "is wrong according to French", '
        '"p\u00eache": "but canonicalization MUST", "sin": "ignore locale"}',
        '{"peach":"This sorting order","p\u00e9ch\u00e9":"is wrong according to French",'
        '"p\u00eache":"but canonicalization MUST","sin":"ignore locale"}'.encode(),
    ),
    "unnormalized": (
        '{"Unnormalized Unicode":"A\\u030a"}',
        b'{"Unnormalized Unicode":"A\xcc\x8a"}',
    ),
}
TEXTS = st.text(max_size=8)
INTEGERS = st.integers(-INTEGER_LIMIT, INTEGER_LIMIT)
LEAVES = st.none() | st.booleans() | INTEGERS | TEXTS
DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)


def by_python(value: Json) -> bytes:
    """Write canonical JSON with json.dumps: for whole numbers only the order of keys is not RFC 8785's already."""

    def ordered(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: ordered(part[key]) for key in sorted(part, key=lambda key: key.encode("utf-16-be"))}
        return [ordered(item) for item in part] if isinstance(part, list) else part

    return json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_examples_of_the_rfc(name: str) -> None:
    given_, canonical = PUBLISHED[name]
    assert dumps(json.loads(given_)) == canonical
    assert loads(canonical, LIMIT) == json.loads(given_)
    if given_.encode() != canonical:
        with pytest.raises(MalformedError, match="not in canonical form"):
            loads(given_.encode(), LIMIT)


@settings(deadline=None)
@given(DOCUMENTS)
@example({"\ue000": 1, "\U0001f600": 2})
@example('\x00\x1f\x7f\u2028"\\/')
def test_three_writers_agree_and_what_is_written_is_read(value: Json) -> None:
    written = dumps(value)
    assert written == by_python(value) == rfc8785.dumps(value)
    assert loads(written, len(written)) == value


@settings(deadline=None)
@given(DOCUMENTS, st.booleans(), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_another_spelling_is_refused(value: Json, escaped: bool, indent: Any, sort: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent, sort_keys=sort).encode()
    if text == by_python(value):
        assert loads(text, LIMIT) == value
    else:
        with pytest.raises(MalformedError, match="not in canonical form"):
            loads(text, LIMIT)


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(st.sampled_from('{}[]",:01-.eE \\untrfals'), max_size=30).map(str.encode))
def test_any_bytes_are_read_exactly_or_refused(data: bytes) -> None:
    try:
        value = loads(data, LIMIT)
    except MalformedError:
        return
    assert by_python(value) == data


@pytest.mark.parametrize("number", [0, 1, -1, INTEGER_LIMIT, -INTEGER_LIMIT])
def test_whole_numbers_up_to_the_limit_are_read(number: int) -> None:
    assert loads(str(number).encode(), LIMIT) == number


@pytest.mark.parametrize(
    "text",
    ["9007199254740992", "-9007199254740992", "99999999999999999", "100000000000000000", "9" * 5000, "-" + "9" * 5000],
)
def test_larger_ones_are_not(text: str) -> None:
    with pytest.raises(MalformedError, match=r"beyond 2\^53 - 1"):
        loads(text.encode(), LIMIT)


@pytest.mark.parametrize(
    "text", ["-0", "00", "+1", "1.0", "1e3", "1E400", "0x10", "NaN", "-Infinity", "١", ".5", "1_000"]
)
def test_other_numbers_are_not_either(text: str) -> None:
    with pytest.raises(MalformedError):
        loads(text.encode(), LIMIT)


def test_depth() -> None:
    deepest = b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT
    assert loads(deepest, LIMIT)
    for deeper in (b"[" + deepest + b"]", b'{"a":' + deepest + b"}", b"[" * 100_000, b'{"a":' * 100_000):
        with pytest.raises(LimitError, match="nested deeper than 32"):
            loads(deeper, LIMIT)


def test_the_limit_comes_before_everything() -> None:
    assert loads(b"[]", 2) == []
    for data in (b"[1]", b"\xff\xff\xff", b"[" * 1_000_000):
        with pytest.raises(LimitError, match="where at most 2 are expected"):
            loads(data, 2)


@pytest.mark.parametrize("text", ['{"a":1,"a":1}', '{"b":{"a":1,"a":2}}', '{"a":1,"\\u0061":2}', '{"":1,"":1}'])
def test_no_key_stands_twice(text: str) -> None:
    with pytest.raises(MalformedError, match="stands twice in one object"):
        loads(text.encode(), LIMIT)


def test_a_key_twice_among_very_many_is_found_at_once() -> None:
    # With a search that looks at every pair this takes hours.
    many = ",".join(f'"{number}":1' for number in range(300_000))
    with pytest.raises(MalformedError, match="the key '299999' stands twice"):
        loads(f'{{{many},"299999":1}}'.encode(), 1 << 23)


def test_what_json_cannot_carry_is_not_written() -> None:
    values: list[Any] = ["\ud800", {"\udfff": 1}, ["a\ud800b"], INTEGER_LIMIT + 1, float("nan")]
    for value in values:
        with pytest.raises(MalformedError, match="cannot be written as canonical JSON"):
            dumps(value)


def test_where_two_spellings_part() -> None:
    for text, where in [('{"a":1 }', "byte 6"), (' {"a":1}', "byte 0"), ("[1]\n", "byte 3"), ('["\\u0061"]', "byte 2")]:
        with pytest.raises(MalformedError) as caught:
            loads(text.encode(), LIMIT)
        assert caught.value.where == where


def test_types_in_words() -> None:
    values: list[Any] = [{}, [], "", 0, False, None]
    kinds = [kind_of(value) for value in values]
    assert kinds == ["an object", "a list", "text", "a number", "true or false", "null"]
