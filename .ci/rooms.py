"""Find in the notebooks what nbdev accepts in silence. Prints a line `FAIL notebook: defect` for each.

    python .ci/rooms.py
    python .ci/rooms.py --long    list exported cells of more than a screen, which is no failure
"""
import ast, importlib, json, re, sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"
sys.path.insert(0, str(ROOT))
DIRECTIVES = set("default_exp export exporti exports hide eval: echo: include: label: fig-cap: fig-alt: tbl-cap: code-fold: code-summary: slow gpu".split())
UNNUMBERED = "guides", "reference"   # folders that are no parts: their pages may use every module and have no number
SHOWN = {"image/png", "image/jpeg", "image/svg+xml", "text/html"}
WIDTH = 88     # columns of a line; the column of a page holds no more
MOST_CELLS = 60
MOST_LINES = 25   # of an exported cell
MACHINE = re.compile(r"site-packages|/(?:home|Users|root)/")


def directives(source: str) -> dict[str, str]:
    "The directives at the head of a cell, with what follows each."
    found = {}
    for line in source.splitlines():
        m = re.match(r"\s*#\s*\|\s*(\S+)\s*(.*)", line)
        if not m: break
        found[m[1]] = m[2]
    return found


def parse(source: str) -> ast.Module:
    "The syntax tree of a cell; lines for IPython are passed over, and cells for another language."
    if source.startswith("%%"): return ast.parse("")
    return ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.M))


def imports(source: str) -> list[tuple[str, bool]]:
    "Modules of this package that a cell imports, and whether by a star."
    found = []
    for n in ast.walk(parse(source)):
        if isinstance(n, ast.Import): found += [(a.name, False) for a in n.names]
        if isinstance(n, ast.ImportFrom):
            names = [f"houghcl.{a.name}" for a in n.names] if n.module == "houghcl" else [n.module or ""]
            found += [(m, n.names[0].name == "*") for m in names]
    return [(m.split(".")[1], star) for m, star in found if m.startswith("houghcl.")]


def mixed(source: str) -> bool:
    "Does a cell import and do something else?"
    kinds = {isinstance(n, (ast.Import, ast.ImportFrom)) for n in parse(source).body}
    return len(kinds) > 1


def exists(name: str) -> bool:
    "Is there a houghcl.x.y?"
    module, *rest = name.split(".")
    try: at = importlib.import_module(f"houghcl.{module}")
    except ImportError: return False
    for r in rest:
        if not hasattr(at, r): return False
        at = getattr(at, r)
    return True


def check_code(cell: dict, source: str, later: set):
    "Defects of a code cell; `later` are the modules that it must not import."
    ds = directives(source)
    for d in ds:
        if d not in DIRECTIVES: yield f"unknown directive {d!r}, which nbdev ignores"
    for module, star in imports(source):
        if star: yield f"star import of {module}"
        if module in later: yield f"imports {module} from a later room"
    if ds.get("eval:") != "false" and mixed(source): yield "an import mixed with other code: making the site would run both"
    if ds.get("label:", "").startswith("fig-") and not any("data" in o and o["data"].keys() & SHOWN for o in cell["outputs"]):
        yield "a label of a figure, and no picture"
    if ds.get("label:", "").startswith("tbl-") and "tbl-cap:" not in ds: yield "a table without tbl-cap"
    for o in cell["outputs"]:
        if o["output_type"] == "error": yield "a stored error"
        if MACHINE.search("".join(o.get("text", "")) + "".join(o.get("data", {}).get("text/plain", ""))): yield "a path of one machine in the output"
        if "image/png" in o.get("data", {}) and not {"label:", "fig-cap:", "fig-alt:"} <= set(ds) and "hide" not in ds:
            yield "a picture without label, fig-cap and fig-alt"


def public(source: str) -> list[str]:
    "Names of the public functions and classes that a cell defines."
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [n.name for n in parse(source).body if isinstance(n, kinds) and n.name[0] != "_"]


def check_shape(source: str):
    "Lines that a page cuts, and definitions that a page lists in reverse."
    long = [i for i, line in enumerate(source.splitlines(), 1)
            if len(line) > WIDTH and "://" not in line and not re.match(r"\s*#\s*\|", line)]
    if long: yield f"line {long[0]} is over {WIDTH} columns, as are {len(long) - 1} more"
    names = public(source) if exported(source) else []
    if len(names) > 1: yield f"defines {', '.join(names)}: one public definition a cell"


def exported(source: str) -> bool:
    "Does a cell go into the package?"
    return bool({"export", "exporti", "exports"} & set(directives(source)))


def check_prose(source: str, labels: set, folder: Path = NBS):
    "Defects of a markdown cell of a page in `folder`."
    source = re.sub(r"^```.*?^```", "", source, flags=re.M | re.S)
    for link in re.findall(r"\]\((?!\w+:)([^)#\s]+)", source):
        if not (folder / link).exists(): yield f"no file {link}"
    for name in re.findall(r"`houghcl\.([A-Za-z_][\w.]*)", source):
        if not exists(name): yield f"no houghcl.{name}"
    for label in re.findall(r"@((?:fig|tbl)-[\w-]+)", source):
        if label not in labels: yield f"no {label}"
    fenced = re.findall(r"^ {4}(?! *(?:[-*]|\d+\.) ).*", source, flags=re.M)
    wide = max(map(len, fenced), default=0)
    if wide > WIDTH and "://" not in max(fenced, key=len): yield f"a line of code of {wide} columns, over {WIDTH}"


