"""Mutants: a module's text with one small fault each, made by mutmut's operators and some more.

mutmut's own runner changes functions only. Here the statements and constants count as well, which
are made when a module is imported, and so do the Lua scripts in it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libcst as cst
from libcst import matchers
from mutmut.mutation import mutators

LAYER = Path(__file__).parents[2] / "layers" / "common" / "sheaf"


@dataclass(frozen=True)
class Mutant:
    """A module below `sheaf/` with one change in a definition, its scope."""

    file: str
    line: int
    scope: str
    change: str
    text: str

    @property
    def key(self) -> str:
        """What names it for as long as its definition stays as it is."""
        return f"{self.file} {self.scope}: {self.change}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.scope}: {self.change}"


def mutants_of(file: str) -> list[Mutant]:
    """All mutants of a module, in the order of its lines."""
    return mutate((LAYER / file).read_text(), file)


def mutate(source: str, file: str) -> list[Mutant]:
    """All mutants of a module's text, each once."""
    visitor = _Visitor()
    module = cst.parse_module(source)
    module.visit(visitor)
    found: dict[str, Mutant] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for scope, old, new in visitor.changes:
        text = module.code_for_node(module.deep_replace(old, new))
        if text == source or text in found or not _compiles(text):
            continue
        line, change = _change(source, text)
        seen[scope, change] += 1
        if seen[scope, change] > 1:
            change += f" ({seen[scope, change]})"
        found[text] = Mutant(file, line, scope, change, text)
    return list(found.values())


def _compiles(text: str) -> bool:
    try:
        compile(text, "a mutant", "exec")
    except SyntaxError:
        return False
    return True


def _change(old: str, new: str) -> tuple[int, str]:
    """The line; and what was there and what is there now, with a word or two around it."""
    start = next(n for n in range(len(old)) if old[n] != new[n : n + 1])
    most = min(len(old), len(new)) - start
    same = next((n for n in range(most) if old[-1 - n] != new[-1 - n]), most)
    before = re.findall(r"(?:\S+ +)?\S*\Z", old[:start])[0]
    after = re.findall(r"^\S*(?: +\S+)?", old[len(old) - same :])[0]
    parts = (text[start : len(text) - same] for text in (old, new))
    change = " → ".join(_short(f"{before}{part}{after}") for part in parts)
    return old.count("\n", 0, start) + 1, change


def _short(text: str) -> str:
    text = " ".join(text.split()) or "nothing"
    return text if len(text) <= 80 else f"{text[:50]} … {text[-25:]}"


# Not those that change texts, which are names of columns and messages, nor those that put None in
# a value's place, which hardly anything survives.
_OPERATORS: tuple[tuple[type[cst.CSTNode], Any], ...] = (
    (cst.BaseNumber, mutators.operator_number),
    (cst.Name, mutators.operator_name),
    (cst.AugAssign, mutators.operator_augmented_assignment),
    (cst.UnaryOperation, mutators.operator_remove_unary_ops),
    (cst.Call, mutators.operator_symmetric_string_methods_swap),
    (cst.CSTNode, mutators.operator_keywords),
    (cst.CSTNode, mutators.operator_swap_op),
    (cst.IfExp, mutators.operator_if_exp),
)
# Told to the driver and to the reader: without them all goes on as before.
_HINTS = {"strict", "timezone", "type_"}
_NO_CODE = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)
_PASS = cst.SimpleStatementLine([cst.Pass()])
_EFFECT = matchers.SimpleStatementLine(
    [matchers.Expr(matchers.Call()) | matchers.Raise() | matchers.AugAssign()]
)
_GUARD = matchers.If(orelse=None)
_DOCSTRING = matchers.SimpleStatementLine([matchers.Expr(matchers.SimpleString())])


class _Visitor(cst.CSTVisitor):
    """Notes each change: its scope, the node, and what to put in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[tuple[str, cst.CSTNode, cst.CSTNode]] = []
        self._scopes: list[str] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, _NO_CODE) or matchers.matches(node, _DOCSTRING) or _is_hint(node):
            return False
        self._scopes += _names(node)
        self.changes += ((".".join(self._scopes), node, new) for new in _mutations(node))
        return True

    def on_leave(self, node: cst.CSTNode) -> None:
        if _names(node):
            self._scopes.pop()


def _names(node: cst.CSTNode) -> list[str]:
    """The name of a definition: of a function, a class, or a value."""
    match node:
        case cst.FunctionDef(name=name) | cst.ClassDef(name=name):
            return [name.value]
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            return [name]
        case cst.AnnAssign(target=cst.Name(value=name)):
            return [name]
    return []


def _mutations(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for kind, operator in _OPERATORS:
        if isinstance(node, kind):
            yield from operator(node)
    match node:
        case cst.Call(args=args):
            yield from (node.with_changes(args=some) for some in _without_one(args))
        case cst.Dict() | cst.List() | cst.Tuple() | cst.Set():
            yield from (node.with_changes(elements=some) for some in _without_one(node.elements))
        case cst.SimpleString(value=text) if text.startswith('"""'):
            yield from (node.with_changes(value=other) for other in lua_mutations(text))
    if matchers.matches(node, _EFFECT | _GUARD):
        yield _PASS


def _without_one(items: Sequence[Any]) -> Iterator[list[Any]]:
    for number, item in enumerate(items):
        if len(items) > 1 and not _is_hint(item):
            yield [*items[:number], *items[number + 1 :]]


def _is_hint(node: cst.CSTNode) -> bool:
    match node:
        case cst.Arg(keyword=cst.Name(value=name)):
            return name in _HINTS
    return False


# A line that does something, or decides that it is the last one.
_LUA_STATEMENT = r"(?m)^ *(?:redis\.call|set_fence|\w+ = |if .* end$).*$"
_LUA = (
    ("==", "~="),
    ("~=", "=="),
    (">=", ">"),
    (r"(?<=[\w)] )>(?= )", ">="),
    (r"(?<=[\w)] )<(?= )", "<="),
    (r"(?<= )\+(?= )", "-"),
    (r"\band\b", "or"),
    (r"\bor\b", "and"),
    (r"\bnot ", ""),
    ("'NX', ", ""),
    (_LUA_STATEMENT, ""),
)


def lua_mutations(script: str) -> Iterator[str]:
    """A script with one small fault each; what its comments say stays."""
    for pattern, other in _LUA:
        for found in re.finditer(pattern, script):
            yield from _replaced(script, found, other)
    for found in re.finditer(r"\b\d+\b", script):
        yield from _replaced(script, found, str(int(found[0]) + 1))


def _replaced(script: str, found: re.Match[str], other: str) -> Iterator[str]:
    line = script[script.rfind("\n", 0, found.start()) + 1 : found.start()]
    if "--" not in line:
        yield script[: found.start()] + other + script[found.end() :]
