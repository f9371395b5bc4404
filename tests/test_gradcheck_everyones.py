"""The checker on everyone's code: protocols of layers, blind spots of the complex step, edges, float32, state, words.

Each case is the smallest one in which a checker of this kind was seen to mislead on public code.
"""

import collections
import functools
import json

import numpy as np
import pytest

from npae.gradcheck import assert_gradient, check_gradient, check_layer, check_loss, check_penalty, numerical_gradient

X = np.random.default_rng(0).standard_normal((5, 4))


def status(report):
    return {row.name: row.status for row in report.rows}


# ---- layers keep their gradients in many places ---------------------------------------------------------------------


class Layer:
    """h = tanh(x W + b); `keep` puts the gradients where a subclass has its own."""

    def __init__(self, bug=""):
        rng = np.random.default_rng(1)
        self.bug = bug
        self.build(rng.standard_normal((4, 3)), rng.standard_normal(3))

    def forward(self, x):
        W, b = self.get()
        self.x, self.h = x, np.tanh(x @ W + b)
        return self.h

    def backward(self, dh):
        da = dh * (1 - self.h**2)
        dW, db = self.x.T @ da, da.sum(axis=0)
        if self.bug == "dW":
            dW = -dW
        if self.bug == "db":
            db = 0 * db
        self.keep(dW, db)
        return da @ self.get()[0].T


class Lists(Layer):
    def build(self, W, b):
        self.params, self.grads = [W, b], []

    def get(self):
        return self.params

    def keep(self, dW, db):
        self.grads = [dW, db]


class ListsOfAttributes(Layer):
    def build(self, W, b):
        self.W, self.b = W, b
        self.params, self.grads = [self.W, self.b], [np.zeros_like(W), np.zeros_like(b)]

    def get(self):
        return self.params

    def keep(self, dW, db):
        self.grads[0][...], self.grads[1][...] = dW, db


class Dicts(Layer):
    def build(self, W, b):
        self.parameters, self.gradients = {"W": W, "b": b}, {}

    def get(self):
        return self.parameters["W"], self.parameters["b"]

    def keep(self, dW, db):
        self.gradients = {"dW": dW, "db": db}


class Pairs(Layer):
    names = ("weights", "biases", "d_weights", "d_biases")

    def build(self, W, b):
        setattr(self, self.names[0], W)
        setattr(self, self.names[1], b)

    def get(self):
        return getattr(self, self.names[0]), getattr(self, self.names[1])

    def keep(self, dW, db):
        setattr(self, self.names[2], dW)
        setattr(self, self.names[3], db)


class GradW(Pairs):
    names = ("W", "b", "grad_W", "grad_b")


class WGrad(Pairs):
    names = ("W", "b", "W_grad", "b_grad")


class WeightsDW(Pairs):
    names = ("weights", "bias", "dW", "db")


class Private(Pairs):
    names = ("_W", "_b", "_dLdW", "_dLdb")


class Weight:
    def __init__(self, data):
        self.data, self.grad = data, np.zeros_like(data)


class Objects(Layer):
    def build(self, W, b):
        self.weight, self.bias = Weight(W), Weight(b)

    def get(self):
        return self.weight.data, self.bias.data

    def keep(self, dW, db):
        self.weight.grad += dW
        self.bias.grad += db


class Nested(Layer):
    def build(self, W, b):
        self.inner = Pairs()
        self.inner.weights, self.inner.biases = W, b

    def forward(self, x):
        self.inner.bug = self.bug
        return self.inner.forward(x)

    def backward(self, dh):
        return self.inner.backward(dh)


class Returned(Layer):
    def build(self, W, b):
        self.kernel, self.shift = W, b

    def get(self):
        return self.kernel, self.shift

    def keep(self, dW, db):
        self.both = (dW, db)

    def backward(self, dh):
        dx = super().backward(dh)
        both, self.both = self.both, None
        return dx, *both


class ReturnedDict(Returned):
    def backward(self, dh):
        dx, dW, db = super().backward(dh)
        return dx, {"kernel": dW, "shift": db}


class Bar(Pairs):
    names = ("W", "b", "W_bar", "b_bar")


Weights = collections.namedtuple("Weights", "W b")


class NamedTuples(Layer):
    def build(self, W, b):
        self.p, self.grads = Weights(W, b), None

    def get(self):
        return self.p

    def keep(self, dW, db):
        self.grads = Weights(dW, db)


class ViewsOfOneVector(Layer):
    """W, b and their gradients are views: a copy has them apart, and the vector has no say in it."""

    def build(self, W, b):
        self.theta, self.grad = np.concatenate([W.ravel(), b]), np.zeros(15)
        self.W, self.b, self.dW, self.db = *self.split(self.theta), *self.split(self.grad)

    def split(self, theta):
        return theta[:12].reshape(4, 3), theta[12:]

    def get(self):
        return self.W, self.b

    def keep(self, dW, db):
        self.dW[...], self.db[...] = dW, db