def check(path: Path, later: set):
    "Defects of a notebook."
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(c["source"]) for c in cells]
    if not re.fullmatch(r"# .+\n\n?> .+\n?", sources[0]):
        yield "the first cell must be `# Title`, an empty line and `> one sentence`: the site drops what else it holds"
    if path.stat().st_size > 300_000: yield f"{path.stat().st_size // 1000} KB, more than 300"
    labels = [directives(s).get("label:") for c, s in zip(cells, sources) if c["cell_type"] == "code"]
    labels = [x for x in labels if x]
    prose = "\n".join(s for c, s in zip(cells, sources) if c["cell_type"] == "markdown")
    labels += re.findall(r"^: .*\{#(tbl-[\w-]+)\}$", prose, flags=re.M)
    labels += re.findall(r"\]\([^)]+\)\{#(fig-[\w-]+)", prose)
    if len(labels) != len(set(labels)): yield "a label that stands twice"
    for x in labels:
        if x.startswith("tbl-") and not re.search(rf"@{re.escape(x)}(?![\w-])", prose): yield f"no text names @{x}"
    if len(cells) > MOST_CELLS: yield f"{len(cells)} cells, more than {MOST_CELLS}"
    for cell, source in zip(cells, sources):
        if cell["cell_type"] == "code": defects = [*check_code(cell, source, later), *check_shape(source)]
        else: defects = check_prose(source, set(labels), path.parent)
        for d in defects: yield f"cell {cell['id']}: {d}"


def sidebar() -> list[str]:
    "The pages of the sidebar, in order."
    return list(listed(yaml.safe_load((ROOT / "_quarto.yml").read_text())["website"]["sidebar"]["contents"]))


def pages() -> list[Path]:
    "All notebooks in the order of reading: folders and files by number, unnumbered ones where the sidebar has them."
    found = [p.relative_to(NBS) for p in NBS.rglob("*.ipynb")]
    found = [p for p in found if not any(x[0] in "._" for x in p.parts)]
    place = {name: i for i, name in enumerate(sidebar())}
    last = max((i for name, i in place.items() if re.match(r"\d", name)), default=len(place))

    def order(p):
        if not re.match(r"\d", str(p)):   # as the sidebar has them: before the parts or behind them
            at = place.get(str(p), len(place))
            return at > last, at, "", False, ""
        return True, -1, str(p.parent), p.name != "index.ipynb", p.name

    return sorted(found, key=order)


def listed(contents: list):
    "The pages of a sidebar, section by section; a section may have a page of its own."
    for c in contents:
        if isinstance(c, str): yield c
        else:
            if "href" in c: yield c["href"]
            yield from listed(c["contents"])


def check_place(page: Path):
    "Defects of where a notebook lies: whoever sees its number knows its folder."
    if len(page.parts) == 1 or page.name == "index.ipynb" or str(page.parent) in UNNUMBERED: return
    part = re.match(r"(\d)_[a-z_]+$", str(page.parent))
    if not part: yield f"lies in {page.parent}, which is no folder N_name"
    elif not re.match(rf"{part[1]}\d[a-z]?\d?_", page.name): yield f"its number does not begin with {part[1]}, as its folder's does"


def free(page: Path) -> bool:
    "May a page use modules of later pages? One that tells of them may: an index, a guide, the reference."
    return page.name == "index.ipynb" or str(page.parent) in UNNUMBERED


def long_cells() -> int:
    "List exported cells of more than MOST_LINES lines, the longest first."
    found = []
    for p in pages():
        for cell in json.loads((NBS / p).read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            lines = len(source.splitlines())
            if cell["cell_type"] == "code" and exported(source) and lines > MOST_LINES: found.append((lines, str(p), cell["id"]))
    for lines, page, name in sorted(found, reverse=True): print(f"{lines:4} lines  {page} {name}")
    return 0


def main() -> int:
    if "--long" in sys.argv: return long_cells()
    paths = pages()
    texts = {p: (NBS / p).read_text(encoding="utf-8") for p in paths}
    modules = {p: m[1] for p in paths if (m := re.search(r"\|\s*default_exp (\w+)", texts[p]))}
    bad = [(p, d) for i, p in enumerate(paths) for d in check(NBS / p, set() if free(p) else {modules.get(q) for q in paths[i:]})]
    bad += [(p, d) for p in paths for d in check_place(p)]
    if sidebar() != list(map(str, paths)):
        bad.append(("_quarto.yml", "the sidebar does not list the notebooks in order"))
    names = {}   # nbdev strips the number, and Quarto fails on the second page of a name
    for p in paths:
        name = re.sub(r"^\d+[a-zA-Z0-9]*_", "", p.stem)
        first = names.setdefault(p if name == "index" else name, p)   # a folder may have an index of its own
        if first != p: bad.append((p, f"has the page name of {first}"))
        if modules.get(p, name) != name: bad.append((p, f"holds the module {modules[p]}, not {name}"))
    for name, d in bad: print(f"FAIL {name}: {d}")
    return int(bool(bad))


if __name__ == "__main__": sys.exit(main())
