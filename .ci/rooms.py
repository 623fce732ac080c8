"""Find in the notebooks what nbdev accepts in silence. Prints a line `FAIL notebook: defect` for each.

    python .ci/rooms.py
"""
import ast, importlib, json, re, sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"
sys.path.insert(0, str(ROOT))
DIRECTIVES = set("default_exp export exporti exports hide eval: label: fig-cap: fig-alt: code-fold: slow gpu".split())
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
    "The syntax tree of a cell; lines for IPython are passed over."
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
    for o in cell["outputs"]:
        if o["output_type"] == "error": yield "a stored error"
        if MACHINE.search("".join(o.get("text", "")) + "".join(o.get("data", {}).get("text/plain", ""))): yield "a path of one machine in the output"
        if "image/png" in o.get("data", {}) and not {"label:", "fig-cap:", "fig-alt:"} <= set(ds) and "hide" not in ds:
            yield "a picture without label, fig-cap and fig-alt"


def check_prose(source: str, labels: set):
    "Defects of a markdown cell."
    source = re.sub(r"^```.*?^```", "", source, flags=re.M | re.S)
    for link in re.findall(r"\]\((?!\w+:)([^)#\s]+)", source):
        if not (NBS / link).exists(): yield f"no file {link}"
    for name in re.findall(r"`houghcl\.([A-Za-z_][\w.]*)", source):
        if not exists(name): yield f"no houghcl.{name}"
    for label in re.findall(r"@(fig-[\w-]+)", source):
        if label not in labels: yield f"no figure {label}"


def check(path: Path, later: set):
    "Defects of a notebook."
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(c["source"]) for c in cells]
    if not re.fullmatch(r"# .+\n\n?> .+\n?", sources[0]):
        yield "the first cell must be `# Title`, an empty line and `> one sentence`: the site drops what else it holds"
    if path.stat().st_size > 300_000: yield f"{path.stat().st_size // 1000} KB, more than 300"
    labels = [directives(s).get("label:") for c, s in zip(cells, sources) if c["cell_type"] == "code"]
    labels = [x for x in labels if x]
    if len(labels) != len(set(labels)): yield "a figure label that stands twice"
    for cell, source in zip(cells, sources):
        if cell["cell_type"] == "code": defects = check_code(cell, source, later)
        else: defects = check_prose(source, set(labels))
        for d in defects: yield f"cell {cell['id']}: {d}"


def main() -> int:
    paths = sorted(p for p in NBS.glob("*.ipynb") if p.name[0] not in "._")
    modules = {p: m[1] for p in paths if (m := re.search(r"\|\s*default_exp (\w+)", p.read_text(encoding="utf-8")))}
    bad = [(p.name, d) for i, p in enumerate(paths) for d in check(p, {modules.get(q) for q in paths[i:]})]
    contents = yaml.safe_load((ROOT / "_quarto.yml").read_text())["website"]["sidebar"]["contents"]
    pages = [x for c in contents for x in ([c] if isinstance(c, str) else c["contents"])]
    if pages != ["index.ipynb"] + [p.name for p in paths if p.name != "index.ipynb"]:
        bad.append(("_quarto.yml", "the sidebar does not list the notebooks in order"))
    names = {}   # nbdev strips the number, and Quarto fails on the second page of a name
    for p in paths:
        first = names.setdefault(re.sub(r"^\d+[a-zA-Z0-9]*_", "", p.stem), p.name)
        if first != p.name: bad.append((p.name, f"has the page name of {first}"))
    for name, d in bad: print(f"FAIL {name}: {d}")
    return int(bool(bad))


if __name__ == "__main__": sys.exit(main())