class Slots(Pairs):
    __slots__ = ("biases", "d_biases", "d_weights", "weights")


PROTOCOLS = [
    *(Lists, ListsOfAttributes, Dicts, Pairs, GradW, WGrad, WeightsDW, Private, Objects, Nested, Slots),
    *(Returned, ReturnedDict, Bar, NamedTuples, ViewsOfOneVector),
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_parameters_and_gradients_are_found_wherever_a_layer_keeps_them(protocol):
    report = check_layer(protocol(), X)
    assert report.ok and {row.shape for row in report.rows} == {(5, 4), (4, 3), (3,)}, str(report)
    for bug, shape, words in (("dW", (4, 3), "the sign is wrong"), ("db", (3,), "never reaches")):
        wrong = check_layer(protocol(bug), X)
        assert [row.shape for row in wrong.rows if row.status == "WRONG"] == [shape] and len(wrong.rows) == 3, str(
            wrong
        )
        assert words in wrong.worst.diagnosis


class Hidden(Layer):
    """Its gradients are local to backward."""

    def build(self, W, b):
        self.W, self.b = W, b

    def get(self):
        return self.W, self.b

    def keep(self, dW, db):
        self.optimizer = lambda: (dW, db)


def test_parameters_without_a_gradient_are_named_and_not_ok():
    report = check_layer(Hidden("dW"), X)
    assert not report.ok and not report and report.verdict == "incomplete"
    assert status(report) == {"x": "ok", "W": "not checked", "b": "not checked"}
    assert "no gradient of it was found" in str(report) and "not checked" in report._repr_html_()
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["verdict"] == "incomplete"


def test_a_layer_that_declares_its_parameters_has_those_and_no_others():
    class Declares(Hidden):
        parameters = ("W", "b")

        def keep(self, dW, db):
            self.dW, self.scale = dW, 1.0

    layer = Declares()
    layer.friend = Pairs("dW")
    assert status(check_layer(layer, X)) == {"x": "ok", "W": "ok", "b": "not checked"}


def test_a_caller_names_pairs_or_gives_functions():
    layer = Hidden("dW")
    getters = {
        "W": (lambda layer: layer.W, lambda layer: layer.optimizer()[0]),
        "b": lambda layer: layer.optimizer()[1],
    }
    report = check_layer(layer, X, parameters=getters)
    assert status(report) == {"x": "ok", "W": "WRONG", "b": "ok"}
    assert check_layer(Pairs("dW"), X, parameters=["biases"]).ok
    assert status(check_layer(Dicts("dW"), X, parameters={"parameters['W']": "gradients.dW"})) == {
        "x": "ok", "parameters['W']": "WRONG"
    }  # fmt: skip
    with pytest.raises(ValueError, match="V"):
        check_layer(Hidden(), X, parameters={"V": "dV"})


class Slope(Layer):
    """A leaky unit whose slope is one float."""

    kind = float

    def build(self, W, b):
        self.alpha = self.kind(0.3)

    def forward(self, x):
        self.x = x
        return np.where(x.real > 0, x, self.alpha * x)

    def backward(self, dh):
        self.dalpha = (dh * self.x * (self.x < 0)).sum() * (2 if self.bug else 1)
        return dh * np.where(self.x > 0, 1, self.alpha)


@pytest.mark.parametrize("kind", [float, np.float64, np.array])
def test_a_parameter_may_be_a_float(kind, monkeypatch):
    monkeypatch.setattr(Slope, "kind", kind)
    assert status(check_layer(Slope(), X)) == {"x": "ok", "alpha": "ok"}
    assert status(check_layer(Slope("twice"), X)) == {"x": "ok", "alpha": "WRONG"}


class Embedding:
    """Rows of a table, picked by whole numbers."""

    def __init__(self, bug=""):
        self.table, self.bug = np.random.default_rng(1).standard_normal((6, 3)), bug

    def forward(self, index):
        self.index = index
        return self.table[index]

    def backward(self, dh):
        self.dtable = np.zeros_like(self.table)
        if self.bug:
            self.dtable[self.index] += dh
        else:
            np.add.at(self.dtable, self.index, dh)


def test_a_layer_of_indices_and_repeated_indices_that_are_lost():
    index = np.array([1, 4, 1, 2, 4])
    assert status(check_layer(Embedding(), index)) == {"table": "ok"}
    report = check_layer(Embedding("+="), index)
    assert status(report) == {"table": "WRONG"} and "rows 1, 4" in report.worst.diagnosis
    assert "np.add.at" in report.worst.diagnosis


def test_functions_with_a_gradient_for_some_of_their_names_are_incomplete():
    def f(p):
        return (p["W"] ** 2).sum() + (p["b"] ** 3).sum() + 0 * p["unused"].sum(), {"dW": 2 * p["W"]}

    report = check_gradient(f, {"W": X, "b": X[0], "unused": X[1]})
    assert status(report) == {"W": "ok", "b": "not checked"} and not report.ok
    assert check_gradient(lambda x: ((x[0] ** 2).sum() + x[1].sum(), [2 * x[0], None]), [X, X]).verdict == "incomplete"


# ---- what the complex step does not see -----------------------------------------------------------------------------


def sines(n, abs_too=True):
    c = np.random.default_rng(n).standard_normal(n)

    def f(x):
        value = c @ np.sin(x)
        return value + 2e-3 * abs(x[0]) if abs_too else value, c * np.cos(x)

    return f


@pytest.mark.parametrize("n", [100, *(pytest.param(n, marks=pytest.mark.slow) for n in (1900, 5000))])
def test_a_term_that_the_complex_step_misses_too_is_not_ok(n):
    x = np.random.default_rng(0).standard_normal(n)
    report = check_gradient(sines(n), x)
    assert report.verdict == "WRONG" and "f takes abs of complex x" in report.reason, str(report)
    assert check_gradient(sines(n, abs_too=False), x).ok
    with pytest.raises(TypeError, match="f takes abs of complex x; use method='central'"):
        numerical_gradient(lambda x: sines(n)(x)[0], x, method="complex")


def test_a_complex_step_that_no_real_difference_can_confirm_is_no_proof_but_may_be_asked_for():
    def f(x):
        x = np.asarray(x)  # takes the observer away
        return 1e12 + 1e-3 * (x**2).sum(), 2e-3 * x

    report = check_gradient(f, X)
    assert report.verdict == "inconclusive" and "too coarse to confirm the complex step" in report.reason, str(report)
    n = numerical_gradient(lambda x: f(x)[0], X, method="complex")
    np.testing.assert_allclose(n, 2e-3 * X, rtol=1e-12)


@pytest.mark.parametrize("n", [100, *(pytest.param(n, marks=pytest.mark.slow) for n in (1900, 5000))])
def test_a_missed_term_that_nobody_can_follow_is_seen_by_its_value(n):
    x = np.random.default_rng(0).standard_normal(n)

    def f(x):
        return sines(n)(np.asarray(x))  # np.asarray takes the observer away

    report = check_gradient(f, x)
    assert report.verdict == "WRONG" and "contradict" in report.reason, str(report)
    with pytest.raises(TypeError, match="contradict"):
        numerical_gradient(lambda x: f(x)[0], x, method="complex")


NOT_ANALYTIC = {
    "var": (lambda x: np.var(x), lambda x: 2 * (x - x.mean()) / x.size),
    "std": (lambda x: x.std(), lambda x: (x - x.mean()) / x.size / x.std()),
    "abs": (lambda x: np.abs(x).sum(), np.sign),
    "norm": (lambda x: np.linalg.norm(x), lambda x: x / np.linalg.norm(x)),
    "sign": (lambda x: (x * np.sign(x)).sum(), np.sign),
    "conjugate": (lambda x: (x * x.conj()).sum(), lambda x: 2 * x),
    "vdot": (lambda x: np.vdot(x, x), lambda x: 2 * x),
}


@pytest.mark.parametrize("name", NOT_ANALYTIC)
def test_what_is_not_analytic_is_named_and_differentiated_by_real_numbers(name):
    f, gradient = NOT_ANALYTIC[name]
    report = check_gradient(lambda x: (f(x), gradient(x)), X)
    assert report.ok and f"f takes {name} of complex x" in report.reason, str(report)
    with pytest.raises(TypeError, match=f"{name} of complex x|casts its complex input|expected a complex number"):
        numerical_gradient(f, X, method="complex")


def test_only_the_arrays_concerned_fall_back_to_real_differences():
    def f(p):
        return (p["W"] ** 2).sum() + np.abs(p["b"]).sum(), {"W": 2 * p["W"], "b": np.sign(p["b"])}

    report = check_gradient(f, {"W": X, "b": X[0]})
    assert report.ok and [row.method for row in report.rows] == ["complex step", "Richardson extrapolation"]
    assert "Richardson extrapolation for b: f takes abs of complex b" in report.reason


def relu(x):
    return x * (x.real > 0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (np.maximum(x, 0) ** 2).sum(),
        lambda x: (relu(x) ** 2).sum(),
        lambda x: (np.where(x > 0, x, 0) ** 2).sum(),
        lambda x: (np.clip(x, 0, None) ** 2).sum(),
        lambda x: sum(v * v if v > 0 else 0 * v for v in x.ravel()),
    ],
)
def test_comparisons_that_pick_branches_are_no_reason_against_the_complex_step(f):
    report = check_gradient(lambda x: (f(x), 2 * np.maximum(x.real, 0)), X)
    assert report.ok and report.method == "complex step" and report.max_error < 1e-14, str(report)


