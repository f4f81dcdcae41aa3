"""The mutants of a Python file: each one small change of its text that the tests of that file should notice.

A change is made in the text, at the place the syntax tree gives, so that what runs and what the report shows are the
same. Left out, since no test of ours should depend on it: docstrings, texts for people (every string with a space in
it, everything inside a ``raise``, ``do=`` and ``where=``), annotations, decorators, imports, ``__slots__``, types, and
the byte order of a conversion, since Python itself notices all but the right words there.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult, ast.Mod: ast.Add,
    ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}  # fmt: skip
_OTHER_CALL = {"max": "min", "min": "max", "any": "all", "all": "any", "reversed": "list", "sorted": "list"}
_SYMMETRIC = {"min", "max", "gcd", "lcm"}
_FOR_PEOPLE = {"do", "where"}
_WORDS_OF_PYTHON = {"big", "ascii"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: of the bytes from ``start`` to ``end`` of the file at ``path``; ``kind`` says what sort."""

    path: Path
    kind: str
    line: int
    start: int
    end: int
    text: str

    def source(self) -> str:
        """Give the file's text with the change."""
        whole = self.path.read_bytes()
        return (whole[: self.start] + self.text.encode() + whole[self.end :]).decode()

    def diff(self) -> list[str]:
        """Give the lines that differ, those taken out first: they start with - or +."""
        lines = unified_diff(self.path.read_text().splitlines(), self.source().splitlines(), lineterm="", n=0)
        return [line for line in list(lines)[2:] if not line.startswith("@@")]

    def key(self) -> str:
        """Give the change as a text that stays the same when other lines of the file change."""
        return " ".join(" ".join(self.diff()).split())

    def before(self) -> str:
        """Give the lines as they stand in the file, blanks squeezed."""
        return " ".join(" ".join(line[1:] for line in self.diff() if line.startswith("-")).split())


def mutants_of(path: Path) -> list[Mutant]:
    """Give all mutants of a file that compile, in the order of the text, each once."""
    source = path.read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found: dict[tuple[int, int, str], Mutant] = {}
    for node, kind, text in _Finder().changes(ast.parse(source)):
        assert isinstance(node, ast.expr | ast.stmt)
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        mutant = Mutant(path, kind, node.lineno, start, end, text)
        try:
            compile(mutant.source(), str(path), "exec")
        except SyntaxError:
            continue
        found.setdefault((start, end, text), mutant)
    return sorted(found.values(), key=lambda mutant: (mutant.start, mutant.end, mutant.text))


Change = tuple[ast.AST, str, str]


class _Finder:
    """Walks a tree and gives (node to replace, kind, what stands there instead)."""

    def __init__(self) -> None:
        self._bound: Counter[str] = Counter()

    def changes(self, node: ast.AST) -> Iterator[Change]:
        if _is_left_out(node):
            return
        if isinstance(node, ast.Raise):
            yield node, "no raise", "pass"
            return
        outer = self._bound
        if isinstance(node, _Function):
            self._bound = _bound_in(node)
        if isinstance(node, ast.stmt):
            yield from self._of_statement(node)
        if isinstance(node, ast.expr):
            yield from _of_expression(node)
        for child in _children(node):
            yield from self.changes(child)
        self._bound = outer

    def _of_statement(self, node: ast.stmt) -> Iterator[Change]:
        match node:
            case ast.Expr():
                yield node, "no statement", "pass"
            case ast.AugAssign(target=target, op=op, value=value):
                yield node, "no statement", "pass"
                swapped = ast.AugAssign(target, _ARITHMETIC[type(op)](), value)
                yield node, "arithmetic", ast.unparse(swapped)
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                yield node, "no statement", "pass"
            case ast.Assign(targets=[ast.Name(id=name)]) if self._bound[name] > 1:
                yield node, "no statement", "pass"
            case ast.Return(value=ast.expr() as value) if not _is_none(value):
                yield node, "return", "return None"
            case ast.If(test=test):
                yield test, "condition", "True"
                yield test, "condition", "False"
            case ast.While(test=test):
                yield test, "condition", "False"
            case ast.Break():
                yield node, "loop", "continue"
            case ast.Continue():
                yield node, "loop", "break"
            case ast.Delete():
                yield node, "no statement", "pass"


