"""Run notebooks, and keep the outputs stored in them true.

    python .ci/notebooks.py refresh [NB ...]    run, store the outputs, clean
    python .ci/notebooks.py check [NB ...]      run, compare the printed text with the stored one

Without names: every notebook under nbs/. Each runs alone in a kernel of its own, from top to bottom, as "Run all" in
Jupyter does: it knows no flags, so slow cells and cells flagged `eval: false` run too. Pictures and standard error are
not compared; numbers with a decimal point may differ by 1 % or by one unit of their last place. A cell whose text
cannot repeat (times, say) holds the comment `# output varies`.
"""
import json, os, re, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbdev.clean import clean_nb

ROOT = Path(__file__).resolve().parent.parent
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.I)
LIMIT = 1500  # seconds for one notebook


def close(a: str, b: str) -> bool:
    "Are two printed numbers equal, or nearly so where they have a decimal point?"
    if a == b or not ("." in a + b or "e" in (a + b).lower()): return a == b
    last = 10.0 ** -min(len(x.lower().split("e")[0].partition(".")[2]) for x in (a, b))
    exponent = 10.0 ** int((a.lower().split("e") + ["0"])[1])
    return abs(float(a) - float(b)) <= max(0.01 * abs(float(a)), 1.01 * last * exponent)


def same(a: str, b: str) -> bool:
    "Are two texts equal but for spaces and nearly equal numbers?"
    words = ["".join(NUMBER.sub("#", x).split()) for x in (a, b)]
    return words[0] == words[1] and all(map(close, NUMBER.findall(a), NUMBER.findall(b)))


def text(outputs: list) -> list[str]:
    "What a cell printed, then the text and kinds of what it displayed."
    stream = [o for o in outputs if o["output_type"] == "stream" and o["name"] == "stdout"]
    shown = [o["data"] for o in outputs if "data" in o]
    return ["".join("".join(o["text"]) for o in stream)] + [
        " ".join([*sorted(d), *("".join(d.get(k, "")) for k in ("text/plain", "text/markdown"))]) for d in shown]


def execute(path: Path) -> dict:
    "The notebook with fresh outputs. Ends the program where a cell fails."
    nb = nbformat.read(path, as_version=4)
    # standard error holds progress bars and the paths of one machine
    client = NotebookClient(nb, timeout=None, kernel_name="python3", record_timing=False, coalesce_streams=True,
                            resources={"metadata": {"path": str(path.parent)}})
    try:
        client.execute()
    except CellExecutionError as error:
        failed = next(c for c in nb.cells if any(o.output_type == "error" for o in c.get("outputs", [])))
        sys.exit(f"cell {failed.id}:\n{error}")
    except DeadKernelError:
        sys.exit("the kernel died")
    fresh = json.loads(nbformat.writes(nb))
    for cell in fresh["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [o for o in cell["outputs"] if o.get("name") != "stderr"]
    clean_nb(fresh)
    return fresh


def one(mode: str, path: Path) -> None:
    "Run one notebook in this process."
    old = json.loads(path.read_text(encoding="utf-8"))
    new = execute(path)
    if mode == "refresh":
        path.write_text(json.dumps(new, sort_keys=True, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    stale = []
    for a, b in zip(old["cells"], new["cells"]):
        if b["cell_type"] != "code" or "# output varies" in "".join(b["source"]): continue
        x, y = text(a["outputs"]), text(b["outputs"])
        if len(x) != len(y) or not all(map(same, x, y)):
            stale.append(f"cell {b['id']} stores\n{chr(10).join(x)}\nbut now gives\n{chr(10).join(y)}\n")
    if stale: sys.exit("\n".join(stale) + "The stored output is stale: run .ci/notebooks.py refresh")


def main(mode: str, *names: str) -> int:
    "Run notebooks side by side, one thread and one process each."
    # later rooms take longer, so they start first
    paths = [Path(n).resolve() for n in names] or sorted(
        (p for p in (ROOT / "nbs").rglob("*.ipynb") if not any(x[0] in "._" for x in p.relative_to(ROOT).parts)), reverse=True)
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}

    def job(path):
        start = time.time()
        try:
            r = subprocess.run([sys.executable, __file__, "one", mode, path], env=env, stdin=subprocess.DEVNULL, timeout=LIMIT,
                               capture_output=True, text=True, errors="replace")
            failed, said = r.returncode != 0, r.stderr
        except subprocess.TimeoutExpired: failed, said = True, f"still running after {LIMIT} s"
        print(f"{'FAIL' if failed else 'pass'} {os.path.relpath(path, ROOT / 'nbs')} {time.time() - start:.0f} s", flush=True)
        if failed: print(said, flush=True)
        return failed

    with ThreadPoolExecutor(os.cpu_count()) as pool: return int(any([*pool.map(job, paths)]))   # all of them, also after a failure


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["one", mode, name]: one(mode, Path(name))
        case ["refresh" | "check" as mode, *names]: sys.exit(main(mode, *names))
        case _: sys.exit(__doc__)
