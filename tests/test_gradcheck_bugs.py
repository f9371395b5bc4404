"""Tests of the checker: planted bugs must fail, each with the right diagnosis; awkward but right gradients must pass.

Every function here is f(point) -> (value, gradient). `real_only` wraps one so that it refuses complex input, so that
each case is tried by complex step and by Richardson extrapolation, both at default settings.
"""

import numpy as np
import pytest

from npae.gradcheck import check_gradient

N, D, K = 7, 5, 4


def rng():
    return np.random.default_rng(0)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def relu(a):
    return a * (np.real(a) > 0)


ACTIVATIONS = {
    "sigmoid": (sigmoid, lambda h: h * (1 - h)),
    "tanh": (np.tanh, lambda h: 1 - h * h),
    "relu": (relu, lambda h: (np.real(h) > 0) * 1.0),
}


def real_only(f):
    def refusing(point):
        arrays = point.values() if isinstance(point, dict) else [point]
        if any(np.iscomplexobj(array) for array in arrays):
            raise TypeError("only real numbers, please")
        return f(point)

    return refusing


X = rng().random((N, D))
NOISY = X + 0.5 * rng().standard_normal((N, D))


def start(square=False):
    r, k = np.random.default_rng(1), D if square else K
    shapes = {"W": (D, k), "b": (k,), "V": (k, D), "c": (D,)}
    return {name: r.standard_normal(shape) for name, shape in shapes.items()}


# ---- the reference that the bugs are planted into ------------------------------------------------------------------


def autoencoder(p, bug="", phi="sigmoid", target=X, x=X, lam=0.0):
    """1/2N sum ||phi(x W + b) V + c - target||^2 + lam/2 (||W||^2 + ||V||^2), and its gradient with a bug."""
    activate, slope = ACTIVATIONS[phi]
    h = activate(x @ p["W"] + p["b"])
    a = h @ p["V"] + p["c"]
    J = ((a - target) ** 2).sum() / (2 * N) + lam / 2 * ((p["W"] ** 2).sum() + (p["V"] ** 2).sum())
    if np.iscomplexobj(J):
        return J, None
    da = (a - (x if bug == "corrupted target" else target)) / N
    if bug == "missing 1/N":
        da = da * N
    if bug == "forgotten half":
        da = da * 2
    if bug == "mean over features":
        da = da / D
    dh = da @ p["V"].T
    slope = {"sigmoid formula": ACTIVATIONS["sigmoid"][1], "no slope": np.ones_like}.get(bug, slope)
    da1 = dh * slope(h)
    g = {"W": x.T @ da1, "b": da1.sum(axis=0), "V": h.T @ da, "c": da.sum(axis=0)}
    if bug != "decay missing":
        g["W"], g["V"] = g["W"] + lam * p["W"], g["V"] + lam * p["V"]
    if bug == "decay in the gradient only":
        g["W"] = g["W"] + 0.3 * p["W"]
    if bug == "biases averaged":
        g["b"], g["c"] = da1.mean(axis=0), da.mean(axis=0)
    if bug == "bias summed over everything":
        g["b"] = np.full(g["b"].shape, da1.sum())
    if bug == "sum over the wrong axis":
        g["W"] = np.broadcast_to(g["W"].sum(axis=1, keepdims=True), g["W"].shape)
    if bug == "transposed":
        g["W"] = g["W"].T
    if bug == "column order":
        g["V"] = g["V"].ravel(order="F").reshape(g["V"].shape)
    if bug == "sign":
        g["V"] = -g["V"]
    if bug == "zero row":
        g["W"][2] = 0
    if bug == "unreached":
        g["W"][:] = 0
    if bug == "some signs":
        g["V"] = np.abs(g["V"])
    if bug == "per mille":
        g["W"] = 1.001 * g["W"]
    if bug == "nan":
        g["c"][1] = np.nan
    return J, g