# ---- kinks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_kink", [-1e-3, 1 + 1e-3, 1e6, np.nan])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: np.asarray(x, float)], ids=["complex", "real"])
def test_at_a_kink_the_gradient_lies_between_the_two_slopes(at_kink, wrap):
    x = np.array([1.0, 0.0, -1.0])

    def f(x, at):
        return relu(wrap(x)).sum(), np.where(x == 0, at, (x.real > 0) * 1.0)

    for inside in (0.0, 0.4, 1.0):
        report = check_gradient(functools.partial(f, at=inside), x)
        assert report.ok and report.kinks == 1, str(report)
    report = check_gradient(functools.partial(f, at=at_kink), x)
    assert report.verdict == "WRONG" and report.worst.index == (1,), str(report)


def test_a_single_kink_among_thousands_of_smooth_entries_is_seen():
    x = np.random.default_rng(0).standard_normal(1500)
    x[7] = 0
    report = check_gradient(lambda x: (relu(x).sum(), (x.real >= 0) * 1.0), x)
    assert report.ok and report.kinks == 1, str(report)


# ---- false alarms ---------------------------------------------------------------------------------------------------


def clipped_cross_entropy(p, target, eps=1e-7):
    q = np.clip(p, eps, 1 - eps)
    return -(target * np.log(q) + (1 - target) * np.log(1 - q)).sum(), (q - target) / (q * (1 - q))


