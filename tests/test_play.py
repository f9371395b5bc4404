"""The page's script in a JavaScript engine beside NumPy: numbers, sliders, the map, the noise."""

import itertools
import json
import re

import numpy as np
import pytest

import npae
from benchmarks.robustness.play import data_of, differences
from npae.experiments.family import FamilyRun
from npae.report import play
from npae.report.sections import play as section
from optional_packages import import_or_skip

# A document as far as the script needs one, and atob, which belongs to browsers and not to the language.
STUB = """
const ids = {};
class Element {
  constructor(tag, attributes) { Object.assign(this, attributes, { listeners: {}, hidden: tag === "div" }); }
  addEventListener(event, f) { this.listeners[event] = f; }
  setAttribute(name, value) { this[name] = value; }
  dispatchEvent(event) { this.listeners[event.type](event); }
  getBoundingClientRect() { return { left: 10, top: 20, width: 200, height: 200 }; }
  getContext() {
    const self = this, size = () => 4 * self.width * self.height;
    return {
      createImageData: () => ({ data: new Uint8ClampedArray(size()) }),
      putImageData(picture) { self.pixels = picture.data; },
      getImageData: () => ({ data: self.pixels }),
      clearRect() { self.words = []; },
      fillText(...all) { self.words.push([this.fillStyle, ...all]); },
      strokeRect(...all) { self.mark = all; },
    };
  }
}
class Event { constructor(type, about) { Object.assign(this, about, { type }); } }
class PointerEvent extends Event {}
function atob(text) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let bits = 0, n = 0, out = "";
  for (const letter of text.replace(/=+$/, "")) {
    bits = (bits << 6) | letters.indexOf(letter); n += 6;
    if (n >= 8) { n -= 8; out += String.fromCharCode((bits >> n) & 255); }
  }
  return out;
}
const document = {
  getElementById: (id) => ids[id],
  querySelectorAll: (selector) => blocks.filter((block) => selector === ".play" || block.hidden),
  body: { insertAdjacentHTML() {} },
};
const blocks = [];
"""


@pytest.fixture(scope="module")
def built():
    """The section of a family that has hardly been trained: its weights are as good as any."""
    run = FamilyRun(quick=True, log=lambda line: None)
    run.train, run.test, run.noisy = run.train[:200], run.test[:120], run.noisy[:120]
    run.test_target = run.test_target[:120]
    run.train_family()
    return run, "".join(section.build(run)[1])


@pytest.fixture
def engine(built):
    """A JavaScript engine that has run the page's own script in a stub of its document; new for each test, because
    tests press the buttons."""
    page, engine = built[1], import_or_skip("py_mini_racer").MiniRacer()
    engine.eval(STUB)
    for tag, attributes in re.findall(r"<(canvas|input|button|output|div)\b([^>]*)>", page):
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', attributes))
        given |= {name: float(given[name]) for name in ("width", "height") if name in given}
        if "id" in given:
            engine.eval(f"ids[{json.dumps(given['id'])}] = new Element({json.dumps(tag)}, {json.dumps(given)})")
        elif "hidden" in attributes:
            engine.eval(f"blocks.push(new Element('div', {json.dumps(given)}))")
    content = json.dumps(json.dumps(data_of(page)))
    engine.eval(f"ids['play-data'] = {{ textContent: {content} }}")
    engine.eval(re.search(r"<script>\n(.*?)</script>", page, re.DOTALL)[1])
    return engine


def test_sixteen_bits_keep_numbers_to_half_a_step(rng):
    x = rng.normal(size=(5, 7))
    packed = play.to_int16(x)
    assert np.abs(play.from_int16(packed).reshape(5, 7) - x).max() <= packed["scale"] * 0.5000001
    assert (play.from_int16(play.to_int16(np.zeros(3))) == 0).all()


def test_the_script_computes_what_numpy_computes_and_every_control_reaches_its_network(engine, built):
    from benchmarks.robustness.play import CHECK

    engine.eval(re.search(r"<script>(.*)</script>", CHECK, re.DOTALL)[1].replace("const found", "var found", 1))
    found, data = json.loads(engine.eval("JSON.stringify(found)")), data_of(built[1])
    largest = differences(found, data)
    assert largest["numbers"] < 1e-12 and largest["place, of the map"] < 1e-12
    assert largest["errors"] <= 0.00501 and largest["grey levels"] <= 0.51  # two decimals, 256 levels
    assert found["hidden"] == 0
    images = [np.array(each["x"]) for each in found["code"]]
    assert all(np.abs(one - other).max() > 1e-3 for one, other in itertools.pairwise(images))


def test_numpys_side_is_the_networks_own_reconstruction(built):
    run, page = built
    data = data_of(page)
    x = play.from_int16(data["images"]).reshape(-1, 64)
    np.testing.assert_allclose(x, section.one_of_each(run)[:10], atol=2e-5)
    ours = play.forward(data["denoiser"], x)
    np.testing.assert_allclose(ours, run.models["denoising"].model.reconstruct(x.astype(np.float32)), atol=1e-3)
    assert np.abs(ours - x).max() > 0.1


def test_buttons_turn_to_the_next_image_and_draw_new_noise(engine, built):
    data, K = data_of(built[1]), section.UNITS
    starts = play.from_int16(data["many"]["starts"]).reshape(-1, K)
    values = f"JSON.stringify(Array.from({{length: {K}}}, (_, k) => Number(find('play-h' + k).value)))"
    before = engine.eval("JSON.stringify(Array.from(find('play-noisy').pixels))")
    for i in (1, 2):
        engine.eval("find('play-next').dispatchEvent(new Event('click'))")
        np.testing.assert_allclose(json.loads(engine.eval(values)), starts[i], rtol=1e-12)
    engine.eval("find('play-again').dispatchEvent(new Event('click'))")
    assert engine.eval("JSON.stringify(Array.from(find('play-noisy').pixels))") != before


def test_the_map_holds_every_code_in_its_classs_colour(engine, built):
    data = data_of(built[1])
    words = json.loads(engine.eval("JSON.stringify(find('play-map').words)"))
    assert [word[1] for word in words] == data["two"]["labels"]
    assert [word[0] for word in words] == [data["two"]["colors"][label] for label in data["two"]["labels"]]
    assert all(0 <= x <= 512 and 0 <= y <= 520 for _, _, x, y in words)


def test_the_script_is_short_and_asks_for_nothing_from_elsewhere():
    text = play.SCRIPT.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 130
    assert not re.search(r"https?:|import\b|fetch|XMLHttp|eval\(", text)


def test_only_activations_that_the_script_knows_are_in_the_page(built):
    known = set(re.findall(r"^  (\w+): ", play.SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)) & set(dir(npae))
    used = {layer["phi"] for layer in data_of(built[1])["denoiser"] + data_of(built[1])["many"]["decoder"]}
    assert used <= known