def tied(p, bug=""):
    """The decoder uses W.T: dW is the sum of what both uses contribute."""
    h = sigmoid(X @ p["W"] + p["b"])
    a = h @ p["W"].T + p["c"]
    J = ((a - X) ** 2).sum() / (2 * N)
    if np.iscomplexobj(J):
        return J, None
    da = (a - X) / N
    da1 = da @ p["W"] * h * (1 - h)
    decoder = 0 if bug == "decoder term missing" else da.T @ h
    return J, {"W": X.T @ da1 + decoder, "b": da1.sum(axis=0), "c": da.sum(axis=0)}


def contraction(p, bug=""):
    """lam/N sum_n sum_j (h_j (1 - h_j))^2 ||W_:j||^2 with lam = 0.3."""
    W, lam = p["W"], 0.3
    h = sigmoid(X @ W + p["b"])
    s, w = h * (1 - h), (W**2).sum(axis=0)
    J = lam / N * ((s**2).sum(axis=0) * w).sum()
    if bug == "//":
        J = 3 // N * ((s**2).sum(axis=0) * w).sum()
    if np.iscomplexobj(J):
        return J, None
    da = 2 * lam / N * s * s * (1 - 2 * h) * w
    dW = 2 * lam / N * W * (s**2).sum(axis=0)
    if bug == "sum then square":
        da, dW = 2 * lam / N * s.sum(axis=0) * s * (1 - 2 * h) * w, 2 * lam / N * W * s.sum(axis=0) ** 2
    x_term, db = X.T @ da, da.sum(axis=0)
    if bug == "no x in dW":
        x_term = 0
    if bug == "no bias term":
        db = 0 * db
    if bug == "frozen W":
        dW = 0
    half = 0.5 if bug == "half" else 1
    return J, {"W": half * (dW + x_term), "b": half * db}


def kl(p, bug=""):
    """sum_j KL(0.2 || rho_hat_j), rho_hat the batch mean of h."""
    rho = 0.2
    h = sigmoid(X @ p["W"] + p["b"])
    rho_hat = h.mean(axis=0)
    J = (rho * np.log(rho / rho_hat) + (1 - rho) * np.log((1 - rho) / (1 - rho_hat))).sum()
    if np.iscomplexobj(J):
        return J, None
    q = h if bug == "per sample" else rho_hat
    da = ((1 - rho) / (1 - q) - rho / q) / N * h * (1 - h)
    return J, {"W": X.T @ da, "b": da.sum(axis=0)}


NOISE = np.random.default_rng(2).standard_normal((N, K))


def gaussian_code(p, bug=""):
    """z = m + exp(l / 2) e, J = sum z^4 / 4N, with l the log variance."""
    scale = np.exp(p["l"] / 2)
    z = p["m"] + scale * NOISE
    J = (z**4).sum() / (4 * N)
    if np.iscomplexobj(J):
        return J, None
    dz = z**3 / N
    dl = (dz * NOISE).sum(axis=0) * (np.exp(p["l"]) if bug == "variance for deviation" else scale / 2)
    return J, {"m": dz.sum(axis=0), "l": dl}


def cross_entropy(a, bug=""):
    """1/N sum softplus(a) - x a; da = (sigmoid(a) - x) / N."""
    J = (np.log1p(np.exp(-a)) + a - X * a).sum() / N
    h = sigmoid(a)
    da = (h - X) / N
    return J, da * h * (1 - h) if bug == "slope twice" else da


def l1_of_tanh(a, bug=""):
    h = np.tanh(a)
    sign = np.sign(h.real)
    return (sign * h).sum() / N, (1 if bug == "no sign" else sign) * (1 - h * h) / N


def l1(h, bug=""):
    """lam/N sum |h|: every entry of the gradient is +-lam/N."""
    sign = np.sign(h.real)
    return (sign * h).sum() / N, (np.ones(h.shape) if bug == "no sign" else sign) / N


TEN_THOUSAND = np.random.default_rng(3).standard_normal((100, 100))


def quartic(x, bug=""):
    square = x * x
    g = square * x
    if bug == "one entry":
        g[12, 34] *= 1.5
    return (square * square).sum() / 4, g