@pytest.mark.parametrize("distance", [1e-3, 1e-5, 1e-6, 3e-7])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: np.asarray(x, float)], ids=["complex", "real"])
def test_a_clipped_logarithm_close_to_its_edge_is_no_false_alarm(distance, wrap):
    p, target = np.array([0.3, 1 - distance, 0.6, distance]), np.array([0.0, 1.0, 1.0, 0.0])
    report = check_gradient(lambda p: clipped_cross_entropy(wrap(p), target), p)
    assert report.ok, str(report)
    target = 1 - target
    report = check_gradient(lambda p: clipped_cross_entropy(wrap(p), target), p)
    assert report.ok or report.verdict == "inconclusive", str(report)
    wrong = check_gradient(lambda p: (clipped_cross_entropy(wrap(p), target)[0], p - target), p)
    assert wrong.verdict == "WRONG"


def test_a_function_at_the_edge_of_its_domain_is_differentiated_from_inside():
    report = check_gradient(lambda x: (float((x * np.sqrt(x)).sum()), 1.5 * np.sqrt(x)), np.array([0.0, 1.0, 2.0]))
    assert report.ok, str(report)


W32 = np.random.default_rng(2).standard_normal((4, 3)).astype(np.float32)


def single_inside(x, factor=1.0):
    """Computed in float32, returned as float64."""
    x32 = np.asarray(x, float).astype(np.float32)
    h = np.tanh(x32 @ W32)
    return float((h**2).sum()), factor * ((2 * h * (1 - h * h)) @ W32.T).astype(np.float64)


def single_gradient(x, factor=1.0):
    h = np.tanh(x @ W32.astype(float))
    return (h**2).sum(), factor * ((2 * h * (1 - h * h)).real.astype(np.float32) @ W32.T).astype(np.float64)


def single_constants(x, factor=1.0):
    h = np.tanh(x @ W32)
    return (h**2).sum(), factor * (2 * h * (1 - h * h)) @ W32.T


@pytest.mark.parametrize("f", [single_inside, single_gradient, single_constants])
def test_float32_inside_is_never_a_wrong_gradient(f):
    for seed in range(20):
        x = np.random.default_rng(seed).standard_normal((5, 4))
        report = check_gradient(f, x)
        assert report.verdict in ("ok", "inconclusive"), str(report)
        if report.verdict == "inconclusive":
            assert "float32" in report.worst.diagnosis
        for factor in (2, 1.1, -1):
            assert check_gradient(functools.partial(f, factor=factor), x).verdict == "WRONG"


def test_a_linear_term_that_cancels_is_zero():
    c = np.array([0.1, 0.2, -0.3])

    def f(p):
        value = (p["W"] ** 2).sum() + ((p["b"][:, None] * c).sum() if np.iscomplexobj(p["b"]) else p["b"].sum() * 0.0)
        return value, {"W": 2 * p["W"], "b": np.zeros(4)}

    report = check_gradient(f, {"W": X, "b": X[0]})
    assert report.ok and report.max_error < 1e-12, str(report)

    def g(p):
        value = (p["W"] ** 2).sum() + sum(c_i * p["b"].sum() for c_i in c)
        return value, {"W": 2 * p["W"], "b": np.full(4, c.sum())}

    report = check_gradient(g, {"W": X, "b": X[0]})
    assert report.ok and "1.0e+00" not in report.headline, str(report)


# ---- state ----------------------------------------------------------------------------------------------------------


