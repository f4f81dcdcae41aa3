"""A plan of a roll as a picture: SVG by hand, black on white, to be printed on one sheet.

A bar is a key over its slots: filled where it signs, hatched where it is only published, crossed where it is revoked.
The picture depends on nothing but the plan. It holds no script, no style sheet, no font, no link.
"""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import TypeVar

from keyquorum.cli.timeline import Ways, algorithm_name
from keyquorum.dnssec.rollover import Plan
from keyquorum.dnssec.schema import Act
from keyquorum.dnssec.sizes import UDP_PAYLOAD, response_size
from keyquorum.dnssec.timeline import SlotKey
from keyquorum.dnssec.times import format_time_for_people

T = TypeVar("T")

_LEFT, _SLOT, _RIGHT = 178, 10, 12
_ROW, _BAR, _LANE = 34, 16, 9
_FONT = 'font-family="DejaVu Sans, Helvetica, Arial, sans-serif"'
_ACTS = {Act.SIGN: "signs", Act.PUBLISH: "published", Act.REVOKE: "revoked, signs"}
_FILLS = {Act.SIGN: "black", Act.PUBLISH: "url(#published)", Act.REVOKE: "url(#revoked)"}
_LIGHT, _MIDDLE = "#c8c8c8", "#707070"


def draw(plan: Plan, ways: Ways) -> str:
    """Give the SVG document."""
    return _Picture(plan, ways).document()


