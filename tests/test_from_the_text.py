"""Every claim of the text, measured: docs/from_the_text.md says what is printed here.

Each function below belongs to one row of the page's tables. It computes, asserts the claim and returns a sentence; the
page has the same sentence, its numbers within a tenth. `python tests/test_from_the_text.py` prints them all; with
`--write` it puts them into the page.
"""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import npae
from npae import manifold
from npae.denoising import ReconstructionDistribution, learn_reconstruction_distribution
from npae.probe import LinearProbe

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "from_the_text.md"
CLAIMS = {}


def claim(name):
    """Register the function of one row, computed once."""

    def register(function):
        CLAIMS[name] = cache(function)
        return CLAIMS[name]

    return register


# -- what several rows look at ----------------------------------------------------------------------------------------


@cache
def digits():
    """Training and held-out digits with their labels, as in the first lesson."""
    data = npae.datasets.load_digits()
    order = np.random.default_rng(0).permutation(len(data))
    return data.data[order[450:]], data.data[order[:450]], data.target[order[450:]], data.target[order[:450]]


SETTINGS = {"output_activation": "sigmoid", "optimizer": npae.Adam(1e-2), "max_iter": 60, "random_state": 0}
NOISE = npae.GaussianNoise(0.3)
MEMBERS = {
    "undercomplete": (16, {}),
    "overcomplete": (128, {}),
    "sparse": (128, {"penalties": [npae.KLSparsity(0.1, rho=0.05)]}),
    "denoising": (128, {"corruption": NOISE}),
    "masking": (128, {"corruption": npae.MaskingNoise(0.4)}),
    "contractive": (128, {"penalties": [npae.Contractive(0.05)], "tied": True}),
}


@cache
def member(name):
    """A member of the family, trained on digits."""
    n_components, parts = MEMBERS[name]
    return npae.Autoencoder(n_components, **SETTINGS, **parts).fit(digits()[0].astype(np.float32))


@cache
def on_manifold(shape, lam):
    """A tied autoencoder trained on a circle or sphere in twenty dimensions, and its held-out points."""
    make = {"circle": npae.datasets.make_circle, "sphere": npae.datasets.make_sphere}[shape]
    data = make(1600, noise=0.02, n_features=20, rng=0)
    model = npae.Autoencoder(
        20,
        hidden_layer_sizes=(64,),
        activation="tanh",
        tied=True,
        penalties=[npae.Contractive(lam)] if lam else [],
        optimizer=npae.Adam(1e-2),
        max_iter=100,
        tol=0.0,
        random_state=0,
    ).fit(data.data[400:])
    return model, data.subset(slice(200))


def error(reconstruction, x):
    """1/2 ||x^ - x||^2, mean over samples."""
    return float(0.5 * ((reconstruction - x) ** 2).sum(axis=1).mean())


def small_network(penalties=(), **others):
    """A network with random weights of unit scale and a batch, for identities."""
    rng = np.random.default_rng(1)
    network = npae.Network(
        [npae.Dense(6, 4, npae.Sigmoid(), rng=rng)], [npae.Dense(4, 6, rng=rng)], penalties=list(penalties), **others
    )
    network.theta = rng.standard_normal(network.theta.size)
    return network, rng.random((7, 6))


# -- the opening ------------------------------------------------------------------------------------------------------


@claim("T1")
def trained_to_copy():
    curve = member("undercomplete").loss_curve_
    assert curve[-1] < curve[0] / 10
    return f"J on digits: {curve[0]:.2f} in the first epoch, {curve[-1]:.3f} in the last"


@claim("T2")
def encoder_and_decoder():
    network, test = member("undercomplete").network_, digits()[1].astype(np.float32)
    h = network.encode(test)
    difference = np.abs(network.reconstruct(test) - network.decode(h)).max()
    assert difference == 0 and h.shape == (450, 16)
    return f"450 digits of 64 pixels, {h.shape[1]} numbers each in h; max \\|r(x) − g(f(x))\\| = {difference:.0f}"