class BatchNorm:
    """Batch normalization in training, with running statistics."""

    def __init__(self, n):
        rng = np.random.default_rng(3)
        self.gamma, self.beta = rng.standard_normal(n), rng.standard_normal(n)
        self.running_mean, self.running_var = np.zeros(n), None
        self.dgamma = self.dbeta = None
        self.training = True

    def forward(self, x):
        mean, var = x.mean(axis=0), ((x - x.mean(axis=0)) ** 2).mean(axis=0)
        self.running_mean = 0.9 * self.running_mean + 0.1 * mean
        self.running_var = var if self.running_var is None else 0.9 * self.running_var + 0.1 * var
        self.s = (var + 1e-5) ** 0.5
        self.z = (x - mean) / self.s
        return self.gamma * self.z + self.beta

    def backward(self, dh):
        self.dgamma, self.dbeta = (dh * self.z).sum(axis=0), dh.sum(axis=0)
        dz = dh * self.gamma
        return (dz - dz.mean(axis=0) - self.z * (dz * self.z).mean(axis=0)) / self.s


def test_a_layer_with_state_is_checked_and_left_as_it_was():
    layer = BatchNorm(4)
    before = {name: value.copy() for name, value in vars(layer).items() if isinstance(value, np.ndarray)}
    assert status(check_layer(layer, X)) == {"x": "ok", "gamma": "ok", "beta": "ok"}
    assert layer.running_var is None and layer.dgamma is None and not hasattr(layer, "z")
    assert all(np.array_equal(getattr(layer, name), value) for name, value in before.items())


def test_what_a_function_holds_is_as_before_and_real():
    layer, calls, seen = BatchNorm(4), [], {"last": 0.0}

    class Model:
        def __init__(self):
            self.layer, self.count, self.total = layer, 0, 0.0

        def loss(self, x):
            self.count += 1
            calls.append(1)
            h = self.layer.forward(x)
            seen["last"], seen["cache"] = (h**3).sum(), h
            self.total = self.total + seen["last"]
            return seen["last"], self.layer.backward(3 * h**2)

    model = Model()
    assert check_gradient(model.loss, X).ok
    assert layer.running_mean.dtype == np.float64 and not layer.running_mean.any() and layer.running_var is None
    assert seen == {"last": 0.0} and model.total == 0.0 and model.count == len(calls) > 10
    assert check_gradient(lambda x: model.loss(x), X).ok and not layer.running_mean.any() and model.total == 0.0
    assert numerical_gradient(lambda x: model.loss(x)[0], X).shape == X.shape and not layer.running_mean.any()


def test_a_function_that_keeps_x_by_reference_meets_a_new_array_at_every_call():
    cache = {}

    def f(x):
        if cache.get("x") is not None and np.array_equal(cache["x"], x):
            return cache["result"]
        cache["x"], cache["result"] = x, ((x**3).sum(), 3 * x**2)
        return cache["result"]

    assert check_gradient(f, X).ok
    assert check_gradient(lambda x: (f(np.asarray(x, float))[0], 2 * 3 * x**2), X).verdict == "WRONG"


def test_a_layer_that_accumulates_or_draws_its_weights_late_is_checked():
    class Late(Layer):
        def build(self, W, b):
            self.W = None

        def get(self):
            return self.W, 0.0

        def forward(self, x):
            if self.W is None:
                self.W, self.dW = np.random.default_rng().standard_normal((x.shape[1], 3)), np.zeros((4, 3))
            return super().forward(x)

        def keep(self, dW, db):
            self.dW += dW

    layer = Late()
    assert status(check_layer(layer, X)) == {"x": "ok", "W": "ok"} and layer.W is None
    assert status(check_layer(Late("dW"), X)) == {"x": "ok", "W": "WRONG"}


def test_a_layer_that_draws_noise_is_told_so():
    class Dropout:
        def forward(self, x):
            self.mask = np.random.default_rng().random(x.shape) < 0.5
            return x * self.mask

        def backward(self, dh):
            return dh * self.mask

    with pytest.raises(ValueError, match="Draw the noise once"):
        check_layer(Dropout(), X)


# ---- what is refused says what came ---------------------------------------------------------------------------------


def test_a_triple_is_answered_by_the_dict_to_write():
    with pytest.raises(
        TypeError,
        match=r'\(\d.*, an array of shape \(5, 4\), an array of shape \(4,\)\).*return value, {"W": dW, "b": db}',
    ):
        check_gradient(lambda p: ((p["W"] ** 2).sum(), 2 * p["W"], p["b"]), {"W": X, "b": X[0]})
    with pytest.raises(TypeError, match=r'{"W": dW, "b": db}, for x a dict with the same keys'):
        check_gradient(lambda x: ((x**2).sum(), 2 * x, x), X)


def test_swapped_value_and_gradient_are_told():
    with pytest.raises(TypeError, match=r"got \(gradient, value\), expected \(value, gradient\)"):
        check_gradient(lambda x: (2 * x, (x**2).sum()), X)


def test_a_forward_that_returns_its_cache_is_told():
    class Cached:
        def forward(self, x):
            return x * 2, (x,)

        def backward(self, dh, cache):
            return 2 * dh

    with pytest.raises(
        TypeError, match=r"forward: got \(an array of shape \(5, 4\), \(.*\)\), expected the output alone"
    ):
        check_layer(Cached(), X)


