"""What a wrong gradient is told: one planted pattern a row, and the part of a sentence that names it."""

import re

import numpy as np
import pytest

from npae.gradcheck import check_gradient, check_layer

X = np.random.default_rng(0).standard_normal((6, 5))
SQUARE = np.random.default_rng(1).standard_normal((4, 4))
CUBE = np.random.default_rng(2).standard_normal((3, 4, 5))


def changed(g, where, by):
    g = g.copy()
    g[where] = by(g[where])
    return g


def half(g):
    return g / 2


PATTERNS = {  # x, the wrong gradient as a function of the right one 3 x^2 and of x, words
    "an epsilon": (X, lambda g, x: g * (1 + 1e-6), "agrees to 6 digits (a factor 1.000001"),
    "a rounded constant": (X, lambda g, x: g * (3.14159 / np.pi), "agrees to 6 digits"),
    "float32": (X, lambda g, x: g * (1 - 3e-7), "agrees to 6 digits"),
    "sign where x < 0": (X, lambda g, x: np.where(x < 0, -g, g), "signs are wrong: where x < 0"),
    "nothing where x < 0": (X, lambda g, x: np.where(x < 0, 0, g), "wrong only where x < 0, where the analytic"),
    "twice where x > 0": (X, lambda g, x: np.where(x > 0, 2 * g, g), "wrong only where x > 0, and there analytic = 2"),
    "a clipped slope": (X, lambda g, x: np.where(np.abs(x) > 1, 0, g), "wrong only where |x| > "),
    "half of row 2": (X, lambda g, x: changed(g, 2, half), "wrong only row 2, and there analytic = numeric / 2"),
    "column 3 zero": (X, lambda g, x: changed(g, (slice(None), 3), np.zeros_like), "wrong only column 3, where the"),
    "a block": (X, lambda g, x: changed(g, (slice(1, 3), slice(2, 4)), half), "in the block [1:3, 2:4], and there"),
    "the diagonal": (SQUARE, lambda g, x: changed(g, np.diag_indices(4), half), "only on the diagonal, and there"),
    "below the diagonal": (SQUARE, lambda g, x: changed(g, np.tril_indices(4, -1), half), "only below the diagonal"),
    "off the diagonal": (SQUARE, lambda g, x: g * np.eye(4), "off the diagonal, where the analytic gradient is zero"),
    "one channel": (CUBE, lambda g, x: changed(g, (slice(None), 2), half), "wrong only axis 1 at 2, and there"),
    "the border": (X, lambda g, x: pad(g), "at the border"),
    "turned around": (CUBE, lambda g, x: g[:, ::-1, ::-1], "turned around: a convolution for a correlation?"),
    "transposed": (SQUARE, lambda g, x: g.T, "transposed"),
    "reversed": (X, lambda g, x: g[::-1], "reversed along axis 0"),
    "off by one": (X, lambda g, x: np.roll(g, 1, axis=1), "shifted along axis 1: an index is off by one"),
    "summed and repeated": (X, lambda g, x: np.broadcast_to(g.sum(axis=0), g.shape), "summed over axis 0 and repeated"),
    "one number everywhere": (X, lambda g, x: np.full_like(g, 2.5), "a sum over the wrong axis was broadcast"),
    "another order": (X, lambda g, x: g.ravel()[::-1].reshape(5, 6).T, "in another order"),
    "clipped": (X, lambda g, x: np.clip(g, -1, 1), "clipped at 1"),
    "a factor a row": (X, lambda g, x: g * np.arange(2, 8)[:, None], "each row is wrong by a factor of its own"),
    "factors and a right row": (X, lambda g, x: g * np.arange(1, 7)[:, None], "5 of 6 rows are wrong, each by a fac"),
    "a mean is missing": (X, lambda g, x: g - g.mean(), "the difference is constant everywhere"),
    "a mean a column": (X, lambda g, x: g - g.mean(axis=0), "the difference is constant along axis 0"),
    "times x": (X, lambda g, x: g * x, "analytic = numeric x x, x the array"),
    "times the slope of tanh": (X, lambda g, x: g * (1 - np.tanh(x) ** 2), "numeric x (1 - tanh(x)^2)"),
    "a slope forgotten": (X, lambda g, x: g / np.exp(x), "numeric / exp(x)"),
    "decay": (X, lambda g, x: g + 0.3 * x, "+ 0.3 x the array itself: the gradient of a weight decay is in"),
    "decay missing": (X, lambda g, x: g - 0.3 * x, "decay is missing, or one of 0.15 has the wrong sign"),
    "mean for sum": (X, lambda g, x: g / 6, "numeric / 6, and 6 is the length of an axis"),
    "ddof": (X, lambda g, x: g * 6 / 5, "6 against 5"),
    "log2": (X, lambda g, x: g * np.log(2), "log2 in the value, log in the gradient"),
    "NaN": (X, lambda g, x: changed(g, (0, 0), lambda g: np.nan), "1 of 30 entries of the analytic gradient are NaN"),
    "a few entries": (X, lambda g, x: changed(g, (4, 1), half), "only 1 of 30 entries are wrong, at [4, 1]"),
}  # fmt: skip