@claim("T3")
def copies_what_resembles_the_training_data():
    model, test = member("undercomplete"), digits()[1]
    shuffled = np.random.default_rng(1).permuted(test, axis=1)
    like, unlike = error(model.reconstruct(test), test), error(model.reconstruct(shuffled), shuffled)
    assert 0 < like < unlike / 10
    return f"½‖x̂ − x‖² of held-out digits {like:.2f}, of digits with shuffled pixels {unlike:.2f}"


@claim("T4")
def some_aspects_come_first():
    train, test, _, _ = digits()
    pca = npae.PCA().fit(train)
    model = member("undercomplete")
    left = ((pca.transform(model.reconstruct(test)) - pca.transform(test)) ** 2).sum(axis=0)
    there = (pca.transform(test) ** 2).sum(axis=0)
    kept = [1 - left[part].sum() / there[part].sum() for part in (slice(5), slice(32, None))]
    assert kept[0] > 0.9 and kept[1] < 0.5
    return (
        f"reconstructed share of the held-out variance: {kept[0]:.0%} along the first 5 principal directions, "
        f"along directions 33 to 64 {max(kept[1], 0):.0%}"
    )


@claim("T5")
def reduction_and_features():
    train, test, y, y_test = digits()
    model = member("undercomplete")
    code = LinearProbe(0.001).fit(model.transform(train), y).score(model.transform(test), y_test)
    pixels = LinearProbe(0.001).fit(train, y).score(test, y_test)
    assert code > 0.85
    return f"accuracy of a linear probe on digits: {code:.0%} from 16 code units, {pixels:.0%} from all 64 pixels"


# -- undercomplete ----------------------------------------------------------------------------------------------------


@claim("U1")
def fewer_units_than_inputs():
    layers = member("undercomplete").network_.encoder.layers
    assert layers[-1].n_out < layers[0].n_in
    return f"{layers[-1].n_out} units for {layers[0].n_in} inputs"


@claim("U2")
def the_most_salient_features():
    train, test, _, _ = digits()
    variance = ((test - train.mean(axis=0)) ** 2).sum(axis=1).mean() / 2
    kept = 1 - error(member("undercomplete").reconstruct(test), test) / variance
    assert kept > 2 * 16 / 64
    return f"a quarter of the numbers carries {kept:.0%} of the held-out variance; a random plane of 16 carries 25 %"


@claim("U3")
def the_subspace_of_pca():
    train = digits()[0]
    network = npae.Network([npae.Dense(64, 8, rng=0)], [npae.Dense(8, 64, rng=1)])
    npae.pca.fit_linear_autoencoder(network, train)
    found = npae.pca.compare_with_pca(network, train)
    assert found.angles[-1] < 1e-6 and abs(found.excess) < 1e-10
    return "largest principal angle to PCA's subspace below 1e-6 rad, loss above PCA's below 1e-10 of it (K = 8)"


@claim("U4")
def a_nonlinear_generalization():
    circle = npae.datasets.make_circle(800, noise=0.02, rng=0).data
    test = npae.datasets.make_circle(600, noise=0.02, rng=1).data
    curved = npae.Autoencoder(
        1, hidden_layer_sizes=(64, 64), activation=("relu", "relu", "identity"), optimizer=npae.Adam(5e-3),
        batch_size=64, max_iter=150, tol=0.0, random_state=2,
    ).fit(circle)  # fmt: skip
    line, curve = error(npae.PCA(1).fit(circle).reconstruct(test), test), error(curved.reconstruct(test), test)
    assert curve < line / 5
    return f"one number per point of a circle: ½‖x̂ − x‖² {line:.3f} by PCA, below 0.05 by a nonlinear autoencoder"


