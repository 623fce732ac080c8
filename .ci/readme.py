"""README.md is nbs/index.ipynb, processed by nbdev and written as markdown.

    python .ci/readme.py            write README.md
    python .ci/readme.py --check    say whether it is in sync
"""
import re, sys, tempfile
from pathlib import Path

import yaml
from nbconvert import MarkdownExporter
from nbdev.processors import FilterDefaults
from nbdev.serve_drv import exec_nb

ROOT = Path(__file__).resolve().parent.parent


def readme() -> str:
    "The text of README.md."
    with tempfile.TemporaryDirectory() as d:
        page = Path(d) / "index.ipynb"
        exec_nb(ROOT / "nbs/index.ipynb", page, FilterDefaults)
        text, _ = MarkdownExporter().from_filename(str(page))
    _, head, body = text.split("---\n", 2)
    head = yaml.safe_load(head)
    # a link that holds inside nbs/ must hold from the top folder
    body = re.sub(r"(\]\()(?!\w+:)([^)#\s]+)", lambda m: m[1] + ("nbs/" if (ROOT / "nbs" / m[2]).exists() else "") + m[2], body)
    body = re.sub(r"(!\[[^\]]*\]\([^)]*\))\{[^}]*\}", r"\1", body)    # Quarto's attributes
    body = re.sub(r"\n{3,}", "\n\n", body).strip()
    return f"# {head['title']}\n\n> {head['description']}\n\n{body}\n"


if __name__ == "__main__":
    file = ROOT / "README.md"
    if "--check" not in sys.argv: file.write_text(readme(), encoding="utf-8")
    elif file.read_text(encoding="utf-8") != readme():
        sys.exit("FAIL index.ipynb: README.md differs from it; run python .ci/readme.py")
