"""Put networks into the page: their weights as text, the blocks with controls, and the script.

The script is `play.js`. It needs no library. If a browser runs no scripts, the blocks stay hidden.
"""

import base64
import html
import json
from pathlib import Path
from typing import Any

import numpy as np

from npae.plots.style import CLASSES
from npae.report.page import base64_text

SCRIPT = Path(__file__).with_name("play.js")


def to_int16(array):
    """Return numbers as 16-bit integers times one scale, row by row: {"scale": s, "text": base64}."""
    array = np.asarray(array, dtype=np.float64)
    scale = float(np.abs(array).max() / 32767) or 1.0
    return {"scale": scale, "text": base64_text(np.round(array / scale).astype("<i2").tobytes())}


def from_int16(packed):
    """Return the numbers of `to_int16`, flat, in float64."""
    return packed["scale"] * np.frombuffer(base64.b64decode(packed["text"]), "<i2").astype(np.float64)


def pack_layers(layers):
    """Return Dense layers for the script: the name of the activation, W row by row, b."""
    return [{"phi": type(each.activation).__name__, "W": to_int16(each.W), "b": to_int16(each.b)} for each in layers]


def forward(layers, x):
    """Return the output of packed layers for x (N, D), as the script computes it."""
    phi: dict[str, Any] = {"Identity": lambda a: a, "Sigmoid": lambda a: 1 / (1 + np.exp(-a)), "Tanh": np.tanh}
    for layer in layers:
        b = from_int16(layer["b"])
        x = phi[layer["phi"]](x @ from_int16(layer["W"]).reshape(-1, len(b)) + b)
    return x


def data(image_shape, images, many, two, target, denoiser, noise):
    """Return all data of the script: images (n, D) and packed networks.

    many: (autoencoder with a small code, codes of the images). two: (autoencoder with two code units, held-out codes);
    `target` holds the classes of these codes. denoiser is a network; noise is (D,).
    """
    (model, starts), (flat, codes) = many, two
    margin = 0.04 * np.ptp(codes, axis=0)
    many_decoder = pack_layers(model.network_.decoder.layers)
    low, high = codes.min(axis=0) - margin, codes.max(axis=0) + margin
    return {
        "rows": image_shape[0], "columns": image_shape[1], "images": to_int16(images), "noise": to_int16(noise),
        "many": {"units": starts.shape[1], "starts": to_int16(starts), "decoder": many_decoder},
        "two": {
            "codes": to_int16(codes), "labels": list(map(int, target)), "colors": list(CLASSES),
            "range": [low.tolist(), high.tolist()], "decoder": pack_layers(flat.network_.decoder.layers),
        },
        "denoiser": pack_layers([*denoiser.encoder.layers, *denoiser.decoder.layers]),
    }  # fmt: skip


def script(content):
    """Return the data and the script as HTML, to be placed after the blocks."""
    return f"""<script type="application/json" id="play-data">{json.dumps(content)}</script>
        <script>\n{SCRIPT.read_text(encoding="utf-8")}</script>"""


def _canvas(name, image_shape, words):
    rows, columns = image_shape
    return f"""<div class="pane"><canvas id="play-{name}" width="{columns}" height="{rows}" role="img"
        aria-label="{html.escape(words)}"></canvas><span>{words}</span></div>"""


def _slider(name, label, low, high, value):
    return f"""<label>{label} <input type="range" id="play-{name}" min="{low:.4g}" max="{high:.4g}" step="any"
        value="{value:.4g}"></label>"""


def sliders(image_shape, ranges):
    """Return a block with a slider for every unit of a code, from low to high of ranges (K, 2)."""
    knobs = "".join(_slider(f"h{k}", f"h<sub>{k + 1}</sub>", low, high, 0) for k, (low, high) in enumerate(ranges))
    return (
        f'<div class="play" hidden>{_canvas("original", image_shape, "held-out image")}'
        f"{_canvas('decoded', image_shape, 'decoded from the sliders')}<div>{knobs}</div>"
        '<p><button type="button" id="play-next">another image</button> '
        '&frac12;&#8214;x&#770; &minus; x&#8214;&sup2; = <output id="play-error"></output></p></div>'
    )


def code_map(image_shape, content):
    """Return a block with the map of a code of two units: a click decodes the place."""
    low, high = content["two"]["range"]
    knobs = "".join(_slider(f"m{k}", f"h<sub>{k + 1}</sub>", low[k], high[k], (low[k] + high[k]) / 2) for k in (0, 1))
    return f"""<div class="play" hidden><div class="pane"><canvas id="play-map" class="map" width="512" height="512"
        role="img" aria-label="map of held-out codes, each drawn as its digit; the sliders also move the mark">
        </canvas><span>click or drag, or use the sliders</span></div><div>
        {_canvas("there", image_shape, "decoded at the mark")}{knobs}</div></div>"""


def noise_slider(image_shape, sigma):
    """Return a block with a slider for the noise in the denoising autoencoder's input; sigma is that of training."""
    return (
        f'<div class="play" hidden>{_canvas("noisy", image_shape, "with noise")}'
        f"{_canvas('clean', image_shape, 'denoised')}"
        f'<div>{_slider("sigma", "&sigma;", 0, 2 * sigma, sigma)} <output id="play-sigma-is"></output></div>'
        '<p><button type="button" id="play-again">another image, other noise</button> &frac12;&#8214;&middot; &minus; '
        'x&#8214;&sup2;: <output id="play-noisy-error"></output> with noise, <output id="play-clean-error"></output> '
        "denoised</p></div>"
    )