class _Picture:
    def __init__(self, plan: Plan, ways: Ways) -> None:
        self.plan, self.ways = plan, ways
        self.slots = plan.slots
        self.length = len(plan.quarters[0].slots)
        self.width = _LEFT + _SLOT * len(self.slots) + _RIGHT
        self.parts: list[str] = []
        self.y = 0.0

    def document(self) -> str:
        self._title()
        top = self.y
        self._quarters()
        for key in self.plan.ksks:
            self._ksk(key)
        algorithms = list(dict.fromkeys(key.algorithm for key in self.plan.ksks))
        for algorithm in algorithms:
            self._zone_keys(algorithm)
        for algorithm in algorithms:
            self._zone(algorithm)
        self._sizes()
        self._ways()
        grid = "".join(self._grid(top))
        self._legend()
        height = self.y + 6
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{height:g}" '
            f'viewBox="0 0 {self.width} {height:g}" role="img">\n'
            f"<title>{escape(self._heading())}</title>\n{_DEFINITIONS}"
            f'<rect width="{self.width}" height="{height:g}" fill="white"/>\n{grid}{"".join(self.parts)}</svg>\n'
        )

    def _heading(self) -> str:
        old, new = self.plan.ksks
        zone = "the root" if self.plan.roll.zone.to_text() == "." else self.plan.roll.zone.to_text()
        return (
            f"The KSK of {zone}: from {old.name} ({algorithm_name(old.algorithm)}) "
            f"to {new.name} ({algorithm_name(new.algorithm)})"
        )

    def _title(self) -> None:
        self._text(12, 24, self._heading(), size=15, weight="bold")
        first, last = (format_time_for_people(moment)[:10] for moment in (self.slots[0].start, self.slots[-1].start))
        self._text(12, 41, f"A column is a slot of the signing schedule, the first from {first}, the last from {last}. "
                   "Below the quarters: the schemas of their KSKs.", size=9, colour=_MIDDLE)  # fmt: skip
        self.y = 54

    def _quarters(self) -> None:
        for place, quarter in enumerate(self.plan.quarters):
            middle = self._x(place * self.length) + _SLOT * self.length / 2
            self._text(middle, self.y + 11, quarter.name, size=10, weight="bold", anchor="middle")
        place = 0
        for schema, group in groupby(quarter.schema.name for quarter in self.plan.quarters):
            count = len(list(group)) * self.length
            middle = self._x(place) + _SLOT * count / 2
            self._text(middle, self.y + 25, schema, size=9, anchor="middle")
            self._line(self._x(place) + 3, self.y + 29, self._x(place + count) - 3, self.y + 29)
            place += count
        for place in range(len(self.slots)):
            number = str(place % self.length + 1)
            self._text(self._x(place) + _SLOT / 2, self.y + 37, number, size=6, anchor="middle", colour=_MIDDLE)
        self.y += 42

    def _ksk(self, key: SlotKey) -> None:
        self._label(key.name, f"KSK, {algorithm_name(key.algorithm)}" + f", {key.bits} bits" * (key.algorithm < 13))
        self._bars([slot.act(key) for slot in self.slots])
        self.y += _ROW

    def _bars(self, acts: Sequence[Act]) -> None:
        for first, count, act in _runs(acts):
            if act is Act.ABSENT:
                continue
            x, width = self._x(first), _SLOT * count
            self._rect(x, self.y, width, _BAR, _FILLS[act], stroke=1)
            if width >= 5.5 * len(_ACTS[act]):
                back = act is not Act.SIGN
                if back:
                    half = 2.9 * len(_ACTS[act])
                    self._rect(x + width / 2 - half, self.y + 2.5, 2 * half, _BAR - 5, "white")
                colour = "black" if back else "white"
                self._text(x + width / 2, self.y + 11.5, _ACTS[act], size=9, anchor="middle", colour=colour)

    def _zone_keys(self, algorithm: int) -> None:
        self._label("zone keys", f"{algorithm_name(algorithm)}, one a quarter")
        keys = dict.fromkeys(
            key for slot in self.slots for key in (*slot.zone_keys, *slot.zone_signers) if key.algorithm == algorithm
        )
        for lane, key in enumerate(keys):
            y = self.y + (lane % 2) * (_LANE + 1)
            for first, count, stands in _runs([key in slot.zone_keys for slot in self.slots]):
                if stands:
                    self._rect(self._x(first), y, _SLOT * count, _LANE, "url(#published)", stroke=0.7)
            standing_signers = [key in slot.zone_keys and key in slot.zone_signers for slot in self.slots]
            for first, count, signs in _runs(standing_signers):
                if signs:
                    self._rect(self._x(first), y, _SLOT * count, _LANE, "black", stroke=0.7)
                    self._text(self._x(first) + _SLOT * count / 2, y + 7.2, f"{key.bits} bits" if algorithm < 13 else
                               "", size=7, anchor="middle", colour="white")  # fmt: skip
        self.y += _ROW

    def _zone(self, algorithm: int) -> None:
        self._label("zone signed with", algorithm_name(algorithm))
        for first, count, signed in _runs([
            any(key.algorithm == algorithm for key in slot.zone_signers) for slot in self.slots
        ]):  # fmt: skip
            if signed:
                self._rect(self._x(first), self.y + 5, _SLOT * count, 6, "black")
        self.y += 26

    def _sizes(self) -> None:
        sizes = [response_size(self.plan.roll.zone, slot) for slot in self.slots]
        tall, most = 44, max(*sizes, UDP_PAYLOAD)
        self._label("DNSKEY response", f"bytes; the line is {UDP_PAYLOAD}", down=tall / 2 - 8)
        base = self.y + tall
        for first, count, size in _runs(sizes):
            high = tall * size / most
            self._rect(self._x(first), base - high, _SLOT * count, high, "#e4e4e4", stroke=0.7)
            if count > 2:
                down = 4 if high > 14 else high + 3
                self._text(self._x(first) + _SLOT * count / 2, base - down, str(size), size=8, anchor="middle")
        limit = base - tall * UDP_PAYLOAD / most
        self._line(self._x(0), limit, self._x(len(sizes)), limit, dash="4 2")
        for first, count, size in _runs(sizes):
            if size > UDP_PAYLOAD:
                middle = self._x(first) + _SLOT * count / 2
                self._text(middle, base - tall * size / most - 2.5, str(size), size=7, anchor="middle")
        self.y += tall + 16

    def _ways(self) -> None:
        self._label("way back", "by the response kept ready")
        kinds = [None if broken is None else not broken for row in self.ways for broken in row]
        for first, count, good in _runs(kinds):
            if good is None:
                continue
            x, width = self._x(first), _SLOT * count
            self._rect(x, self.y, width, _BAR, "white", stroke=1, dash="" if good else "3 2")
            told = "yes" if good else "breaks rules"
            if width >= 5.2 * len(told):
                self._text(x + width / 2, self.y + 11.5, told, size=9, anchor="middle")
        self.y += _ROW - 8

    def _grid(self, top: float) -> Iterator[str]:
        for place in range(len(self.slots) + 1):
            x, quarter = self._x(place), place % self.length == 0
            colour, width = (_LIGHT, 1) if quarter else ("#ececec", 0.5)
            start = top if quarter else top + 39
            yield (
                f'<line x1="{x:g}" y1="{start:g}" x2="{x:g}" y2="{self.y:g}" stroke="{colour}" '
                f'stroke-width="{width}"/>\n'
            )

    def _legend(self) -> None:
        self.y += 14
        x = float(_LEFT)
        for fill, told in (
            ("black", "signs"),
            ("url(#published)", "published, does not sign"),
            ("url(#revoked)", "revoked, signs its revocation"),
        ):
            self._rect(x, self.y - 8, 22, 9, fill, stroke=0.8)
            self._text(x + 27, self.y, told, size=9)
            x += 48 + 5.6 * len(told)
        self.y += 8

    def _label(self, name: str, more: str, down: float = 0) -> None:
        self._text(12, self.y + down + 8, name, size=10, weight="bold")
        self._text(12, self.y + down + 19, more, size=8, colour=_MIDDLE)

    def _x(self, place: int) -> float:
        return _LEFT + _SLOT * place

    def _rect(
        self, x: float, y: float, width: float, height: float, fill: str, *, stroke: float = 0, dash: str = ""
    ) -> None:
        line = f' stroke="black" stroke-width="{stroke}"' if stroke else ""
        line += f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}"{line}/>\n')

    def _line(self, x1: float, y1: float, x2: float, y2: float, *, dash: str = "") -> None:
        more = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="black" stroke-width="0.8"{more}/>\n'
        )

    def _text(
        self, x: float, y: float, text: str, *, size: float, weight: str = "normal", anchor: str = "start",
        colour: str = "black",
    ) -> None:  # fmt: skip
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" {_FONT} font-size="{size:g}" font-weight="{weight}" text-anchor="{anchor}" '
            f'fill="{colour}">{escape(text)}</text>\n'
        )


_DEFINITIONS = """<defs>
<pattern id="published" width="4" height="4" patternUnits="userSpaceOnUse"><rect width="4" height="4" fill="white"/>\
<path d="M-1,1 l2,-2 M0,4 l4,-4 M3,5 l2,-2" stroke="black" stroke-width="0.8"/></pattern>
<pattern id="revoked" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" fill="white"/>\
<path d="M0,0 l5,5 M5,0 l-5,5" stroke="black" stroke-width="1.1"/></pattern>
</defs>
"""


def _runs(values: Sequence[T]) -> Iterator[tuple[int, int, T]]:
    """Give each run of equal values: where it begins, how long it is, and the value."""
    place = 0
    for value, group in groupby(values):
        count = len(list(group))
        yield place, count, value
        place += count