@claim("U5")
def too_much_capacity():
    train, test, _, _ = digits()
    few = train[:40]
    model = npae.Autoencoder(
        8, hidden_layer_sizes=(256, 256), activation=("relu", "relu", "identity"), optimizer=npae.Adam(2e-3),
        batch_size=40, max_iter=800, tol=0.0, random_state=0,
    ).fit(few)  # fmt: skip
    inside, outside = error(model.reconstruct(few), few), error(model.reconstruct(test), test)
    pca = npae.PCA(8).fit(few)
    of_pca = error(pca.reconstruct(few), few), error(pca.reconstruct(test), test)
    assert inside < 0.05 and outside > 1.1 > of_pca[1]
    return (
        "8 code units between layers of 256, trained on 40 digits: ½‖x̂ − x‖² below 0.05 on these and above 1.1 on "
        f"others; PCA has {of_pca[0]:.2f} and {of_pca[1]:.2f}"
    )


@claim("U6")
def codes_as_wide_as_the_input():
    train, test, _, _ = digits()
    noise = np.random.default_rng(2).random(test.shape)
    costs = []
    for k in (16, 64):
        W_e, W_d = npae.pca.linear_autoencoder_optimum(train, k)
        costs.append(error(train.mean(axis=0) + (noise - train.mean(axis=0)) @ W_e @ W_d, noise))
    shuffled = np.random.default_rng(1).permuted(test, axis=1)
    narrow, wide = (error(member(name).reconstruct(shuffled), shuffled) for name in ("undercomplete", "overcomplete"))
    assert costs[1] < 1e-20 < costs[0] / 2 and wide < 0.8 * narrow
    return (
        f"white noise through a linear autoencoder for digits: ½‖x̂ − x‖² {costs[0]:.2f} with K = 16, below 1e-20 with "
        f"K = 64; digits with shuffled pixels: {narrow:.2f} through 16 sigmoid units, {wide:.2f} through 128"
    )


# -- regularized ------------------------------------------------------------------------------------------------------


@claim("R1")
def other_properties():
    test = digits()[1]
    noisy, missing = NOISE.corrupt(test, rng=1), npae.MaskingNoise(0.4).corrupt(test, rng=1)
    free = member("overcomplete")
    active = [float((member(name).transform(test) > 0.1).mean()) for name in ("overcomplete", "sparse")]
    slopes = [
        np.linalg.norm(manifold.jacobian(member(name), test[:100]), axis=(1, 2)).mean()
        for name in ("overcomplete", "contractive")
    ]
    by_noise = [error(model.reconstruct(noisy), test) for model in (free, member("denoising"))]
    by_gaps = [error(model.reconstruct(missing), test) for model in (free, member("masking"))]
    assert all(with_it < without / 2 for without, with_it in (active, slopes, by_noise, by_gaps))
    return (
        f"without and with the regularizer: active units {active[0]:.0%}, {active[1]:.0%}; ‖∂f/∂x‖ {slopes[0]:.2f}, "
        f"{slopes[1]:.2f}; error on noisy digits {by_noise[0]:.2f}, {by_noise[1]:.2f}, with missing pixels "
        f"{by_gaps[0]:.2f}, {by_gaps[1]:.2f}"
    )


@claim("R2")
def overcomplete_and_useful():
    _, test, _, _ = digits()
    noisy = NOISE.corrupt(test, rng=1)
    errors = [error(r, test) for r in (noisy, *(member(n).reconstruct(noisy) for n in ("overcomplete", "denoising")))]
    layer = member("denoising").network_.encoder.layers[0]
    assert layer.n_out > layer.n_in and errors[2] < errors[1] / 2 and errors[2] < errors[0] / 2
    return (
        f"{layer.n_out} sigmoid units for {layer.n_in} inputs: noisy digits {errors[0]:.2f}, after the free "
        f"autoencoder {errors[1]:.2f}, after the denoising one {errors[2]:.2f}"
    )