def pad(g):
    inner = np.zeros_like(g)
    inner[1:-1, 1:-1] = g[1:-1, 1:-1]
    return inner


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: np.asarray(x, float)], ids=["complex", "real"])
@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_of_errors_is_named(name, wrap):
    x, wrong, words = PATTERNS[name]

    def f(x):
        x = wrap(x)
        return (x**3).sum(), 3 * x**2 if np.iscomplexobj(x) else wrong(3 * x**2, x)

    report = check_gradient(f, x)
    assert report.verdict == "WRONG" and words in report.rows[0].diagnosis, str(report)


@pytest.mark.parametrize(("d", "words"), [(lambda s, dh: s * dh, "sums to 0 along axis 1"), (None, "no part along x")])
def test_a_missing_term_of_a_normalization_is_named(d, words):
    class Layer:
        def forward(self, x):
            e = np.exp(x)
            self.s, self.norm = e / e.sum(axis=1, keepdims=True), (x * x).sum(axis=1, keepdims=True) ** 0.5
            return self.s if d else x / self.norm

        def backward(self, dh):
            return d(self.s, dh) if d else dh / self.norm

    report = check_layer(Layer(), X)
    assert report.verdict == "WRONG" and words in report.worst.diagnosis, str(report)


def product(p):
    h = X @ p["W"] * p["v"]
    return (h**2).sum() / 2, {"W": X.T @ (h * p["v"]), "v": (h * (X @ p["W"])).sum(axis=0)}


@pytest.mark.parametrize("name", ["v", "scale", "alpha", "embedding"])
def test_a_vector_that_is_no_bias_is_not_called_one(name):
    def f(p):
        value, g = product({"W": p["W"], "v": p[name]})
        return value, {"W": g["W"], name: g["v"] * np.array([1.0, 2.0, 3.5])}

    rng = np.random.default_rng(0)
    report = check_gradient(f, {"W": rng.standard_normal((5, 3)), name: rng.standard_normal(3)})
    assert report.verdict == "WRONG" and "bias" not in str(report), str(report)
    assert report.worst.name == name


def test_exchanged_gradients_and_one_factor_of_all_are_named():
    rng = np.random.default_rng(0)
    point = {"U": rng.standard_normal((5, 3)), "V": rng.standard_normal((5, 3))}

    def f(p, swap=False, factor=1.0):
        dU, dV = p["V"] ** 2, 2 * p["U"] * p["V"]
        dU, dV = (dV, dU) if swap else (dU, dV)
        return (p["U"] * p["V"] ** 2).sum(), {"U": factor * dU, "V": factor * dV}

    assert "the gradient of U is that of V: they are exchanged" in check_gradient(lambda p: f(p, True), point).diagnosis
    assert "the same factor 1.7" in check_gradient(lambda p: f(p, factor=1.7), point).diagnosis


def test_nothing_is_exchanged_where_samples_differ_or_only_little_is_wrong():
    P, Q = np.random.default_rng(0).standard_normal((2, 60, 60))
    D, factor = np.zeros((60, 60)), np.ones((60, 60))
    D[3], factor[2, 3] = 1, 1 + 1e-6

    def sampled(z):
        return ((z["P"] ** 2).sum() + (z["Q"] ** 2).sum()) / 2, {"P": z["P"] + D, "Q": z["Q"] - D.T}

    def summed(z):
        d = z["U"] + z["V"]
        return (d**2).sum() / 2, {"U": d * factor[:5, :4], "V": d * factor[:5, :4]}

    for f, point in ((sampled, {"P": P, "Q": Q}), (summed, {"U": P[:5, :4], "V": Q[:5, :4]})):
        report = check_gradient(f, point)
        assert [row.status for row in report.rows] == ["WRONG", "WRONG"] and "exchanged" not in str(report)


def test_the_gradient_of_another_function_is_told_from_one_of_none():
    c = np.random.default_rng(0).standard_normal((5, 5))
    x = np.random.default_rng(1).standard_normal(5)

    def f(x, A):
        return (x @ (c @ c.T) @ x) / 2 + np.sin(x).sum(), A @ x + np.cos(x)

    assert check_gradient(lambda x: f(x, c @ c.T), x).ok
    other = check_gradient(lambda x: f(x, c + c.T), x)
    assert "the gradient of another function than the value" in other.diagnosis, str(other)
    none = check_gradient(lambda x: f(x, c @ c), x)
    assert "no function has this gradient" in none.diagnosis, str(none)
    rounded = check_gradient(lambda x: (f(x, c)[0], (f(x, c + c.T)[1]).astype(np.float32).astype(float)), x)
    assert "no function" not in rounded.diagnosis, str(rounded)


def fixed(f, g, x):
    return check_gradient(lambda x: (f(x), g(x)), np.array(x)).rows[0].diagnosis