def test_nested_structures_are_taken_as_they_are():
    def f(layers):
        x, shapes = X, []
        for W, b in layers:
            x = x @ W + b
            shapes.append((W, b))
        (W1, b1), (W2, _) = shapes
        h, d = X @ W1 + b1, 2 * x
        value = (x * x).sum()
        if np.iscomplexobj(value):
            return value, None
        return value, [(X.T @ d @ W2.T, (d @ W2.T).sum(axis=0)), (h.T @ d, d.sum(axis=0))]

    rng = np.random.default_rng(0)
    point = [
        (rng.standard_normal((4, 3)), rng.standard_normal(3)),
        (rng.standard_normal((3, 2)), rng.standard_normal(2)),
    ]
    report = check_gradient(f, point)
    assert report.ok and [row.name for row in report.rows] == ["x[0][0]", "x[0][1]", "x[1][0]", "x[1][1]"]
    report = check_gradient(
        lambda p: ((p["net"][0]["W"] ** 2).sum(), {"net": [{"W": p["net"][0]["W"]}]}), {"net": [{"W": X}]}
    )
    assert "2" in report.worst.diagnosis and report.worst.name == "net[0]['W']"


def test_whole_numbers_that_f_needs_as_such_are_told():
    def f(p):
        return (p["W"][p["index"]] ** 2).sum(), {"W": 2 * p["W"], "index": 0 * p["index"]}

    with pytest.raises(TypeError, match="got whole numbers, which were made float64"):
        check_gradient(f, {"W": X, "index": np.array([0, 1])})


@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_a_value_of_one_number_is_a_scalar(shape):
    assert check_gradient(lambda x: ((x**2).sum().reshape(shape), 2 * x), X).ok
    assert check_gradient(lambda x: (np.asarray(float((x**2).sum())).reshape(shape), 2 * x), X).ok


def test_a_flat_theta_takes_the_names_and_shapes_of_its_parts():
    def f(theta):
        W, b = theta[:12].reshape(4, 3), theta[12:]
        a = X @ W + b
        return (a**2).sum(), np.concatenate([(2 * X.T @ a).ravel(), a.sum(axis=0)])

    report = check_gradient(f, np.random.default_rng(0).standard_normal(15), parts={"W": (4, 3), "b": (3,)})
    assert status(report) == {"W": "ok", "b": "WRONG"} and "numeric / 2" in report.rows[1].diagnosis
    assert report.rows[0].shape == (4, 3)
    with pytest.raises(ValueError, match="got parts of 14 numbers, expected the 15"):
        check_gradient(f, np.ones(15), parts={"W": (4, 3), "b": (2,)})
    with pytest.raises(ValueError, match="got parts of 15 numbers"):
        check_gradient(f, np.ones(15), parts={"W": (-4, 3), "b": (27,)})
    for x, parts in (({"W": X}, {"W": X.shape}), ([X[0], X[1]], {"W": (8,)}), (np.ones(15), ["W", "b"])):
        with pytest.raises(ValueError, match="expected a dict of names and shapes, for x one flat array"):
            check_gradient(f, x, parts=parts)


def test_a_step_of_ones_own_in_the_complex_formula_is_judged_by_the_default_one():
    x = np.array([0.5, -1.5])
    np.testing.assert_allclose(
        numerical_gradient(lambda x: np.sin(x).sum(), x, method="complex", step=1e-3), np.cos(x), rtol=1e-6
    )
    with pytest.raises(TypeError, match="abs"):
        numerical_gradient(lambda x: np.abs(x).sum(), x, method="complex", step=1e-3)


@pytest.mark.parametrize("method", ["central", "complex", "richardson"])
def test_an_empty_array_among_others_has_an_empty_gradient(method):
    x = {"a": X, "nothing": np.zeros((0, 3)), "b": X[0]}
    found = numerical_gradient(lambda p: (p["a"] ** 2).sum() + np.sin(p["b"]).sum(), x, method=method)
    np.testing.assert_allclose(found["a"], 2 * X, rtol=1e-6)
    np.testing.assert_allclose(found["b"], np.cos(X[0]), rtol=1e-6)
    assert found["nothing"].shape == (0, 3)


def test_a_method_that_needs_more_than_one_array_is_refused_with_what_it_needs():
    class Descends:
        def __init__(self):
            self.weights = X.T.copy()

        def forward(self, x):
            self.x = x
            return x @ self.weights

        def backward(self, dh, lr):
            dx = dh @ self.weights.T
            self.weights -= lr * self.x.T @ dh
            return dx

    class Filled(Descends):
        def backward(self, dh):
            return super().backward(dh, 0.1)

    class InTraining(Filled):
        def forward(self, x, training):
            return super().forward(x)

    with pytest.raises(TypeError, match=r"backward: got .*'lr'.*expected backward\(dh\) alone: check a subclass"):
        check_layer(Descends(), X)
    with pytest.raises(TypeError, match=r"forward: got .*'training'.*expected forward\(x\) alone"):
        check_layer(InTraining(), X)
    assert status(check_layer(Filled(), X)) == {"x": "ok", "weights": "not checked"}


