"""Share of a module's lines that refuse arguments: maths should not drown in checks.

    python .ci/checks.py

Counts the lines of exported function bodies, without docstrings, comments and empty lines.
A line refuses if it belongs to a `raise`, to an `if` that only raises, or to a function
whose name begins with check or _check. A call of such a function is one line, like any
other, and is counted beside. Prints the share of each method page, and fails above 15 %.
The room that exists for checks, `checks`, is left out.
"""
import ast, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 0.15
ROOMS = ("geometry", "appearance", "hough", "affine", "score", "pairing", "trust", "chunked",
         "loss", "backbone", "model")


def is_check(name: str) -> bool:
    "Is this a function that refuses arguments?"
    return name.lstrip("_").startswith("check")


def called(node: ast.stmt) -> str:
    "The name of the function that a statement calls, or nothing."
    value = getattr(node, "value", None)
    if isinstance(value, ast.Subscript):
        value = value.value
    function = getattr(value, "func", None)
    return getattr(function, "id", getattr(function, "attr", ""))


def refuses(node: ast.stmt) -> bool:
    "Does a statement refuse arguments and nothing else?"
    if isinstance(node, ast.Raise):
        return True
    if isinstance(node, ast.If):
        return not node.orelse and all(refuses(n) for n in node.body)
    return False


def lines(nodes, code: list[str]) -> set[int]:
    "The numbers of the lines of some statements, without comments and empty lines."
    spans = (range(n.lineno, n.end_lineno + 1) for n in nodes)
    return {i for span in spans for i in span
            if code[i - 1].strip() and not code[i - 1].lstrip().startswith("#")}


def body(node: ast.FunctionDef) -> list[ast.stmt]:
    "The statements of a function, without its docstring."
    first = node.body[0]
    text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return node.body[text:]


def count(path: Path) -> tuple[int, int, int]:
    "Lines that refuse, all lines, and calls of checks, in the functions of a module."
    source = path.read_text(encoding="utf-8")
    code, every, refusing, calls = source.splitlines(), set(), set(), set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef):
            continue
        every |= lines(body(node), code)
        if is_check(node.name):
            refusing |= lines(body(node), code)
        refusing |= lines([n for n in ast.walk(node)
                           if isinstance(n, ast.stmt) and refuses(n)], code)
        calls |= {n.lineno for n in ast.walk(node)
                  if isinstance(n, (ast.Expr, ast.Assign)) and is_check(called(n))}
    return len(refusing & every), len(every), len(calls - refusing)


def main() -> int:
    bad = 0
    for room in ROOMS:
        path = ROOT / "houghcl" / f"{room}.py"
        if not path.exists():
            continue
        refusing, every, calls = count(path)
        share = refusing / max(every, 1)
        bad += share > LIMIT
        mark = "FAIL " if share > LIMIT else ""
        print(f"{mark}{room:10} {refusing:3} of {every:3} lines refuse, {share:3.0%}; "
              f"{calls} calls of checks")
    return int(bad > 0)


if __name__ == "__main__": sys.exit(main())
