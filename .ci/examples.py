"""Run every fenced command and snippet of README.md and of the guides, shortened, on small made-up pictures.

    python .ci/examples.py [--no-pip] [PAGE ...]     README.md and nbs/guides/*.ipynb where no page is named

Blocks run in order, in one empty folder. Lines that install run in the checkout; the two that install and go on are left
out, since .ci/run runs them as they are. A snippet that begins with `# NAME.py` is saved under that name; others run as
a program. Blocks of `sh` and `py` are shown and not run: they need GPUs, or other machines.
"""
import json, os, re, subprocess, sys, tempfile, time
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
LIMIT = 300  # seconds for one command
# what is added to a command that matches, or to the settings in a snippet
SHORT = [
    (r"-m houghcl\.train\b", "--steps 2 --batch-size 8 --queue 64 --log-every 1"),
    (r"-m houghcl\.detection\b.* --data scenes", "--steps 2 --batch-size 2 --precise 2 --train 20 --test 10"),
    (r"-m houghcl\.detection\b.* --data VOC", "--steps 2 --batch-size 2 --precise 2"),
    (r"-m houghcl\.match\b", "--pairs 20"),
]
SETTINGS = "steps=2, batch_size=8, queue=64, log_every=1, "


def blocks(text: str) -> list[tuple[str, str]]:
    "Language and text of each fenced block."
    return re.findall(r"^```(\w+)\n(.*?)^```", text, flags=re.M | re.S)


def commands(text: str) -> list[str]:
    "The commands of a block; a comment is none, a backslash at the end of a line goes on."
    lines = text.replace("\\\n", " ").splitlines()
    return [line.split("   #")[0].strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def shortened(command: str) -> str:
    "The command with what makes it short."
    return " ".join([command, *(more for pattern, more in SHORT if re.search(pattern, command))])


def picture(scenes, index: int, path: Path) -> None:
    "Save a drawn picture."
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scenes.image(index).permute(1, 2, 0).numpy()).save(path, quality=95)


def annotation(scenes, index: int, classes) -> str:
    "The objects of a drawn picture as VOC writes them."
    found, size = scenes.targets(index), scenes.size
    objects = ""
    for label, box in zip(found["labels"].tolist(), found["boxes"].tolist()):
        corners = zip(("xmin", "ymin", "xmax", "ymax"), (box[0] + 1, box[1] + 1, box[2], box[3]))
        sides = "".join(f"<{name}>{int(value)}</{name}>" for name, value in corners)
        objects += f"<object><name>{escape(classes[label])}</name><difficult>0</difficult><bndbox>{sides}</bndbox></object>"
    return f"<annotation><size><width>{size}</width><height>{size}</height><depth>3</depth></size>{objects}</annotation>"


def make_data(folder: Path) -> None:
    "The pictures and annotations that the README speaks of."
    from houghcl.annotations import VOC_CLASSES
    from houghcl.scenes import Scenes
    scenes = Scenes(40, 160)
    picture(scenes, 0, folder / "photo.jpg")
    voc = folder / "VOCdevkit/VOC2007"
    for i in range(len(scenes)):
        picture(scenes, i, folder / f"path/to/pictures/{i}.jpg")
        picture(scenes, i, voc / f"JPEGImages/{i:06}.jpg")
        (voc / "Annotations").mkdir(exist_ok=True)
        (voc / f"Annotations/{i:06}.xml").write_text(annotation(scenes, i, VOC_CLASSES))
    (voc / "ImageSets/Main").mkdir(parents=True)
    for part, numbers in (("trainval", range(30)), ("test", range(30, 40))):
        (voc / f"ImageSets/Main/{part}.txt").write_text("".join(f"{i:06}\n" for i in numbers))


def jobs(text: str, folder: Path, pip: bool):
    "What is to be run: words to print, a command line, and the folder to run it in."
    for language, block in blocks(text):
        name = re.match(r"# (\w+\.py)\n", block)
        if language == "python" and name:
            (folder / name[1]).write_text(block)
        elif language == "python":
            file = folder / "snippet.py"
            file.write_text(block.replace("Settings(", "Settings(" + SETTINGS))
            yield block.strip().splitlines()[0] + " …", f"{sys.executable} {file}", folder
        elif language == "bash":
            for command in commands(block):
                if command.startswith("pip "):
                    if pip and "&&" not in command: yield command, command, ROOT
                else:
                    yield command, shortened(command), folder


def prose(path: Path) -> str:
    "The text of a page: of a notebook its cells of prose."
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb": return text
    return "\n\n".join("".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "markdown")


def main(*words: str) -> int:
    "Run all; the number of those that failed."
    paths = [Path(w) for w in words if w != "--no-pip"] or [ROOT / "README.md", *sorted((ROOT / "nbs/guides").glob("[!._]*.ipynb"))]
    pages = {p.name.replace("README.md", "index.ipynb"): prose(p) for p in paths}
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    failed = 0
    with tempfile.TemporaryDirectory() as d:
        make_data(Path(d))
        for page, (what, command, where) in ((n, j) for n, text in pages.items() for j in jobs(text, Path(d), "--no-pip" not in words)):
            start = time.time()
            try:
                r = subprocess.run(command, shell=True, cwd=where, env=env, stdin=subprocess.DEVNULL, timeout=LIMIT,
                                   capture_output=True, text=True, errors="replace")
                bad, said = r.returncode != 0, r.stdout + r.stderr
            except subprocess.TimeoutExpired:
                bad, said = True, f"still running after {LIMIT} s"
            print(f"{f'FAIL {page}:' if bad else 'ran'} {what} ({time.time() - start:.0f} s)", flush=True)
            if bad: print(command, said, sep="\n", flush=True)
            failed += bad
    return failed


if __name__ == "__main__":
    sys.exit(min(main(*sys.argv[1:]), 1))
