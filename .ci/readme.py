"""README.md is nbs/index.ipynb, processed by nbdev and written as markdown.

    python .ci/readme.py            write README.md, and the pictures of the page as files in nbs/images
    python .ci/readme.py --check    say whether they are in sync

A picture that the page draws, with the label fig-NAME, is stored in the notebook; the README shows it from images/NAME.png.
"""
import base64, json, re, sys, tempfile
from pathlib import Path

import yaml
from nbconvert import MarkdownExporter
from nbdev.processors import FilterDefaults
from nbdev.serve_drv import exec_nb

ROOT = Path(__file__).resolve().parent.parent
INDEX = ROOT / "nbs/index.ipynb"


def option(source: str, name: str) -> str:
    "What a cell says behind `#| NAME:`, without its quotes."
    found = re.search(rf'^#\s*\|\s*{name}:\s*"?(.*?)"?\s*$', source, re.M)
    return found[1] if found else ""


def drawn(cell: dict) -> bytes:
    "The picture that a cell has drawn, if it has."
    made = [o["data"]["image/png"] for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
    return base64.b64decode("".join(made[0])) if made else b""


def pictures() -> dict[str, bytes]:
    "File in nbs/ and bytes of each picture of the page."
    cells = json.loads(INDEX.read_text(encoding="utf-8"))["cells"]
    labels = ((option("".join(c["source"]), "label"), drawn(c)) for c in cells if c["cell_type"] == "code")
    return {f"images/{label.removeprefix('fig-')}.png": picture for label, picture in labels if picture}


def as_text(page: Path) -> None:
    "Pictures become links, and the code that made them goes."
    nb = json.loads(page.read_text(encoding="utf-8"))
    for cell in nb["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code": continue
        text, label = "", option(source, "label").removeprefix("fig-")
        if drawn(cell): text = f"![{option(source, 'fig-alt')}](images/{label}.png)\n\n{option(source, 'fig-cap')}"
        cell |= dict(cell_type="markdown", source=text)
        for name in ("outputs", "execution_count"): cell.pop(name, None)
    page.write_text(json.dumps(nb), encoding="utf-8")


def readme() -> str:
    "The text of README.md."
    with tempfile.TemporaryDirectory() as d:
        page = Path(d) / "index.ipynb"
        exec_nb(INDEX, page, FilterDefaults)
        as_text(page)
        text, _ = MarkdownExporter().from_filename(str(page))
    _, head, body = text.split("---\n", 2)
    head = yaml.safe_load(head)

    def near(m):
        "A link that holds inside nbs/ must hold from the top folder; an anchor of the site is none on other pages."
        path = m[2].partition("#")[0]
        return m[1] + (f"nbs/{path}" if (ROOT / "nbs" / path).exists() else m[2])

    body = re.sub(r"(\]\()(?!\w+:)([^)\s#][^)\s]*)", near, body)
    body = re.sub(r"(!\[[^\]]*\]\([^)]*\))\{[^}]*\}", r"\1", body)    # Quarto's attributes
    body = body.replace("`{.flag}", "`")
    body = re.sub(r"\n{3,}", "\n\n", body).strip()
    return f"# {head['title']}\n\n> {head['description']}\n\n{body}\n"


if __name__ == "__main__":
    made = {ROOT / "README.md": readme().encode(), **{ROOT / "nbs" / name: data for name, data in pictures().items()}}
    for file, data in made.items():
        if "--check" not in sys.argv: file.write_bytes(data)
        elif not file.exists() or file.read_bytes() != data:
            sys.exit(f"FAIL index.ipynb: {file.relative_to(ROOT)} differs from it; run python .ci/readme.py")
