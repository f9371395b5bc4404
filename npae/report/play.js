"use strict";
// The networks of this page, run in the page: h -> phi(h W + b), layer after layer, as NumPy does it.
const PHI = {
  Identity: (a) => a,
  Sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  Tanh: Math.tanh,
};

// Numbers kept as 16-bit integers times a scale, little-endian, in base64.
function unpack({ scale, text }) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float64Array.from({ length: bytes.length / 2 }, (_, i) => scale * view.getInt16(2 * i, true));
}

function network(layers) {
  return layers.map(({ phi, W, b }) => ({ phi: PHI[phi], W: unpack(W), b: unpack(b) }));
}

function forward(layers, x) {
  for (const { phi, W, b } of layers) {
    const a = Float64Array.from(b);
    for (let i = 0; i < x.length; i++) for (let j = 0; j < a.length; j++) a[j] += x[i] * W[i * a.length + j];
    x = a.map(phi);
  }
  return x;
}

function error(a, b) {
  return a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / 2;
}

// ---- what is seen: more ink is darker ----
const find = (id) => document.getElementById(id);

function show(id, image, words) {
  const canvas = find(id), paper = canvas.getContext("2d"), picture = paper.createImageData(canvas.width, canvas.height);
  image.forEach((ink, i) => picture.data.set([0, 0, 0, 255 * Math.min(1, Math.max(0, ink))], 4 * i));
  paper.putImageData(picture, 0, 0);
  canvas.setAttribute("aria-label", words);
}

function start(data) {
  const D = data.rows * data.columns, images = unpack(data.images), n = images.length / D;
  const image = (i) => images.slice(i * D, (i + 1) * D);
  const on = (id, event, f) => find(id).addEventListener(event, f);

  // A code of many units: one slider per unit.
  const many = network(data.many.decoder), K = data.many.units, starts = unpack(data.many.starts);
  let shown = 0;
  const knob = (k) => find(`play-h${k}`), knobs = Array.from({ length: K }, (_, k) => knob(k));
  function decode() {
    const x = forward(many, knobs.map((each) => Number(each.value)));
    show("play-decoded", x, `decoded image; error to the original ${error(x, image(shown)).toFixed(2)}`);
    find("play-error").textContent = error(x, image(shown)).toFixed(2);
  }
  function begin() {
    show("play-original", image(shown), "a held-out image");
    knobs.forEach((each, k) => { each.value = starts[shown * K + k]; });
    decode();
  }
  knobs.forEach((_, k) => on(`play-h${k}`, "input", decode));
  on("play-next", "click", () => { shown = (shown + 1) % n; begin(); });
  begin();

  // A code of two units: a map to point at.
  const two = network(data.two.decoder), codes = unpack(data.two.codes), [low, high] = data.two.range;
  const map = find("play-map"), side = map.width, pixel = (h, axis) => {
    const part = (h - low[axis]) / (high[axis] - low[axis]);
    return side * (axis ? 1 - part : part);
  };
  function draw() {
    const h = [0, 1].map((k) => Number(find(`play-m${k}`).value)), paper = map.getContext("2d");
    paper.clearRect(0, 0, side, side);
    paper.font = `bold ${side / 32}px sans-serif`;
    data.two.labels.forEach((label, i) => {
      paper.fillStyle = data.two.colors[label];
      paper.fillText(label, pixel(codes[2 * i], 0) - side / 90, pixel(codes[2 * i + 1], 1) + side / 90);
    });
    paper.strokeStyle = "#000";
    paper.lineWidth = side / 128;
    paper.strokeRect(pixel(h[0], 0) - side / 40, pixel(h[1], 1) - side / 40, side / 20, side / 20);
    show("play-there", forward(two, h), `image decoded at ${h[0].toFixed(2)}, ${h[1].toFixed(2)}`);
  }
  function point(event) {
    const box = map.getBoundingClientRect();
    const part = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
    part.forEach((p, k) => { find(`play-m${k}`).value = low[k] + p * (high[k] - low[k]); });
    draw();
  }
  on("play-map", "pointerdown", point);
  on("play-map", "pointermove", (event) => { if (event.buttons) point(event); });
  [0, 1].forEach((k) => on(`play-m${k}`, "input", draw));
  draw();

  // Noise through the denoising autoencoder.
  const denoiser = network(data.denoiser);
  let noise = unpack(data.noise), under = 0;
  function denoise() {
    const sigma = Number(find("play-sigma").value), clean = image(under);
    const noisy = clean.map((value, i) => value + sigma * noise[i]), x = forward(denoiser, noisy);
    show("play-noisy", noisy, `image with noise, sigma ${sigma.toFixed(2)}`);
    show("play-clean", x, "image denoised by the autoencoder");
    find("play-sigma-is").textContent = sigma.toFixed(2);
    find("play-noisy-error").textContent = error(noisy, clean).toFixed(2);
    find("play-clean-error").textContent = error(x, clean).toFixed(2);
  }
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  on("play-sigma", "input", denoise);
  on("play-again", "click", () => { noise = noise.map(normal); under = (under + 1) % n; denoise(); });
  denoise();

  document.querySelectorAll(".play").forEach((each) => { each.hidden = false; });
}

start(JSON.parse(find("play-data").textContent));
