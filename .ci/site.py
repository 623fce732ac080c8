"""Check the pages that nbdev makes, before Quarto sees them. Prints a line `FAIL page: defect` for each.

    python .ci/site.py [--made]     --made: the pages in _proc as they are; else they are made first

What a page must hold: the source of every exported function and class of its notebook, once; every name that its code
uses; targets for its links, anchors, figures, tables, equations; a mention of each equation there and in `notation`, by its
number; names in backticks that exist; a text for each picture; no printed table that is wider
than its column. `rooms.py` reads the notebooks, this their pages, `browser.py` what is rendered.
"""
import ast, builtins, importlib, json, re, sys
from collections import Counter
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from rooms import NBS, ROOT, WIDTH, directives

PROC = ROOT / "_proc"
sys.path.insert(0, str(ROOT))
SCOPES = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
FILES = set("csv html ini ipynb jpg json pkl png pt pth py qmd safetensors toml yml".split())   # endings: `probe.csv` is no name
HOST = re.search(r"^doc_host *= *(\S+)", (ROOT / "settings.ini").read_text(encoding="utf-8"), re.M)[1]
IPYTHON = {"display", "get_ipython", "In", "Out", "exit", "__file__"}


class Page:
    "A notebook that nbdev has processed."

    def __init__(self, path: Path):
        self.path = path
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        read = [(c["cell_type"], "".join(c["source"]), c.get("outputs", [])) for c in cells]
        self.code = [s for kind, s, _ in read if kind == "code"]
        self.outputs = [o for _, _, outputs in read for o in outputs]
        made = ["".join(o["data"]["text/markdown"]) for o in self.outputs if "text/markdown" in o.get("data", {})]
        self.prose = [re.sub(r"^(```|~~~).*?^\1", "", s, flags=re.M | re.S) for s in [s for kind, s, _ in read if kind == "markdown"] + made]
        self.anchors = Counter(a for s in self.prose for a in anchors_of(s))
        self.anchors.update(x for s in self.code if (x := directives(s).get("label:")))

    def plain(self):
        "Prose without what stands in backticks."
        return [re.sub(r"`[^`\n]*`", "", s) for s in self.prose]


def anchors_of(prose: str):
    "Anchors of a cell of prose: headings, spans, equations and tables."
    from houghcl.pages import sections
    yield from sections(prose)
    yield from re.findall(r'<\w+ [^>]*\bid="([^"]+)"', prose)
    yield from re.findall(r"\{#((?:fig|tbl|eq|sec)-[\w-]+)", re.sub(r"^#.*$", "", prose, flags=re.M))


def tree(source: str) -> ast.Module:
    "Syntax tree of a cell; lines for IPython, and cells in other languages, are passed over."
    try: return ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.M))
    except SyntaxError: return ast.parse("")


def bound(node: ast.AST):
    "Names that a node of a syntax tree brings about."
    if isinstance(node, (ast.Import, ast.ImportFrom)): return [(a.asname or a.name).split(".")[0] for a in node.names]
    if isinstance(node, SCOPES): return [node.name]
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load): return [node.id]
    if isinstance(node, ast.arg): return [node.arg]
    if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name: return [node.name]
    return []


def unknown_names(code: list[str]) -> list[str]:
    "Names that the code of a page uses and none of it defines."
    nodes = [n for s in code for n in ast.walk(tree(s))]
    known = {x for n in nodes for x in bound(n)} | set(dir(builtins)) | IPYTHON
    return sorted({n.id for n in nodes if isinstance(n, ast.Name)} - known)


class Absolute(ast.NodeTransformer):
    "Undo what an export does to imports inside functions."

    def visit_ImportFrom(self, n: ast.ImportFrom):
        if n.level: n.module, n.level = f"houghcl.{n.module}", 0
        return n


def definitions(source: str):
    "Name and syntax of each function and class that a text defines."
    for n in tree(source).body:
        if isinstance(n, SCOPES): yield n.name, ast.dump(Absolute().visit(n))


def exported(module: str, notebook: str):
    "Name and syntax of each function and class that a module has from a notebook."
    text = (ROOT / "houghcl" / f"{module}.py").read_text(encoding="utf-8")
    for part in re.split(r"^# %% ", text, flags=re.M)[1:]:
        head, _, body = part.partition("\n")
        if head.split(" #")[0].endswith(f"/nbs/{notebook}"): yield from definitions(body)


def shown_once(page: Page, modules: dict[str, str]):
    "Exported functions and classes whose source does not stand on the page once."
    inside = page.path.relative_to(PROC).as_posix()
    count = Counter(x for s in page.code for x in definitions(s))
    for name, syntax in exported(modules[inside], inside) if inside in modules else ():
        if count[name, syntax] != 1: yield f"the source of {name} stands {count[name, syntax]} times"


def links(page: Page, pages: dict[str, Page]):
    "Links, anchors and pictures without a target."
    at = page.path.parent
    for text in page.plain():
        for link in re.findall(r"\]\(<?([^)\s>]+)", text):
            if link.startswith(HOST): yield f"a link by the published address, {link}"
            if re.match(r"\w+:|//", link): continue
            path, _, name = link.partition("#")
            to = page if not path else pages.get((at / unquote(path)).resolve().as_posix())
            if path and to is None and not (NBS / at.relative_to(PROC) / unquote(path)).exists(): yield f"no file {link}"
            elif name and to and unquote(name) not in to.anchors: yield f"no anchor {link}"
        for label in re.findall(r"(?<![\w\\])@((?:fig|tbl|eq|sec)-[\w-]+)", text):
            if label.rstrip("-") not in page.anchors: yield f"no target of @{label}"
        for alt, src, rest in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)(\{[^}]*\})?", text):
            if "fig-alt=" not in rest: yield f"the picture {src} has no fig-alt"


