"""Check what the demo training left behind: python .ci/demo.py FOLDER, which holds the one run directory."""
import csv, json, math, sys
from pathlib import Path

import torch, torchvision
from PIL import Image
from safetensors import safe_open

run, = Path(sys.argv[1]).iterdir()
config = json.loads((run / "config.json").read_text())
assert config, "config.json is empty"

rows = list(csv.DictReader((run / "metrics.csv").open()))
assert rows, "metrics.csv has no rows"
for row in rows:
    for name, value in row.items(): assert value == "" or math.isfinite(float(value)), f"{name} is {value} in step {row['step']}"
    assert row["loss"], f"no loss in step {row['step']}"

# a newcomer must see it work: pairs get better, and stay so
pck = [float(row["pck"]) for row in rows]
first, last = (sum(part) / len(part) for part in (pck[:3], pck[-len(pck) // 3:]))
assert last > first + 0.05, f"PCK does not rise: {first:.2f} in the first rows, {last:.2f} in the last third"

for name in ("curves.png", "pairs.png"): Image.open(run / name).convert("RGB")

checkpoints = sorted((run / "checkpoints").glob("step-*.pt"))
assert checkpoints, "no checkpoint"
for file in checkpoints: torch.load(file, map_location="cpu", weights_only=True)

with safe_open(run / "backbone.safetensors", "pt") as f:
    state, arch = {k: f.get_tensor(k) for k in f.keys()}, f.metadata()["arch"]
result = getattr(torchvision.models, arch)().load_state_dict(state, strict=False)
assert state and not result.unexpected_keys, f"keys that torchvision's {arch} lacks: {result.unexpected_keys}"
# a cut backbone lacks whole stages, never a part of one
stages = {k.split(".")[0] for k in state}
assert not [k for k in result.missing_keys if k.split(".")[0] in stages], "a stage is incomplete"
print(f"pass demo: {rows[-1]['step']} steps, loss {rows[0]['loss']} to {rows[-1]['loss']}, PCK {first:.2f} in the first rows, {last:.2f} in the last third")