def code():
    p = start()
    return {"W": p["W"], "b": p["b"]}


def tied_start():
    p = start()
    return {"W": p["W"], "b": p["b"], "c": p["c"]}


LATENT = {"m": np.array([0.3, -1, 0.5, 2]), "l": np.array([-0.5, 0.4, 1, -1])}

NONE, OTHER = "no function has this gradient", "the gradient of another function"
# name: (f, bug, point, keywords of f, {array: a part of its diagnosis}, a part of the diagnosis of the whole)
BUGS = {
    "half the contraction term": (contraction, "half", code(), {}, {"W": "numeric / 2", "b": "numeric / 2"}, "0.5"),
    "x-term of the contraction missing": (contraction, "no x in dW", code(), {}, {"W": ""}, NONE),
    "bias term of the contraction missing": (contraction, "no bias term", code(), {}, {"b": "never reaches"}, "biases"),
    "integer division": (contraction, "//", code(), {}, {"W": "does not depend", "b": "does not depend"}, ""),
    "sum then square": (contraction, "sum then square", code(), {}, {"W": "", "b": ""}, OTHER),
    "frozen W in the penalty": (contraction, "frozen W", code(), {}, {"W": ""}, NONE),
    "sigmoid formula under ReLU": (autoencoder, "sigmoid formula", start(), {"phi": "relu"}, {"W": "", "b": ""}, NONE),
    "sigmoid formula under tanh": (autoencoder, "sigmoid formula", start(), {"phi": "tanh"}, {"W": "", "b": ""}, NONE),
    "activation slope forgotten": (autoencoder, "no slope", start(), {}, {"W": "", "b": ""}, NONE),
    "KL per sample": (kl, "per sample", code(), {}, {"W": "", "b": ""}, OTHER),
    "decoder term missing under tying": (tied, "decoder term missing", tied_start(), {}, {"W": ""}, NONE),
    "missing 1/N": (
        autoencoder,
        "missing 1/N",
        start(),
        {},
        dict.fromkeys("WbVc", "analytic = 7 x numeric, and 7 is the batch size N"),
        "same factor 7",
    ),
    "forgotten half": (autoencoder, "forgotten half", start(), {}, dict.fromkeys("WbVc", "2 x numeric"), "factor 2"),
    "mean over features": (
        autoencoder,
        "mean over features",
        start(),
        {},
        {"W": "numeric / 5", "b": "1/5", "V": "numeric / 5", "c": "numeric / 5"},
        "0.2",
    ),
    "one wrong entry among 10,000": (quartic, "one entry", TEN_THOUSAND, {}, {"x": "1 of 10,000 entries"}, ""),
    "wrong by 0.1 %": (autoencoder, "per mille", start(), {}, {"W": "1.001 x numeric"}, ""),
    "transposed W": (autoencoder, "transposed", start(square=True), {}, {"W": "transposed"}, ""),
    "column order": (autoencoder, "column order", start(), {}, {"V": "order of the transpose"}, ""),
    "variance for deviation": (gaussian_code, "variance for deviation", LATENT, {}, {"l": ""}, NONE),
    "corrupted for clean target": (
        autoencoder,
        "corrupted target",
        start(),
        {"x": NOISY},
        dict.fromkeys("WbVc", ""),
        OTHER,
    ),
    "wrong sign": (autoencoder, "sign", start(), {}, {"V": "the sign is wrong"}, ""),
    "some wrong signs": (autoencoder, "some signs", start(), {}, {"V": "signs are wrong"}, ""),
    "decay missing": (autoencoder, "decay missing", start(), {"lam": 0.2}, dict.fromkeys("WV", "0.2 x the array"), ""),
    "decay in the gradient only": (autoencoder, "decay in the gradient only", start(), {}, {"W": "+ 0.3 x the"}, ""),
    "biases averaged": (autoencoder, "biases averaged", start(), {}, dict.fromkeys("bc", "numeric / 7"), "only biases"),
    "bias summed over everything": (
        autoencoder,
        "bias summed over everything",
        start(),
        {},
        {"b": "summed over axis and repeated"},
        "only biases",
    ),
    "sum over the wrong axis": (autoencoder, "sum over the wrong axis", start(), {}, {"W": "summed over axis 1"}, ""),
    "zero row": (autoencoder, "zero row", start(), {}, {"W": "row 2, where the analytic gradient is zero"}, ""),
    "array never reached": (autoencoder, "unreached", start(), {}, {"W": "never reaches this array"}, ""),
    "NaN": (autoencoder, "nan", start(), {}, {"c": "1 of 5 entries of the analytic gradient are NaN"}, ""),
    "slope of the logits twice": (cross_entropy, "slope twice", rng().standard_normal((N, D)), {}, {"x": ""}, OTHER),
    "sign of L1 forgotten": (l1_of_tanh, "no sign", rng().standard_normal((N, K)), {}, {"x": "signs are wrong"}, ""),
    "sign of L1 forgotten, nothing else": (l1, "no sign", rng().standard_normal((N, K)), {}, {"x": "signs are"}, ""),
}