def test_float32_parameters_are_named_only_where_they_are():
    class Casts(Layer):
        def build(self, W, b):
            self.W, self.b = W, b

        def get(self):
            return self.W, self.b

        def forward(self, x):
            return super().forward(x).astype(np.float32)

        def keep(self, dW, db):
            self.dW, self.db = dW, db

    with pytest.raises(TypeError, match="check forward for a cast: its parameters are float64"):
        check_layer(Casts(), X)


# ---- large ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(199, 100), (207, 100), pytest.param((300, 500), marks=pytest.mark.slow)])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: np.asarray(x, float)], ids=["complex", "real"])
def test_wrong_entries_are_found_at_any_size_in_few_evaluations(shape, wrap):
    x, calls = np.random.default_rng(0).standard_normal(shape), []

    def f(x, wrong=()):
        calls.append(1)
        x = wrap(x)
        g = x**3
        for place in wrong:
            g[place] += 1e-3 * np.abs(g).max()
        return (x**4).sum() / 4, g

    assert check_gradient(f, x).ok and len(calls) < 60
    calls.clear()
    report = check_gradient(lambda x: f(x, [(17, 5), (150, 99)]), x)
    assert report.verdict == "WRONG" and report.rows[0].wrong == 2 and len(calls) < 6000, str(report)
    assert f"only 2 of {x.size:,} entries are wrong, at [17, 5], [150, 99]" in report.rows[0].diagnosis


def test_a_gradient_that_is_not_finite_is_told_at_any_size():
    for size in (30, 3000):
        x = np.random.default_rng(0).standard_normal(size)
        report = check_gradient(lambda x: ((x**2).sum(), np.where(np.arange(x.size) == 7, np.nan, 2 * x)), x)
        assert report.verdict == "WRONG" and report.method.startswith("complex step"), str(report)
        assert f"1 of {size:,} entries of the analytic gradient are NaN" in report.worst.diagnosis


@pytest.mark.slow
@pytest.mark.parametrize("words", ["2 x numeric", "transposed", "x < 0"])
def test_what_is_wrong_with_a_large_array_is_told(words):
    x = np.random.default_rng(0).standard_normal((120, 120))
    wrong = {"2 x numeric": lambda g: 2 * g, "transposed": lambda g: g.T, "x < 0": np.abs}[words]
    report = check_gradient(lambda x: ((x**4).sum() / 4, wrong(x.real**3)), x)
    assert report.verdict == "WRONG" and words in report.rows[0].diagnosis, str(report)


# ---- notebooks and tests --------------------------------------------------------------------------------------------


def test_the_error_of_an_assertion_shows_the_table_in_a_notebook():
    with pytest.raises(AssertionError) as caught:
        assert_gradient(lambda x: ((x**2).sum(), x), X)
    assert "<table" in caught.value._repr_html_() and "<b>WRONG" in caught.value._repr_html_()


def test_losses_and_penalties_of_anyone_hold_their_state():
    class Loss:
        def __init__(self):
            self.last = None

        def __call__(self, a, x):
            self.last = a - x
            return (self.last**2).sum() / 2, self.last

    loss = Loss()
    assert check_loss(loss, X, X + 1).ok and loss.last is None

    class Norm:
        def __call__(self, encoder, decoder):
            layer = encoder.layers[0]
            layer.extra = 2 * layer.W
            return (layer.W**2).sum()

    class Inner(Pairs):
        names = ("W", "b", "dW", "db")

        def backward(self, dh):
            dx = super().backward(dh)
            self.dW = self.dW + getattr(self, "extra", 0)
            return dx

    assert check_penalty(Norm(), Inner(), X).ok


# ---- what is easily left out -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "found"])
@pytest.mark.parametrize("zeros", [np.zeros(3, int), [0.0, 0.0, 0.0], [0, 0, 0]], ids=["integers", "list", "numbers"])
def test_a_bias_of_whole_numbers_or_in_a_list_is_checked_too(zeros, declared):
    class Affine:
        def __init__(self, sign):
            self.W, self.b, self.sign = np.random.default_rng(1).standard_normal((4, 3)), zeros, sign
            if declared:
                self.parameters = ("W", "b")

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b

        def backward(self, dh):
            self.dW, self.db = self.x.T @ dh, self.sign * dh.sum(axis=0)
            return dh @ self.W.T

    assert status(check_layer(Affine(1), X)) == {"x": "ok", "W": "ok", "b": "ok"}
    assert status(check_layer(Affine(-1), X)) == {"x": "ok", "W": "ok", "b": "WRONG"}