@pytest.mark.parametrize(
    ("f", "g", "x", "words"),
    [
        (lambda x: np.sqrt(x * x).sum(), lambda x: np.ones(x.shape), [[0.5, -0.3], [0.8, 0.4], [-0.7, 0.2]],
         "the magnitudes agree but 2 of 6 signs are wrong: where x < 0"),
        (lambda x: np.sqrt(x * x).sum(), lambda x: np.array([1.0, 1, -1, -1]), [0.5, -0.3, 0.8, -0.2],
         "the magnitudes agree but 2 of 4 signs are wrong: in the block [1:3]"),
        (lambda x: (x**2).sum(), lambda x: 2e-310 * x, [0.5, -0.3, 0.8], "numeric everywhere: a constant factor"),
        (lambda x: x.mean() + 1e-6 * (x**2).sum() / 2, lambda x: np.full(4, 0.25), [0.5, -0.3, 0.8, 2.0],
         "analytic = numeric - 1e-06 x the array itself"),
        (lambda x: (x**2).sum() / 2, lambda x: x + 1e-5 * (np.arange(4) == 2), [0.5, -0.3, 0.8, 2.0],
         "only 1 of 4 entries are wrong, at [2]"),
        (lambda x: x @ np.arange(1.0, 5), lambda x: np.arange(1.0, 5) + 0.3 * x, [0, 0, 1.0, 0],
         "only 1 of 4 entries are wrong, at [2]"),
        (lambda x: (x**3).sum(), lambda x: -9 * x**3, [0.5, -0.3, 0.8, 2.0],
         "analytic = -3 x numeric x x, x the array: a derivative is multiplied in"),
        (lambda x: (x**2).sum() / 2, lambda x: -x / 7, [0.5, -0.3, 0.8, 2.0], "analytic = -1/7 x numeric: mean"),
    ],
)  # fmt: skip
def test_what_is_small_or_of_a_few_entries_is_not_taken_for_a_factor_or_an_order(f, g, x, words):
    assert words in fixed(f, g, x)


def test_the_verdict_counts_what_is_wrong_and_where():
    x, noise = np.random.default_rng(0).uniform(1, 2, (2, 5, 5))
    large = 0.5 * (np.arange(25).reshape(5, 5) == 13)

    def check(wrong, **options):
        return check_gradient(lambda x: ((x**2).sum() / 2, x + wrong), x, **options).rows[0]

    for wrong in (1e-6 + large, 1e-6 * (noise - 1.5)):
        row = check(wrong)
        assert row.wrong == 25 and not row.diagnosis, row
    assert check(1e-4 * noise + large, rtol=1e-3).diagnosis == "only 1 of 25 entries are wrong, at [2, 3]"


@pytest.mark.parametrize(
    ("shape", "wrong", "words"),
    [
        ((200, 200), np.isin(np.arange(200), [3, 50, 120])[:, None], "of N x N entries looked at: wrong only row"),
        ((200, 100), np.eye(200, 100), "of N x N entries looked at: wrong only on the diagonal"),
        ((5000,), np.arange(5000) % 3 == 0, ""),
        ((20, 20, 20), (np.arange(20) == 3)[:, None], ""),
        ((20, 20, 20), np.arange(8000).reshape(20, 20, 20) % 79 == 0, "of N entries looked at: only N of N entries"),
        ((5000,), np.arange(5000) == 71, "only N of N,N entries are wrong, at [71]: found by bisection"),
        ((20, 20, 20), np.arange(8000).reshape(20, 20, 20) == 71, "only N of N,N entries are wrong, at [0, 3, 11]"),
    ],
)
def test_words_on_a_part_of_a_large_array_say_so_and_no_place_is_told_that_is_none(shape, wrong, words):
    x, size = np.random.default_rng(0).standard_normal((2, *shape))
    row = check_gradient(lambda x: ((x**2).sum() / 2, x + wrong * size), x).rows[0]
    told = re.sub(r"\b\d+\b(?=[^\[\]]*(\[|$))", "N", row.diagnosis)
    assert row.status == "WRONG" and told.startswith(words) and bool(told) == bool(words), row


@pytest.mark.parametrize("n", [[1, 2, 0, 0, 0], [1, 2, -3e-6, 1e-6, 2e-6]])
def test_a_product_with_x_is_not_told_for_one_entry(n):
    x, n = np.array([1.5, 2.5, 1.2, -1.7, 0.9]), np.array(n)
    words = fixed(lambda x: n @ x, lambda x: n * x + 1e-6 * np.arange(5), x)
    assert "x the array" not in words, words
    assert "numeric x x, x the array" in fixed(lambda x: x.sum(), lambda x: x, x)


def test_a_gradient_outside_of_a_kink_is_not_said_to_be_zero_there():
    words = fixed(lambda x: np.maximum(x, 0).sum(), lambda x: np.array([1.0, -3.0, 0.0]), [1.0, 0.0, -1.0])
    assert words.startswith("not differentiable at [1], and the gradient is not between"), words