@pytest.mark.parametrize("kind", ["complex step", "Richardson"])
@pytest.mark.parametrize("name", BUGS)
def test_planted_bug_is_caught_and_diagnosed(name, kind):
    f, bug, point, keywords, expected, whole = BUGS[name]
    wrap = real_only if kind == "Richardson" else lambda f: f
    right = check_gradient(wrap(lambda p: f(p, **keywords)), point, n_samples=N)
    assert right.ok and right.method.startswith(kind), right
    report = check_gradient(wrap(lambda p: f(p, bug, **keywords)), point, n_samples=N)
    assert not report.ok and report.verdict == "WRONG", report
    assert {row.name for row in report.rows if row.status == "WRONG"} == set(expected), report
    for row in report.rows:
        assert expected.get(row.name, "") in row.diagnosis, report
        if row.name in expected and not expected[row.name]:
            assert not row.diagnosis, f"no known pattern, but: {row.diagnosis}"
    assert whole in report.diagnosis and (whole or not report.diagnosis), report


# ---- right, but awkward --------------------------------------------------------------------------------------------


def softmax(a):
    e = np.exp(a - np.max(a.real))
    return e / e.sum()


class KeepsItsGradient:
    """Returns its own array every time, as a network does."""

    def __init__(self):
        self.gradient = np.zeros(3)

    def __call__(self, x):
        if np.isrealobj(x):
            self.gradient[:] = 2 * x
        return (x * x).sum(), self.gradient


