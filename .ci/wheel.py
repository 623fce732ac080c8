"""Build the source archive, a wheel from it, and run the demo from the wheel, away from the checkout.

    python .ci/wheel.py

Nothing is left in the checkout: the archive is made of a copy. The wheel is put into a folder of its own, without its
requirements, which this environment has. Needs setuptools, as torch does.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = "--steps 3 --batch-size 8 --queue 64 --log-every 1 --workers 0 --threads 1 --out run".split()
SDIST = "import sys, setuptools.build_meta as b; print(b.build_sdist(sys.argv[1]))"
WHERE = "import houghcl, json, sys; print(json.dumps([houghcl.__file__, houghcl.__version__]))"


def run(where: Path, *words, path="") -> str:
    "What a program prints; ends this one where it fails."
    env = {**os.environ, "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    r = subprocess.run(list(map(str, words)), cwd=where, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if r.returncode: sys.exit(f"FAIL wheel: {' '.join(map(str, words))}\n{r.stdout}{r.stderr}")
    return r.stdout


def build(home: Path) -> tuple[Path, Path]:
    "Source archive of a copy of the checkout, and a wheel that is made from the archive alone."
    left_out = shutil.ignore_patterns(".git", "runs", "build", "dist", "_*s", "*.egg-info", "__pycache__", "nbs")
    copy = shutil.copytree(ROOT, home / "copy", ignore=left_out)
    archive = home / run(copy, sys.executable, "-c", SDIST, home).split()[-1]
    run(home, sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", home, archive)
    return archive, next(home.glob("*.whl"))


def main() -> int:
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "settings.ini", encoding="utf-8")
    cfg, bad = config["DEFAULT"], []
    with tempfile.TemporaryDirectory() as d:
        home = Path(d)
        archive, wheel = build(home)
        package = ROOT / "houghcl"
        modules = {p.name for p in package.glob("*.py")} | {f"packaged/{p.name}" for p in (package / "packaged").iterdir()}
        with zipfile.ZipFile(wheel) as z: names = z.namelist()
        got = {n.removeprefix("houghcl/") for n in names if n.startswith("houghcl/")}
        if got != modules: bad.append(f"the wheel's files differ: {sorted(got ^ modules)}")
        with tarfile.open(archive) as t: files = {n.partition("/")[2] for n in t.getnames()}
        wanted = {"settings.ini", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "pyproject.toml", "setup.py"}
        if wanted - files: bad.append(f"the archive lacks {sorted(wanted - files)}")
        place, empty = home / "place", home / "empty"
        empty.mkdir()
        run(home, sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", place, wheel)
        file, version = json.loads(run(empty, sys.executable, "-c", WHERE, path=place))
        if Path(file).parent.parent.resolve() != place.resolve(): bad.append(f"houghcl was imported from {file}")
        if version != cfg["version"]: bad.append(f"the wheel says version {version}, settings.ini {cfg['version']}")
        scripts = dict(s.split("=") for s in cfg["console_scripts"].split())
        bad += [f"no script {name}" for name in scripts if not list((place / "bin").glob(f"{name}*"))]
        said = run(empty, place / "bin/houghcl", "--help", path=place)
        from_help = re.findall(r"^  (\w+) ", said, re.M)
        run(empty, place / "bin/houghcl", "train", *DEMO, path=place)
        left = {p.name for p in (empty / "run").iterdir()}
        if "backbone.safetensors" not in left: bad.append(f"the demo left {sorted(left)}")
        print(f"{archive.name} {archive.stat().st_size // 1000} KB, {wheel.name} {wheel.stat().st_size // 1000} KB, "
              f"{len(modules)} modules, commands {' '.join(from_help)}; the demo ran from the wheel")
    for line in bad: print(f"FAIL wheel: {line}")
    return int(bool(bad))


if __name__ == "__main__": sys.exit(main())
