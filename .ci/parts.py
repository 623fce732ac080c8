"""Parts are folders of notebooks, and none needs a later one. Prints a line
`FAIL part: defect` for each that does.

A part is a folder nbs/N_name; its modules are those that its notebooks export. The
package is copied to a temporary folder, cut in two ways, and imported from the copy:
1. cut after each part: what is left must import;
2. without one of the parts that come after training: all before it must import, and the
   demo must train for a few steps.
Pages in nbs/ itself stand before all parts.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"
PACKAGE = "houghcl"
TRAINING = "train"      # the module whose command is the demo
LIMIT = 300             # seconds for one process
# An editable install has a finder of its own, which would find what was left out.
PLAIN = """
import importlib, runpy, sys
plain = [f for f in sys.meta_path if f.__module__.startswith("_frozen_importlib")]
sys.meta_path[:] = plain
"""
# A process that imports all modules that it is told, says which fail, and goes on.
IMPORTER = PLAIN + """
bad = 0
for name in sys.argv[2:]:
    try:
        importlib.import_module(f"{sys.argv[1]}.{name}")
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {error}")
        bad = 1
sys.exit(bad)
"""
# A process that runs a module as `python -m` does.
RUNNER = PLAIN + """
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
DEMO = ("--steps 3 --batch-size 8 --queue 64 --log-every 1 --workers 0 --threads 1 "
        "--out").split()


def module_of(path: Path) -> str:
    "The module that a notebook exports, or nothing."
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    named = (re.search(r"^#\s*\|\s*default_exp\s+(\w+)", s, re.M) for s in sources)
    return next((m[1] for m in named if m), "")


def modules(folder: Path) -> list[str]:
    "The modules of a folder's own notebooks, in order."
    return [m for p in sorted(folder.glob("[!._]*.ipynb")) if (m := module_of(p))]


def parts(nbs: Path = NBS) -> dict[str, list[str]]:
    "Folder -> its modules, in order."
    folders = sorted(p for p in nbs.iterdir() if p.is_dir() and re.match(r"\d", p.name))
    return {p.name: modules(p) for p in folders}


def copied(home: Path, without: set[str]) -> Path:
    "A copy of the package under `home` without some modules."
    left = shutil.ignore_patterns("__pycache__", *(f"{m}.py" for m in without))
    shutil.copytree(ROOT / PACKAGE, home / PACKAGE, ignore=left)
    return home


def run(home: Path, *words: str) -> list[str]:
    "Run Python on the copy in `home`; the lines of a run that failed, else none."
    env = {**os.environ, "PYTHONPATH": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run([sys.executable, *words], cwd=home, env=env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              errors="replace", timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return [f"still running after {LIMIT} s"]
    if not done.returncode:
        return []
    said = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return said[-5:] or [f"exit code {done.returncode}"]


def defects(keep: list[str], without: set[str], demo: bool) -> list[str]:
    "Import `keep` from a copy that lacks some modules, then train there a little."
    with tempfile.TemporaryDirectory() as d:
        home = copied(Path(d), without)
        found = run(home, "-c", IMPORTER, PACKAGE, *keep)
        if demo and not found:
            out = str(home / "run")
            found = run(home, "-c", RUNNER, f"{PACKAGE}.{TRAINING}", *DEMO, out)
            if not found and not (home / "run/backbone.safetensors").is_file():
                found = ["the demo left no backbone.safetensors"]
            found = [f"the demo: {line}" for line in found]
    return found


def main() -> int:
    found = parts()
    if not found:
        print("no parts: all notebooks lie in nbs/ itself")
        return 0
    front, names, bad = modules(NBS), list(found), 0
    every = {p.stem for p in (ROOT / PACKAGE).glob("[!_]*.py")}
    home = next((i for i, n in enumerate(names) if TRAINING in found[n]), len(names))
    if home == len(names):
        print(f"FAIL {names[-1]}: no part has {TRAINING}, which the demo needs")
        bad = 1
    jobs = []
    for i, name in enumerate(names):
        before = front + [m for n in names[:i] for m in found[n]]
        kept = before + found[name]
        if found[name]:
            jobs.append((name, "with no later part", kept, every - set(kept), False))
        if i > home and found[name]:
            jobs.append((name, "left out", before, set(found[name]), True))
    for name, how, keep, without, demo in jobs:
        said = defects(keep, without, demo)
        bad += bool(said)
        for line in said:
            print(f"FAIL {name} {how}: {line}", flush=True)
        if not said:
            more = ", and the demo trains" if demo else ""
            print(f"ok {name} {how}: {len(keep)} modules import{more}", flush=True)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
