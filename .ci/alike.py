"""Find functions of two modules that are nearly the same text. Prints a line for each pair.

    python .ci/alike.py [SHARE]     alike by more than SHARE, .7 where none is given
"""
import ast
import itertools
import sys
from difflib import SequenceMatcher
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEAST = 3      # statements; shorter functions are alike by accident
DOORS = {"main"}   # of each command: one line that hands on to `run_main`


def functions(path: Path):
    "Name and plain text of each function of a module, methods too, without docstrings."
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef) or node.name in DOORS: continue
        if ast.get_docstring(node) is not None: node.body = node.body[1:]
        statements = sum(isinstance(n, ast.stmt) for n in ast.walk(node)) - 1
        if statements >= LEAST: yield node.name, " ".join(map(ast.unparse, node.body)).split()


def main(least: float = 0.7) -> int:
    "Print pairs that are more alike than `least`; 1 if there are any."
    found = {p.stem: list(functions(p)) for p in sorted((ROOT / "houghcl").glob("*.py")) if p.stem[0] != "_"}
    bad = 0
    for (m, f), (n, g) in itertools.combinations(found.items(), 2):
        for (name, a), (other, b) in itertools.product(f, g):
            matcher = SequenceMatcher(None, a, b, autojunk=False)
            if matcher.real_quick_ratio() <= least or matcher.quick_ratio() <= least: continue
            if (share := matcher.ratio()) > least:
                print(f"FAIL {m}.{name} and {n}.{other} are {share:.2f} alike")
                bad = 1
    return bad


if __name__ == "__main__": sys.exit(main(*map(float, sys.argv[1:])))