def _of_expression(node: ast.expr) -> Iterator[Change]:
    match node:
        case ast.Compare(ops=ops):
            for at, op in enumerate(ops):
                for other in _COMPARE[type(op)]:
                    changed = deepcopy(node)
                    changed.ops[at] = other()
                    yield node, "comparison", _text(changed)
        case ast.BinOp(left=left, op=op, right=right) if not _is_text(left):
            yield node, "arithmetic", _text(ast.BinOp(left, _ARITHMETIC[type(op)](), right))
        case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert(), operand=operand):
            yield node, "no sign", _text(operand)
        case ast.BoolOp(op=op, values=values):
            yield node, "and/or", _text(ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values))
            for at in range(len(values)):
                rest = values[:at] + values[at + 1 :]
                yield node, "and/or", _text(ast.BoolOp(op, rest) if len(rest) > 1 else rest[0])
        case ast.IfExp(test=test):
            yield test, "condition", "True"
            yield test, "condition", "False"
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            for generator in node.generators:
                yield from ((condition, "condition", "True") for condition in generator.ifs)
        case ast.Constant(value=value):
            yield from ((node, "constant", repr(other)) for other in _other_values(value))
        case ast.JoinedStr(values=[*_, ast.Constant(value=str(last))]) if last:
            parts = [*node.values[:-1], ast.Constant(_with_other_end(last))]
            yield node, "constant", ast.unparse(ast.JoinedStr(parts))
        case ast.Subscript(slice=ast.Slice(lower=lower, upper=upper, step=step)):
            for wider in (ast.Slice(None, upper, step), ast.Slice(lower, None, step), ast.Slice(lower, upper, None)):
                if ast.dump(wider) != ast.dump(node.slice):
                    yield node, "slice", _text(ast.Subscript(node.value, wider, ast.Load()))
        case ast.Call():
            yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[Change]:
    if isinstance(node.func, ast.Name) and node.func.id in _OTHER_CALL:
        other = _OTHER_CALL[node.func.id]
        yield node, "function", _text(ast.Call(ast.Name(other), node.args, [] if other == "list" else node.keywords))
    if len(node.args) > 1 and not any(isinstance(argument, ast.Starred) for argument in node.args[:2]):
        first, second, *rest = node.args
        symmetric = _name_of(node.func) in _SYMMETRIC
        if ast.dump(first) != ast.dump(second) and not _is_left_out(second) and not symmetric:
            yield node, "swapped arguments", _text(ast.Call(node.func, [second, first, *rest], node.keywords))
    for at, keyword in enumerate(node.keywords):
        if keyword.arg not in _FOR_PEOPLE | {"strict"}:  # its value is changed instead
            fewer = node.keywords[:at] + node.keywords[at + 1 :]
            yield node, "no keyword", _text(ast.Call(node.func, node.args, fewer))


def _children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.JoinedStr):  # Python 3.11 does not know the places inside
        return
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "bases"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child


def _is_left_out(node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.Expr(value=ast.Constant()):  # a docstring, or ... for a body
            return True
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            is_type = name.istitle() and isinstance(value, ast.Subscript | ast.Call | ast.Name)
            return name in {"__slots__", "__all__"} or is_type
        case ast.keyword(arg=name):
            return name in _FOR_PEOPLE
        case ast.Constant(value=str(text)):
            return " " in text or text in _WORDS_OF_PYTHON
        case ast.JoinedStr(values=parts):
            return any(isinstance(part, ast.Constant) and " " in str(part.value) for part in parts)
    return False


def _bound_in(function: _Function) -> Counter[str]:
    """Count how often each name gets a value in a function: one that does only once cannot be left out."""
    stores = (node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return Counter(stores) + Counter(node.arg for node in ast.walk(function) if isinstance(node, ast.arg))


def _other_values(value: object) -> list[object]:
    match value:
        case bool():
            return [not value]
        case int():
            return [value + 1, value - 1]
        case float():
            return [value * 2, value / 2]
        case str() | bytes() if value:
            return [_with_other_end(value)]
    return []


def _with_other_end(value: str | bytes) -> str | bytes:
    """Change one bit of the last character: of hexadecimal digits hexadecimal digits come."""
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    return value[:-1] + chr(ord(value[-1]) ^ 1)


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"