@claim("R3")
def generative_models_are_autoencoders():
    train = digits()[0]
    pca = npae.PCA(8, maximum_likelihood=True).fit(train)
    W = np.sqrt(pca.explained_variance_ - pca.noise_variance_)[:, None] * pca.components_
    model = npae.generative.LinearGaussian(W, pca.mean_, np.full(64, pca.noise_variance_))
    L, omega = model.parts(train)
    assert np.allclose(L + omega, -pca.score_samples(train), rtol=1e-9)
    forms = len(npae.generative.forms.FORMS)
    return (
        f"{forms} models in one table; probabilistic PCA of digits: L + Ω = −log p(x), relative difference below 1e-9"
    )


# -- sparse -----------------------------------------------------------------------------------------------------------


@claim("S1")
def loss_and_penalty_add_up():
    difference = 0.0
    for penalty in (npae.L1Sparsity(0.3), npae.KLSparsity(0.2, rho=0.1)):
        network, x = small_network([penalty])
        J = network.value(x)
        L, _ = npae.SquaredError()(network.decoder(network.encode(x)), x)
        network.encoder.forward(x)
        difference = max(difference, abs(J - (L + penalty(network.encoder))))
    assert difference < 1e-12
    free, sparse = (float(member(name).transform(digits()[1]).mean()) for name in ("overcomplete", "sparse"))
    assert sparse < free / 2
    return (
        f"J − (L + Ω(h)) below 1e-12; mean activation of 128 units {free:.2f} without Ω, {sparse:.2f} with KL, ρ = 0.05"
    )


# -- denoising --------------------------------------------------------------------------------------------------------


@claim("D1")
def the_loss_changes_and_no_penalty_is_added():
    network, x = small_network()
    x_tilde = NOISE.corrupt(x, rng=0)
    J = network.value(x_tilde, x)
    by_hand = np.mean([0.5 * ((network.reconstruct(x_tilde[[n]]) - x[n]) ** 2).sum() for n in range(len(x))])
    assert abs(J - by_hand) < 1e-12 and network.penalties == ()
    return f"J(x̃, x) − mean L(x, g(f(x̃))) below 1e-12 with {len(network.penalties)} penalties"


@claim("D2")
def a_corrupted_copy():
    test = digits()[1]
    squares = ((NOISE.corrupt(test, rng=1) - test) ** 2).sum(axis=1).mean()
    assert np.isclose(squares, 64 * 0.09, rtol=0.05)
    return f"mean ‖x̃ − x‖² of digits {squares:.2f}; D σ² = 5.76"


@claim("D3")
def undoing_instead_of_copying():
    test = digits()[1]
    noisy = NOISE.corrupt(test, rng=1)
    copying, undoing = error(noisy, test), error(member("denoising").reconstruct(noisy), test)
    assert undoing < copying / 2
    return (
        f"held-out noisy digits: ½‖x̂ − x‖² {copying:.2f} for the identity, {undoing:.2f} for the denoising autoencoder"
    )


@claim("D4")
def corrupted_in_original_out():
    train, test, _, _ = digits()
    rows = []
    for corruption, name in ((NOISE, "denoising"), (npae.MaskingNoise(0.4), "masking")):
        noisy = corruption.corrupt(test, rng=1)
        best_linear = npae.denoising.linear_denoiser(train, corruption)
        rows.append((error(best_linear.reconstruct(noisy), test), error(member(name).reconstruct(noisy), test)))
    assert all(ours < 0.9 * linear for linear, ours in rows)
    return (
        f"best linear map and denoising autoencoder: Gaussian noise {rows[0][0]:.2f}, {rows[0][1]:.2f}; "
        f"missing pixels {rows[1][0]:.2f}, {rows[1][1]:.2f}"
    )


@claim("D5")
def the_chain_of_the_picture():
    network, x = small_network()
    x_tilde = NOISE.corrupt(x, rng=0)
    h = network.encode(x_tilde)
    sizes = [each.shape[1] for each in (x, x_tilde, h, network.decode(h))]
    assert sizes == [6, 6, 4, 6]
    return "x → x̃ → h → x̂ with " + " → ".join(map(str, sizes)) + " numbers; L compares x̂ with x"