def test_indices_that_a_layer_keeps_are_no_parameters():
    class Pick:
        def __init__(self):
            self.index, self.dindex = np.array([2, 0, 0]), np.zeros(3)

        def forward(self, x):
            return x[:, self.index]

        def backward(self, dh):
            dx = np.zeros(X.shape)
            np.add.at(dx, (slice(None), self.index), dh)
            return dx

    assert status(check_layer(Pick(), X)) == {"x": "ok"}


def test_a_backward_that_forgets_to_return_is_not_ok():
    class Forgets:
        def __init__(self):
            self.W = np.random.default_rng(1).standard_normal((4, 3))

        def forward(self, x):
            self.x = x
            return x @ self.W

        def backward(self, dh):
            self.dW = self.x.T @ dh

    report = check_layer(Forgets(), X)
    assert report.verdict == "incomplete" and status(report) == {"W": "ok", "x": "not checked"}
    assert "x: backward returned None" in str(report)
    assert check_layer(Forgets(), X, parameters=("W",)).ok


def test_what_is_no_part_is_refused_in_few_words():
    with pytest.raises(TypeError, match=r"got 'squared_error', expected a loss, loss\(a, x\) -> \(value, da\)"):
        check_loss("squared_error", X, X)
    with pytest.raises(TypeError, match=r"got <class .*Layer'>, expected a penalty, penalty\(encoder, decoder\)"):
        check_penalty(Layer, [], X)
    with pytest.raises(TypeError, match=r"got an array of shape \(5, 4\) without forward\(\), expected a layer"):
        check_layer(X, X)
    with pytest.raises(TypeError, match=r"expected a number; for \(value, gradient\) there is check_gradient"):
        numerical_gradient(lambda x: ((x**2).sum(), 2 * x), X)


@pytest.mark.parametrize("name", ["diff", "d", "delta", "g"])
def test_what_a_layer_keeps_beside_its_weight_is_no_gradient_of_it_by_a_name_that_may_be_anything(name):
    class Weighted:
        def __init__(self):
            self.weight = np.random.default_rng(1).uniform(0.5, 2, (5, 4))

        def forward(self, x):
            setattr(self, name, x - 0.1)
            return self.weight * getattr(self, name) ** 2

        def backward(self, dh):
            return 2 * self.weight * getattr(self, name) * dh

    report = check_layer(Weighted(), X)
    assert report.verdict == "incomplete" and report.rows[-1].name == "weight", str(report)


def test_a_gradient_called_grad_is_that_of_the_weight():
    class Scaled:
        def __init__(self):
            self.weight = np.arange(1.0, 5)

        def forward(self, x):
            self.x = x
            return x * self.weight

        def backward(self, dh):
            self.grad = (dh * self.x).sum(axis=0)
            return dh * self.weight

    report = check_layer(Scaled(), X)
    assert report.ok and [row.name for row in report.rows] == ["x", "weight"], str(report)


def test_a_missing_backward_is_told_before_anything_is_tried():
    class Forward:
        def forward(self, x):
            return x @ np.ones((9, 9))

    with pytest.raises(TypeError, match=r"without backward\(\), expected a layer"):
        check_layer(Forward(), X)


def test_a_forward_that_takes_no_positional_array_is_refused_with_its_signature():
    class Nothing:
        def forward(self):
            return X

        def backward(self, dh):
            return dh

    class ByName(Nothing):
        def forward(self, *, x):
            return x

    for layer, words in ((Nothing(), r"forward\(\)"), (ByName(), r"forward\(\*, x\)")):
        with pytest.raises(TypeError, match=rf"forward: got {words} \(.*\), expected forward\(x\) alone"):
            check_layer(layer, X)


def test_what_came_is_described_also_where_it_is_a_list_a_dict_or_will_not_be_shown():
    class Shy:
        def __repr__(self):
            raise RuntimeError

    for result, words in (
        ([1.0, X, X[0]], r"\(1.0, an array of shape \(5, 4\), an array of shape \(4,\)\)"),
        ((1.0,), r"\(1.0,\)"),
        ({"a": X}, r"a dict with the keys \('a',\)"),
        (Shy(), "a Shy"),
    ):
        with pytest.raises(TypeError, match=f"f: got {words}, expected a pair"):
            check_gradient(lambda x, result=result: result, X)


def test_a_row_as_a_dict_keeps_the_shape_and_the_place_as_tuples():
    row = check_gradient(lambda x: ((x**2).sum(), 3 * x), X).to_dict()["rows"][0]
    assert row["shape"] == (5, 4) and isinstance(row["index"], tuple)


def test_a_refused_complex_step_is_refused_for_what_cannot_be_excused():
    def f(p):  # a kink in the array that comes last, which is an excuse, and abs in the first
        b = p["b"] * (p["b"] > 0)
        return np.abs(p["a"]).sum() + b.sum(), {"a": np.sign(p["a"].real), "b": (p["b"] > 0) * 1.0}

    with pytest.raises(ValueError, match="the complex step cannot be used: f takes abs"):
        check_gradient(f, {"a": np.array([0.5, -2.0]), "b": np.array([0.0, 1.0])}, method="complex")
