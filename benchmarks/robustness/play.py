"""python -m benchmarks.robustness.play PAGE [--browser chromium]: compare the page's script in a browser with NumPy.

Move every slider of a page that `npae demo` wrote, click on the map, and compare decoded images, printed errors and the
pixels of the canvases with NumPy. This needs a browser with --headless and --dump-dom.
"""

import argparse
import json
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from npae.report import play

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
CHECK = """
<script>
{
  const data = JSON.parse(find("play-data").textContent), D = data.rows * data.columns;
  const set = (id, value) => { find(id).value = value; find(id).dispatchEvent(new Event("input")); };
  const pixels = (id) => {
    const canvas = find(id), all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return Array.from({ length: D }, (_, i) => all[4 * i + 3]);
  };
  const found = { code: [], map: [], noise: [] };
  for (let k = 0; k < data.many.units; k++) {
    const slider = find(`play-h${k}`);
    set(slider.id, Number(slider.min) + (0.2 + 0.07 * k) * (slider.max - slider.min));
    const h = Array.from({ length: data.many.units }, (_, i) => Number(find(`play-h${i}`).value));
    found.code.push({ h, x: Array.from(forward(network(data.many.decoder), h)), pixels: pixels("play-decoded"),
                      error: Number(find("play-error").textContent) });
  }
  const map = find("play-map"), box = map.getBoundingClientRect();
  for (const [p, q] of [[0.2, 0.3], [0.5, 0.5], [0.8, 0.6]]) {
    const at = { clientX: box.left + p * box.width, clientY: box.top + q * box.height };
    map.dispatchEvent(new PointerEvent("pointerdown", at));
    const h = [0, 1].map((k) => Number(find(`play-m${k}`).value));
    found.map.push({ p, q, h, x: Array.from(forward(network(data.two.decoder), h)), pixels: pixels("play-there") });
  }
  for (const part of [0, 0.3, 0.6, 1]) {
    const slider = find("play-sigma"), sigma = part * slider.max, noise = unpack(data.noise);
    set(slider.id, sigma);
    const noisy = unpack(data.images).slice(0, D).map((value, i) => value + Number(slider.value) * noise[i]);
    found.noise.push({ sigma: Number(slider.value), x: Array.from(forward(network(data.denoiser), noisy)),
                       pixels: pixels("play-clean"), errors: ["noisy", "clean"].map((name) =>
                       Number(find(`play-${name}-error`).textContent)) });
  }
  found.hidden = document.querySelectorAll(".play[hidden]").length;
  document.body.insertAdjacentHTML("beforeend", `<pre id="found">${JSON.stringify(found)}</pre>`);
}
</script>
"""


def differences(found, data):
    """Return {quantity: largest difference between the script and NumPy}."""
    images = play.from_int16(data["images"]).reshape(-1, data["rows"] * data["columns"])
    noise, largest = play.from_int16(data["noise"]), {"numbers": 0.0, "errors": 0.0, "grey levels": 0.0}

    def compare(x, each, *errors):
        largest["numbers"] = max(largest["numbers"], np.abs(x - each["x"]).max())
        ink = 255 * np.clip(x, 0, 1)
        largest["grey levels"] = max(largest["grey levels"], np.abs(ink - each["pixels"]).max())
        for theirs, ours in errors:
            largest["errors"] = max(largest["errors"], abs(theirs - 0.5 * (ours**2).sum()))

    for each in found["code"]:
        x = play.forward(data["many"]["decoder"], np.array(each["h"])[None])[0]
        compare(x, each, (each["error"], x - images[0]))
    for each in found["map"]:
        low, high = np.array(data["two"]["range"])
        place = low + np.array([each["p"], 1 - each["q"]]) * (high - low)
        largest["place, of the map"] = max(
            largest.get("place, of the map", 0.0), np.abs((place - each["h"]) / (high - low)).max()
        )
        compare(play.forward(data["two"]["decoder"], np.array(each["h"])[None])[0], each)
    for each in found["noise"]:
        noisy = images[0] + each["sigma"] * noise
        x = play.forward(data["denoiser"], noisy[None])[0]
        compare(x, each, (each["errors"][0], noisy - images[0]), (each["errors"][1], x - images[0]))
    return largest


def data_of(page):
    """Return the data that the script of a page reads."""
    return json.loads(re.search(r'id="play-data">(.*?)</script>', page, re.DOTALL)[1])


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness.play", description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--browser", default="chromium")
    options = parser.parse_args(arguments)
    page = options.page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        checked = Path(folder) / "page.html"
        checked.write_text(page.replace("</body>", CHECK + "</body>"), encoding="utf-8")
        command = [options.browser, *FLAGS, f"--user-data-dir={folder}/profile", "--dump-dom", checked.as_uri()]
        dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    found = json.loads(re.findall(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)[-1])
    for what, largest in differences(found, data_of(page)).items():
        print(f"largest difference to NumPy, {what}: {largest:.1e}")
    print(f"blocks still hidden: {found['hidden']}")


if __name__ == "__main__":
    main()