@claim("D6")
def a_conditional_distribution():
    x = np.tile(digits()[1][:1], (20_000, 1))
    gaussian = NOISE.corrupt(x, rng=0) - x
    kept = (npae.MaskingNoise(0.4).corrupt(x, rng=0) != 0)[:, x[0] != 0].mean()
    bias, deviation = np.abs(gaussian.mean(axis=0)).max(), gaussian.std()
    assert bias < 0.01 and np.isclose(deviation, 0.3, rtol=0.01) and np.isclose(1 - kept, 0.4, rtol=0.01)
    return (
        f"20,000 draws for one x: deviation {deviation:.3f} at σ = 0.3; {1 - kept:.3f} of the pixels missing at p = 0.4"
    )


@claim("D7")
def the_three_steps():
    train, test, _, _ = digits()
    rng = np.random.default_rng(0)
    network = npae.Network([npae.Dense(64, 64, npae.Sigmoid(), rng=rng)], [npae.Dense(64, 64, rng=rng)])
    noisy = NOISE.corrupt(test, rng=1)

    def likelihood():
        return float(network.loss.log_likelihood(network.decoder(network.encode(noisy)), test).mean())

    before = likelihood()
    learn_reconstruction_distribution(network, train, NOISE, n_steps=600, rng=0)
    learned = ReconstructionDistribution(network).log_likelihood(test, noisy).mean()
    assert likelihood() > before + 10 and abs(learned / likelihood() - 1) < 1e-12
    return (
        f"log p_reconstruct(x \\| x̃) of held-out digits: {before:.1f} nats before, {learned:.1f} after 600 turns "
        "of the three steps; log p_decoder(x \\| h = f(x̃)) is the same to a relative difference below 1e-12"
    )


# -- manifolds, contraction -------------------------------------------------------------------------------------------


@claim("M1")
def the_set_of_tangent_planes():
    angles = []
    for lam in (0.0, 0.01):
        model, held_out = on_manifold("circle", lam)
        T = manifold.tangent_space(model, held_out.data, 1)
        angles.append(np.degrees(np.median(manifold.tangent_angles(T, held_out.tangents))))
    assert angles[1] < 12 and angles[0] > 45
    return "circle in 20 dimensions: median angle to the true tangents below 12°, without contraction above 45°"


@claim("M2")
def basis_vectors_of_a_plane():
    model, held_out = on_manifold("sphere", 0.01)
    T = manifold.tangent_space(model, held_out.data, 2)
    identity = np.abs(T @ np.swapaxes(T, 1, 2) - np.eye(2)).max()
    share = (manifold.local_dimension(model, held_out.data) == 2).mean()
    assert identity < 1e-12 and T.shape == (200, 2, 20) and share > 0.9
    return (
        "sphere in 20 dimensions: 2 vectors at each point, orthonormal to below 1e-12; "
        f"dimension found right at {share:.0%}"
    )


@claim("C1")
def derivatives_as_small_as_possible():
    norms = []
    for lam in (0.0, 0.01):
        model, held_out = on_manifold("circle", lam)
        norms.append(np.linalg.norm(manifold.jacobian(model, held_out.data), axis=(1, 2)).mean())
    assert norms[1] < norms[0] / 3
    return f"mean ‖∂f/∂x‖_F on the circle: {norms[0]:.2f} without, {norms[1]:.2f} with λ = 0.01"


@claim("C2")
def the_penalty_is_the_norm_of_the_jacobian():
    network, x = small_network()
    network.encoder.forward(x)
    value, t = npae.Contractive(0.3)(network.encoder), 1e-5
    J = np.stack([(network.encode(x + t * e) - network.encode(x - t * e)) / (2 * t) for e in np.eye(6)], axis=2)
    relative = abs(value - 0.3 * (J**2).sum() / len(x)) / value
    assert relative < 1e-8
    return "λ mean ‖∂f/∂x‖_F² by finite differences and by the penalty: relative difference below 1e-8"