def equations(page: Page) -> list[str]:
    "Labels of a page's equations in their order, which is that of their numbers."
    return [a for a in page.anchors if a.startswith("eq-")]


def cited(page: Page, pages: dict[str, Page]):
    "Equations that the text of their page or `notation` does not name, and wrong numbers."
    text = "\n".join(page.plain())
    for name in equations(page):
        if not re.search(rf"@{name}(?![\w-])", text): yield f"no text names @{name}"
    found = re.findall(r"\[([^\]]*\((\d+)\))\]\(([^)#\s]+)#(eq-[\w-]+)\)", text)
    for said, number, path, name in found:
        to = pages.get((page.path.parent / unquote(path)).resolve().as_posix())
        if to and name in to.anchors and equations(to).index(name) + 1 != int(number): yield f"{said} is not the number of {name}"
    if page.path.stem == "notation":
        listed = {((page.path.parent / unquote(path)).resolve(), name) for _, _, path, name in found}
        for to in {id(p): p for p in pages.values()}.values():
            for name in equations(to):
                if (to.path.resolve(), name) not in listed: yield f"does not list {name} of {to.path.stem}"


def printed(page: Page):
    "Printed tables that a page cannot hold."
    for o in page.outputs:
        lines = "".join(o.get("text", "") or o.get("data", {}).get("text/plain", "")).splitlines()
        if o.get("data", {}).keys() & {"text/html", "text/markdown", "image/png"}: continue
        wide = [x for x in lines if len(x) > WIDTH and len(re.findall(r"\S {2,}\S", x)) > 2]
        if wide: yield f"prints a table of {max(map(len, wide))} columns, {wide[0][:40]!r}: show a table"


@cache
def package() -> dict[str, set[str]]:
    "Module: all names that stand in its code."
    files = sorted((ROOT / "houghcl").glob("[!_]*.py"))
    return {p.stem: spelled(p.read_text(encoding="utf-8")) for p in files}


def spelled(source: str) -> set[str]:
    "Names that stand in a text of code: what is used, defined, taken as an argument, or reached behind a dot."
    found = set()
    for n in ast.walk(tree(source)):
        found.update(bound(n), [getattr(n, k) for k in ("id", "attr", "name") if isinstance(getattr(n, k, None), str)])
    return found


def top_names(module: str) -> set[str]:
    "Names that a module has."
    return set(dir(importlib.import_module(f"houghcl.{module}")))


def quoted_names(page: Page):
    "Names in backticks that nothing has: `houghcl.module.name`, `module.name` and calls, `name(…)`."
    code = set().union(*map(spelled, page.code), *package().values(), dir(builtins))
    for text in page.prose:
        for quoted in re.findall(r"(?<![`\w])`([^`\n]+)`(?!`)", text):
            m = re.fullmatch(r"(?:houghcl\.)?([a-z_]+)\.([A-Za-z_]\w*)(?:\(.*\))?", quoted)
            if m and m[1] in package() and m[2] not in FILES and m[2] not in top_names(m[1]): yield f"no {quoted}"
            call = re.fullmatch(r"(?:\w+\.)*([A-Za-z_]\w*)\(.*\)", quoted)
            if call and call[1] not in code: yield f"no function {quoted}"


def check(page: Page, pages: dict[str, Page], modules: dict[str, str]):
    "Defects of a page."
    yield from shown_once(page, modules)
    yield from quoted_names(page)
    yield from links(page, pages)
    yield from cited(page, pages)
    yield from printed(page)
    for name in unknown_names(page.code): yield f"uses {name}, which nothing on the page defines"
    for name, n in page.anchors.items():
        if n > 1: yield f"has the anchor {name} {n} times"
    if any("show_doc(" in s for s in page.code): yield "was made without houghcl.pages"
    for text in page.plain():
        for bad in re.findall(r"^#### .*\]\(", text, re.M): yield f"Markdown in a signature: {bad}"


def sources() -> dict[str, str]:
    "Notebook: its module."
    found = {}
    for p in NBS.rglob("*.ipynb"):
        m = re.search(r"\|\s*default_exp ([\w.]+)", p.read_text(encoding="utf-8"))
        if m: found[p.relative_to(NBS).as_posix()] = m[1].replace(".", "/")
    return found


def main() -> int:
    if "--made" not in sys.argv:
        from nbdev.serve import proc_nbs
        proc_nbs(force=True)
    paths = sorted(p for p in PROC.rglob("*.ipynb") if "_docs" not in p.parts)
    pages = {p.resolve().as_posix(): Page(p) for p in paths}
    # a link to a page may say .html, by the name that nbdev gives it
    pages |= {p.resolve().with_name(re.sub(r"^\d+[a-zA-Z0-9]*_", "", p.name.lower())).with_suffix(".html").as_posix(): pages[p.resolve().as_posix()] for p in paths}
    modules, bad = sources(), 0
    missing = {p.relative_to(NBS) for p in NBS.rglob("[!._]*.ipynb")} - {p.relative_to(PROC) for p in paths}
    for p in sorted(missing):
        print(f"FAIL {p}: no page")
        bad += 1
    for p in paths:
        for d in dict.fromkeys(check(pages[p.resolve().as_posix()], pages, modules)):
            print(f"FAIL {p.relative_to(PROC)}: {d}")
            bad += 1
    print(f"{len(paths)} pages, {bad} defects")
    return int(bad > 0)


if __name__ == "__main__": sys.exit(main())