POINT = rng().standard_normal(6)
SIGNED = np.array([1.5, -2.0, 0.3, -0.7])
AWKWARD = {
    "saturated sigmoid": (lambda a: (sigmoid(a).sum(), np.exp(-a) * sigmoid(a) ** 2), np.array([36.0, -30, 25, 1])),
    "all saturated": (lambda a: (sigmoid(a).sum(), sigmoid(a) * (1 - sigmoid(a))), np.array([-36.0, -30, -25])),
    "dead autoencoder": (lambda p: autoencoder(p, phi="relu"), start() | {"b": np.full(K, -20.0)}),
    "gradients of 1e-12": (lambda x: (1e-12 * (x**4).sum(), 4e-12 * x**3), POINT),
    "gradients of 1e-200": (lambda x: (1e-200 * (x**4).sum(), 4e-200 * x**3), POINT),
    "huge values": (lambda x: (1e15 * (x**4).sum(), 4e15 * x**3), POINT),
    "huge x": (lambda x: ((x**2).sum() / 2, x * 1.0), 1e9 * POINT),
    "huge exponent": (lambda x: (np.exp(20 * x).sum(), 20 * np.exp(20 * x)), np.array([1.0, 2, 3])),
    "tiny x": (lambda x: (np.log(x).sum(), 1 / x), np.array([1e-7, 3e-7, 2e-7])),
    "one zero gradient array": (
        lambda p: ((p["used"] ** 2).sum() / 2, {"used": p["used"] * 1.0, "unused": np.zeros(3)}),
        {"used": POINT, "unused": np.ones(3)},
    ),
    "constant": (lambda x: (3.0 + 0 * x.sum(), np.zeros_like(x)), POINT),
    "linear": (lambda x: (x.sum(), np.ones_like(x)), POINT),
    "large constant part": (lambda x: (1e6 + (x**2).sum() / 2, x * 1.0), POINT),
    "cancelling constant": (lambda x: (((1e4 + x) - 1e4).sum(), np.ones_like(x)), POINT),
    "gradient that cancels to rounding": (
        lambda p: (
            softmax(p["a"]).sum() + (p["c"] ** 2).sum(),
            {"a": softmax(p["a"]) * (1 - softmax(p["a"]).sum()), "c": 2 * p["c"]},
        ),
        {"a": POINT, "c": POINT},
    ),
    "entries from 1e-6 to 1e6": (lambda x: (x @ (np.logspace(-6, 6, 6) * x) / 2, np.logspace(-6, 6, 6) * x), POINT),
    "flat at the point": (lambda x: ((x**4).sum(), 4 * x**3), np.zeros(4)),
    "maximum": (lambda x: (np.cos(x).sum(), -np.sin(x)), np.zeros(4)),
    "abs away from zero": (lambda x: (np.abs(x).sum(), np.sign(x.real)), SIGNED),
    "norm": (lambda x: (np.linalg.norm(x), x / np.linalg.norm(x)), SIGNED),
    "x |x| at zero": (lambda x: ((x * x * np.sign(x.real)).sum(), 2 * x * np.sign(x.real)), np.array([0.0, 1, -1])),
    "fast oscillation": (lambda x: (np.sin(300 * x).sum(), 300 * np.cos(300 * x)), POINT),
    "steep sigmoid": (lambda x: (sigmoid(1e4 * x).sum(), 1e4 * sigmoid(1e4 * x) * sigmoid(-1e4 * x)), 1e-4 * SIGNED),
    "close to a kink": (lambda x: (relu(x).sum(), (x.real > 0) * 1.0), np.array([1e-5, -1e-5, 1e-6, 2.0])),
    "its own array as gradient": (KeepsItsGradient(), np.array([1.0, 2, 3])),
    "whole numbers": (lambda x: ((x**2).sum() / 2, x * 1.0), np.array([1, 2, 3])),
    "a number": (lambda x: (x**3, 3 * x**2), 2.0),
    "a list": (lambda x: (x[0] @ x[1], [x[1], x[0]]), [POINT, POINT[::-1].copy()]),
    "many terms": (lambda x: (np.sin(np.outer(x, np.arange(1, 2000))).sum(), _many(x)), 1e-2 * SIGNED),
}


def _many(x):
    k = np.arange(1, 2000)
    return (k * np.cos(np.outer(x, k))).sum(axis=1)


@pytest.mark.parametrize("kind", ["complex where possible", "real"])
@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_but_right_gradient_passes(name, kind):
    f, point = AWKWARD[name]
    report = check_gradient(real_only(f) if kind == "real" else f, point)
    assert report.ok and not report.kinks, report


@pytest.mark.parametrize("kind", ["complex where possible", "real"])
@pytest.mark.parametrize("name", [name for name in AWKWARD if name not in ("constant", "flat at the point", "maximum")])
def test_awkward_gradient_wrong_by_a_per_mille_fails(name, kind):
    f, point = AWKWARD[name]

    def wrong(x):
        value, g = f(x)
        if name == "gradient that cancels to rounding":
            return value, {"a": g["a"], "c": 1.001 * g["c"]}
        if isinstance(g, dict):
            return value, {key: 1.001 * array for key, array in g.items()}
        return value, [1.001 * array for array in g] if isinstance(g, list) else 1.001 * g

    if name == "dead autoencoder":
        assert not check_gradient(real_only(wrong) if kind == "real" else wrong, point).ok
        return
    report = check_gradient(real_only(wrong) if kind == "real" else wrong, point)
    assert report.verdict == "WRONG", report