@claim("C3")
def a_smaller_neighbourhood():
    ratios = []
    for lam in (0.0, 0.01):
        model, held_out = on_manifold("circle", lam)
        ratios.append(manifold.contraction_ratio(model, held_out.data, [0.1], rng=0)[0])
    assert ratios[1] < 0.5 < ratios[0]
    return (
        f"distance of codes over distance of inputs, 0.1 apart: {ratios[0]:.2f} without, "
        f"{ratios[1]:.2f} with the penalty"
    )


@claim("C4")
def a_penalty_added_to_the_cost():
    network, x = small_network([npae.Contractive(0.3)])
    J, bare = network.value(x), npae.Network(network.encoder, network.decoder).value(x)
    network.encoder.forward(x)
    report = npae.gradcheck.check_network(small_network([npae.Contractive(0.3)])[0], x)
    assert abs(J - bare - npae.Contractive(0.3)(network.encoder)) < 1e-12 and report.max_error < 1e-12
    return "J − L − Ω below 1e-12; gradient minus complex step below 1e-12"


# -- the page ---------------------------------------------------------------------------------------------------------

NUMBER = re.compile(r"(?<![\w.])\d[\d,]*\.?\d*(?:e-?\d+)?")


def rows():
    """The page's rows by their name: (text, code, tests and lesson, sentence)."""
    lines = re.findall(r"^\| ([A-Z]\d) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name: re.split(r" (?<!\\)\| ", rest) for name, rest in lines}


def test_the_page_has_a_row_for_every_claim_and_every_row_is_computed():
    assert list(rows()) == list(CLAIMS) and all(len(row) == 4 for row in rows().values())


SLOW = ("M1", "M2", "R1")  # more than a second each


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in CLAIMS]
)
def test_the_page_says_what_is_measured(name):
    said, measured = rows()[name][-1], CLAIMS[name]()
    print(f"{name}  {measured}")
    assert NUMBER.sub("#", said) == NUMBER.sub("#", measured)
    bounds = re.findall(rf"(?:below|above) ({NUMBER.pattern})", said)
    assert bounds == re.findall(rf"(?:below|above) ({NUMBER.pattern})", measured)  # asserted where it was computed
    for ours, theirs in zip(NUMBER.findall(said), NUMBER.findall(measured), strict=True):
        assert float(ours.replace(",", "")) == pytest.approx(float(theirs.replace(",", "")), rel=0.1, abs=0.01), (
            measured
        )


def test_every_test_and_lesson_of_the_page_is_there():
    defined = {}
    for path in (ROOT / "tests").glob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        defined[path.name] = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name, (_, code, places, _) in rows().items():
        assert re.search(r"\{py:\w+\}`", code), name
        named = re.findall(r"`(test_\w+\.py)`::`(test_\w+)`", places)
        assert named and all(test in defined.get(file, ()) for file, test in named), (name, named)
        lessons = re.findall(r"\]\(_generated/lessons/(\w+)\.ipynb\)", places)
        assert lessons and all((ROOT / "notebooks" / f"{lesson}.py").exists() for lesson in lessons), (name, lessons)


def write_page():
    """Put what is measured into the page's last column."""
    text = PAGE.read_text(encoding="utf-8")
    for name, compute in CLAIMS.items():
        row = re.search(rf"^\| {name} \|.*$", text, flags=re.MULTILINE)[0]
        text = text.replace(row, f"{row.removesuffix(' |').rpartition(' | ')[0]} | {compute()} |")
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for name, compute in CLAIMS.items():
        print(f"{name}  {compute()}", flush=True)
    if "--write" in sys.argv:
        write_page()
