"""The checker's public face: structures, methods, refusals, kinks, networks, layers, losses, penalties, reports."""

import itertools
import json
import pickle

import numpy as np
import pytest

import npae
import npae.gradcheck as gradcheck
from npae.gradcheck import (
    GradientError,
    assert_gradient,
    check_gradient,
    check_layer,
    check_loss,
    check_network,
    check_penalty,
    numerical_gradient,
    taylor_slope,
)
from npae.objective.activations import Identity, ReLU, Sigmoid, Softplus, Tanh
from npae.objective.contraction import Contractive
from npae.objective.layers import Dense, Stack, Tied
from npae.objective.losses import BernoulliCrossEntropy, SquaredError
from npae.objective.network import Network
from npae.objective.penalties import KLSparsity, L1Sparsity, WeightDecay

X = np.random.default_rng(0).standard_normal((5, 4))


def quartic(x):
    return (x**4).sum() / 4, x**3


def network(*, penalties=(), loss=SquaredError(), dtype=np.float64):
    encoder = [Dense(4, 3, Sigmoid(), rng=0)]
    model = Network(encoder, [Dense(3, 4, Identity(), rng=1)], penalties=penalties, loss=loss)
    model.theta[:] = np.random.default_rng(2).standard_normal(model.theta.size)
    return model.astype(dtype)


# ---- numerical_gradient --------------------------------------------------------------------------------------------


def test_classical_exercise_gives_the_known_norm_ratio():
    n = numerical_gradient(lambda x: x[0] ** 2 + 3 * x[0] * x[1], np.array([4.0, 10.0]), step=1e-4)
    a = np.array([38.0, 12.0])
    assert 1.5e-12 < np.linalg.norm(n - a) / np.linalg.norm(n + a) < 2.5e-12


@pytest.mark.parametrize(("method", "error"), [("complex", 1e-15), ("richardson", 1e-10), ("central", 1e-8)])
def test_numerical_gradient_is_as_accurate_as_its_method(method, error):
    n = numerical_gradient(lambda x: np.exp(x).sum() + (x**3).sum(), X, method=method)
    a = np.exp(X) + 3 * X**2
    assert np.abs(n - a).max() <= error * np.abs(a).max()


def test_numerical_gradient_keeps_the_structure_of_x():
    n = numerical_gradient(lambda p: (p["W"] @ p["b"]).sum(), {"W": X, "b": np.ones(4)}, method="complex")
    assert n["W"].shape == (5, 4)
    np.testing.assert_allclose(n["b"], X.sum(axis=0))
    assert numerical_gradient(lambda x: x**2, 3.0).shape == ()


@pytest.mark.parametrize(
    "f", [lambda x: np.asarray(x, dtype=float).sum(), lambda x: x.real.sum(), lambda x: np.linalg.norm(x)]
)
def test_complex_input_is_never_cast_to_real_silently(f):
    with pytest.raises(TypeError, match="method='central'"):
        numerical_gradient(f, X, method="complex")


@pytest.mark.parametrize("keywords", [{"method": "forward"}, {"step": 0}, {"step": -1.0}, {"step": np.nan}])
def test_numerical_gradient_refuses_what_it_cannot_do(keywords):
    with pytest.raises(ValueError, match="expected"):
        numerical_gradient(np.sum, X, **keywords)


# ---- methods ---------------------------------------------------------------------------------------------------------


def test_auto_takes_the_complex_step_and_says_why():
    report = check_gradient(quartic, X)
    assert report.ok and report.max_error < 1e-15
    assert "complex step, because f accepts complex input and agrees with a real difference" in str(report)


@pytest.mark.parametrize(
    ("f", "why"),
    [
        (lambda x: (np.abs(x).sum(), np.sign(x.real)), "abs"),
        (lambda x: ((x * np.conj(x)).real.sum(), 2 * x), "conjugate"),
        (lambda x: (np.asarray(x, dtype=float).sum(), np.ones(x.shape)), "ComplexWarning"),
        (lambda x: (sum(float(v) for v in x.ravel()), np.ones(x.shape)), "does not survive complex input"),
    ],
)
def test_auto_leaves_the_complex_step_where_it_lies(f, why):
    report = check_gradient(f, X)
    assert report.ok and report.method == "Richardson extrapolation"
    assert why in report.reason
    with pytest.raises(ValueError, match="complex step cannot be used"):
        check_gradient(f, X, method="complex")


def test_complex_step_that_misses_one_entry_of_ten_thousand_is_not_believed():
    def f(x):
        return (x**2).sum() - x[3, 7] ** 2 + np.abs(x[3, 7]) ** 2, 2 * x

    x = np.random.default_rng(1).standard_normal((100, 100))
    report = check_gradient(f, x)
    assert report.ok and "Richardson" in report.method and "f takes abs of complex x" in report.reason


@pytest.mark.parametrize(("method", "error"), [("complex", 1e-15), ("richardson", 1e-9), ("central", 1e-7)])
def test_method_may_be_chosen(method, error):
    report = check_gradient(quartic, X, method=method)
    assert report.ok and report.max_error <= error
    assert method == "complex" or "as asked" in report.reason


@pytest.mark.parametrize("keywords", [{"directions": 3}, {"directions": 4, "method": "central"}])
def test_directions_see_a_wrong_gradient(keywords):
    report = check_gradient(quartic, X, **keywords)
    assert report.ok and report.rows[0].checked == next(iter(keywords.values()))
    report = check_gradient(lambda x: (quartic(x)[0], 2 * x**3), X, **keywords)
    assert report.verdict == "WRONG" and "2 x numeric" in report.rows[0].diagnosis


def test_large_arrays_are_checked_along_directions_and_one_entry_is_seen():
    x = np.random.default_rng(0).standard_normal((200, 150))

    def wrong(x):
        value, g = quartic(x)
        g[17, 5] += 0.01
        return value, g

    report = check_gradient(quartic, x)
    assert report.ok and "30,000 numbers" in report.reason
    assert check_gradient(wrong, x).verdict == "WRONG"


def test_central_difference_is_inconclusive_rather_than_wrong_where_rounding_hides_the_gradient():
    def f(x):
        return 1e8 + 1e-9 * float((x**2).sum()), 2e-9 * x

    report = check_gradient(f, X)
    assert not report.ok and report.verdict == "inconclusive"
    assert "Subtract the constant part" in str(report)


def test_a_given_tolerance_is_never_raised():
    def f(x):
        return 1e4 + float(np.exp(x).sum()), np.exp(x)

    assert check_gradient(f, X).ok
    report = check_gradient(f, X, rtol=1e-14)
    assert not report.ok and report.verdict == "inconclusive"


@pytest.mark.parametrize(
    "keywords",
    [{"method": "magic"}, {"rtol": 0}, {"directions": 0}, {"directions": 1.5}, {"n_samples": 0}],
)
def test_unknown_options_are_refused(keywords):
    with pytest.raises(ValueError, match="expected"):
        check_gradient(quartic, X, **keywords)


# ---- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x", "error", "message"),
    [
        (quartic, X.astype(np.float32), TypeError, "astype"),
        (quartic, X + 0j, TypeError, "expected real numbers; the checker takes the complex steps itself"),
        (quartic, np.array(["a"]), TypeError, "expected real numbers"),
        (quartic, np.array([1.0, np.nan]), ValueError, "NaN"),
        (quartic, np.empty((0, 3)), ValueError, "at least one number"),
        (lambda x: (x**2).sum(), X, TypeError, "numerical_gradient"),
        (lambda x: (x**2, 2 * x), X, ValueError, "scalar"),
        (lambda x: (np.nan, 2 * x), X, ValueError, "finite"),
        (lambda x: (x.sum().astype(np.float32), 2 * x), X, TypeError, "float64"),
        (lambda x: ((x**2).sum(), (2 * x).astype(np.float32)), X, TypeError, "float64"),
        (lambda x: ((x**2).sum(), 2j * x), X, TypeError, "real"),
        (lambda x: ((x**2).sum(), 2 * x.T), X, ValueError, "transposed"),
        (lambda x: ((x**2).sum(), 2 * x.ravel()), X, ValueError, "reshape"),
        (lambda x: ((x**2).sum(), None), X, ValueError, "expected an array"),
        (lambda x: ((x**2).sum(), {"x": x}), X, ValueError, "expected an array"),
        (lambda p: ((p["W"] ** 2).sum(), {"V": p["W"]}), {"W": X}, ValueError, "keys of x"),
        (lambda p: ((p["W"] ** 2).sum(), p["W"]), {"W": X}, ValueError, "keys of x"),
        (lambda p: ((p[0] ** 2).sum(), [p[0], p[0]]), [X], ValueError, "list of 1"),
        (lambda x: ((x**2).sum(), np.stack([x, x])), X, ValueError, "one gradient per sample"),
    ],
)
def test_what_does_not_fit_is_refused_with_advice(f, x, error, message):
    with pytest.raises(error, match=message):
        check_gradient(f, x)


def test_random_function_is_named_and_told_how_to_pass_its_noise():
    rng = np.random.default_rng(0)

    def f(x):
        noisy = x + 0.1 * rng.standard_normal(x.shape)
        return (noisy**2).sum(), 2 * noisy

    with pytest.raises(ValueError, match=r"not deterministic.*lambda x: f\(x, noise\)"):
        check_gradient(f, X)


def test_gradient_that_accumulates_between_calls_is_named():
    total = np.zeros_like(X)

    def f(x):
        total[...] += 2 * x
        return (x**2).sum(), total

    with pytest.raises(ValueError, match="set that to zero"):
        check_gradient(f, X)


def test_function_that_changes_its_input_is_named():
    def f(p):
        p["W"] -= 1
        return (p["W"] ** 2).sum(), {"W": 2 * p["W"], "b": 0 * p["b"]}

    with pytest.raises(ValueError, match="its input W changed in place"):
        check_gradient(f, {"W": X, "b": np.ones(2)})


def test_check_leaves_the_callers_arrays_alone():
    x = X.copy()
    check_gradient(quartic, x)
    numerical_gradient(lambda x: (x**2).sum(), x)
    np.testing.assert_array_equal(x, X)


# ---- kinks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("complex_too", [True, False])
def test_kinks_are_counted_apart(complex_too):
    def f(x):
        if not complex_too and np.iscomplexobj(x):
            raise TypeError
        return (x * np.sign(x.real)).sum() + (x**2).sum(), np.sign(x.real) + 2 * x

    x = np.array([[1.0, 0.0, -2.0], [0.5, 0.0, 3.0]])
    report = check_gradient(f, x)
    assert report.ok and report.kinks == 2 and report.rows[0].checked == 4
    assert "2 not differentiable here, at [0, 1], [1, 1]" in str(report)
    wrong = check_gradient(lambda x: (f(x)[0], 1.001 * f(x)[1]), x)
    assert wrong.verdict == "WRONG" and wrong.kinks == 2


@pytest.mark.parametrize("method", ["central", "richardson", "complex"])
def test_every_method_sees_the_kink_of_relu_at_zero(method):
    report = check_gradient(
        lambda x: ((x * (x.real > 0)).sum(), (x.real > 0) * 1.0), np.array([0.0, 1, -1]), method=method
    )
    assert report.kinks == 1 and report.ok


def test_nothing_but_kinks_is_not_a_proof():
    report = check_gradient(lambda x: (np.abs(x).sum(), np.sign(x.real)), np.zeros(3))
    assert not report.ok and report.kinks == 3 and report.rows[0].status == "not differentiable"


def test_relu_network_with_units_exactly_at_zero():
    model = Network([Dense(4, 3, ReLU(), rng=0)], [Dense(3, 4, Identity(), rng=1)])
    x = X.copy()
    x[0] = 0  # biases are zero: a = 0 for this sample
    report = check_network(model, x, X)
    assert report.ok and [row.kinks for row in report.rows] == [0, 3, 0, 0]


# ---- networks, layers, losses, penalties ---------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [SquaredError(), BernoulliCrossEntropy()])
def test_network_is_checked_by_named_arrays_and_left_alone(loss):
    model = network(penalties=[Contractive(0.3), KLSparsity(0.2, 0.1), WeightDecay(0.1), L1Sparsity(0.1)], loss=loss)
    theta, target = model.theta.copy(), np.random.default_rng(1).random((5, 4))
    model.value_and_grad(X, target)
    grad = model.grad.copy()
    report = check_network(model, X, target)
    assert report.ok and report.max_error < 1e-13
    assert [row.name for row in report.rows] == ["encoder.0.W", "encoder.0.b", "decoder.0.W", "decoder.0.b"]
    assert report.rows[0].shape == (4, 3)
    np.testing.assert_array_equal(model.theta, theta)
    np.testing.assert_array_equal(model.grad, grad)


@pytest.mark.parametrize("keywords", [{"directions": 2}, {"method": "richardson"}, {"method": "central"}])
def test_network_by_other_methods(keywords):
    assert check_network(network(penalties=[Contractive(0.3)]), X, **keywords).ok


def test_float32_network_is_refused_with_advice():
    with pytest.raises(TypeError, match=r"network.astype\(np.float64\)"):
        check_network(network(dtype=np.float32), X)


class DenseWithoutMean(Dense):
    """A planted bug: db is the mean over the batch."""

    def backward(self, dh, *args, **kwargs):
        dx = super().backward(dh, *args, **kwargs)
        self.db /= len(self.x)
        return dx


def test_wrong_layer_inside_a_network_is_named():
    model = Network([DenseWithoutMean(4, 3, Tanh(), rng=0)], [Dense(3, 4, rng=1)])
    report = check_network(model, X)
    assert report.worst.name == "encoder.0.b" and "7" not in report.worst.diagnosis
    assert "numeric / 5, and 5 is the batch size N" in report.worst.diagnosis
    assert "only biases are wrong" in report.diagnosis


@pytest.mark.parametrize(
    "layer",
    [
        Dense(4, 3, Softplus(), rng=0),
        Tied(Dense(3, 4, rng=0), Tanh()),
        Stack([Dense(4, 3, Tanh(), rng=0), Dense(3, 2, Sigmoid(), rng=1)]),
    ],
)
def test_the_package_own_layers_pass(layer):
    report = check_layer(layer, X)
    assert report.ok and report.rows[0].name == "x" and len(report.rows) >= 2


class Student:
    """A layer as a student writes it: caches, gradients that are added to, names of their own."""

    def __init__(self, bug=""):
        rng = np.random.default_rng(0)
        self.bug = bug
        self.W, self.b = rng.standard_normal((4, 3)), rng.standard_normal(3)
        self.dW, self.db = np.zeros((4, 3)), np.zeros(3)
        self.name = "mine"

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ self.W + self.b)
        return self.h

    def backward(self, dh):
        self.dh = dh
        da = dh * (1 - self.h**2) if self.bug != "slope" else dh * self.h * (1 - self.h)
        self.dW += self.x.T @ da
        self.db += da.sum() if self.bug == "axis" else da.sum(axis=0)
        self.dx = da @ self.W.T
        return None if self.bug == "no dx" else self.dx


def test_students_layer_is_found_checked_and_left_alone():
    layer = Student()
    report = check_layer(layer, X)
    assert report.ok and [row.name for row in report.rows] == ["x", "W", "b"]
    assert not layer.dW.any() and not hasattr(layer, "x")


def test_students_layer_may_have_been_used_before():
    layer = Student()
    layer.forward(X)
    layer.backward(np.ones((5, 3)))
    report = check_layer(layer, X)
    assert report.ok and [row.name for row in report.rows] == ["x", "W", "b"]


@pytest.mark.parametrize(
    ("bug", "rows"), [("slope", {"x", "W", "b"}), ("axis", {"b"}), ("no dx", set())], ids=["slope", "axis", "no dx"]
)
def test_students_bug_is_found(bug, rows):
    report = check_layer(Student(bug), X, parameters=("W", "b"))
    assert {row.name for row in report.rows if row.status == "WRONG"} == rows
    assert [row.name for row in report.rows] == ["W", "b"] if bug == "no dx" else ["x", "W", "b"]
    if bug == "axis":
        assert "summed over axis and repeated" in report.worst.diagnosis


def test_layer_that_is_none_and_parameter_without_gradient_are_refused():
    with pytest.raises(TypeError, match="without backward"):
        check_layer(type("Half", (), {"forward": lambda self, x: x})(), X)
    with pytest.raises(ValueError, match="dV"):
        check_layer(Student(), X, parameters=("V",))
    float32 = Student()
    float32.W = float32.W.astype(np.float32)
    with pytest.raises(TypeError, match="float32"):
        check_layer(float32, X)


@pytest.mark.parametrize("loss", [SquaredError(), BernoulliCrossEntropy()])
def test_losses_pass_and_a_loss_without_its_mean_is_diagnosed(loss):
    x = np.random.default_rng(1).random(X.shape)
    assert check_loss(loss, X, x).ok
    report = check_loss(lambda a, x: (loss(a, x)[0], 5 * loss(a, x)[1]), X, x)
    assert "5 is the batch size N" in report.worst.diagnosis


@pytest.mark.parametrize("penalty", [WeightDecay(0.2), L1Sparsity(0.2), KLSparsity(0.2, 0.1), Contractive(0.2)])
def test_penalties_pass_alone_on_a_deep_encoder(penalty):
    encoder = Stack([Dense(4, 3, Softplus(), rng=0), Dense(3, 2, Sigmoid(), rng=1)])
    report = check_penalty(penalty, encoder, X)
    assert report.ok and [row.name for row in report.rows] == ["0.W", "0.b", "1.W", "1.b"]


def test_half_a_penalty_is_diagnosed_though_a_network_dilutes_it():
    def half(encoder, decoder):
        return 2 * Contractive(0.2)(encoder, decoder)

    report = check_penalty(half, Stack([Dense(4, 3, Sigmoid(), rng=0)]), X)
    assert all("numeric / 2" in row.diagnosis for row in report.rows)


# ---- the Taylor test -------------------------------------------------------------------------------------------------


def test_taylor_slope_is_two_for_a_right_gradient_and_one_for_a_wrong_one():
    steps, remainders, slope = taylor_slope(quartic, X)
    assert steps.shape == remainders.shape == (41,) and abs(slope - 2) < 0.05
    assert abs(taylor_slope(lambda x: (quartic(x)[0], 1.001 * x**3), X)[2] - 1) < 0.05
    assert (
        abs(taylor_slope(lambda p: (quartic(p["x"])[0], {"x": p["x"] ** 3}), {"x": X}, {"x": np.ones_like(X)})[2] - 2)
        < 0.05
    )
    assert taylor_slope(lambda x: (x.sum(), np.ones_like(x)), X)[2] == np.inf


def test_taylor_slope_refuses_a_direction_that_does_not_fit():
    with pytest.raises(ValueError, match="direction"):
        taylor_slope(quartic, X, np.ones(3))


# ---- reports ---------------------------------------------------------------------------------------------------------


def test_assert_gradient_raises_a_text_to_act_on_and_carries_the_report():
    assert assert_gradient(quartic, X).ok
    with pytest.raises(
        AssertionError, match="analytic = 2 x numeric: a factor 1/2 of the value is forgotten"
    ) as caught:
        assert_gradient(lambda x: (quartic(x)[0], 2 * x**3), X)
    assert isinstance(caught.value, GradientError) and not caught.value.report.ok
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_report_names_formula_method_worst_coordinate_and_ratio():
    def f(p):
        g = {"W": p["W"] ** 3, "b": p["b"] * 1.0}
        g["W"][2, 1] *= 3
        return (p["W"] ** 4).sum() / 4 + (p["b"] ** 2).sum() / 2, g

    report = check_gradient(f, {"W": X, "b": np.arange(3)})
    assert not report and report.worst.name == "W" and report.worst.index == (2, 1)
    assert report.worst.ratio == pytest.approx(3) and report.max_error == report.worst.error
    assert report.worst.wrong == 1 and report.rows[1].status == "ok"
    text = str(report)
    assert "relative error = max|analytic - numeric| / max(max|analytic|, max|numeric|)" in text
    assert "WRONG (1 of 20)" in text and "[2, 1]" in text
    assert all(len(line) < 200 for line in text.splitlines())


def test_report_as_html_and_json():
    report = check_gradient(lambda p: ((p["<W>"] ** 2).sum(), {"<W>": p["<W>"] * np.nan}), {"<W>": X})
    page = report._repr_html_()
    assert "<table>" in page and "&lt;W&gt;" in page and "<W>" not in page
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["verdict"] == "WRONG"


def test_everything_public_is_documented():
    assert all(getattr(gradcheck, name).__doc__ for name in gradcheck.__all__)


def test_taylor_slope_of_what_is_not_finite_is_nan():
    assert np.isnan(taylor_slope(lambda x: ((x**2).sum(), np.full(3, np.nan)), np.ones(3))[2])
    assert np.isnan(taylor_slope(lambda x: ((x**2).sum() if (x == 1).all() else np.nan, 0 * x), np.ones(3))[2])


def test_taylor_slope_takes_the_direction_by_its_keys():
    x = {"a": np.ones(2), "b": np.array(2.0)}

    def f(d):
        return (d["a"] ** 4).sum() + 100 * d["b"] ** 3, {"a": 4 * d["a"] ** 3, "b": 300 * d["b"] ** 2}

    one = taylor_slope(f, x, {"a": np.zeros(2), "b": np.array(1.0)})[1]
    other = taylor_slope(f, x, {"b": np.array(1.0), "a": np.zeros(2)})[1]
    np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="direction"):
        taylor_slope(lambda x: ((x**2).sum(), 2 * x), np.ones((3, 4)), np.ones((4, 3)))


@pytest.mark.parametrize("penalty", [WeightDecay(0.1), Contractive(0.3), L1Sparsity(0.1)])
def test_a_penalty_is_checked_on_a_layer_and_on_a_list_of_layers(penalty, rng):
    layer, x = Dense(4, 3, Sigmoid(), rng=0), rng.normal(size=(5, 4))
    assert check_penalty(penalty, layer, x).ok and check_penalty(penalty, [layer], x).ok


def test_a_penalty_that_refuses_an_encoder_refuses_it_here_too(rng):
    with pytest.raises(ValueError, match="TopK"):
        check_penalty(Contractive(1.0), Stack([Dense(4, 3, npae.TopK(1))]), rng.normal(size=(5, 4)))


@pytest.mark.parametrize("method", ["auto", "central"])
def test_at_the_edge_of_a_domain_the_slope_of_one_side_counts(method):
    edge = np.array([0.0, 1.0])
    assert check_gradient(lambda x: ((np.sqrt(x) * x).sum(), 1.5 * np.sqrt(x)), edge, method=method).ok
    report = check_gradient(lambda x: ((np.sqrt(x) * x).sum(), 1.5 * np.sqrt(x) + 0.01), edge, method=method)
    assert report.verdict == "WRONG", str(report)


def test_a_report_of_zeros_can_be_drawn():
    figure = check_gradient(lambda x: (0 * x.sum(), 0 * x), np.ones(3)).plot()
    figure.draw_without_rendering()
    assert figure.axes[0].get_xlim()[1] > 1


def test_an_estimator_is_told_from_its_network():
    with pytest.raises(TypeError, match="network_"):
        check_network(npae.Autoencoder(2), np.ones((3, 4)))


def small_network(seed, scale, n_layers, softmax):
    """Return (f, x) of a right ReLU network with zero biases; its kinks are nearer than the steps of a difference."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((5, 4)), rng.integers(0, 3, 5)  # never as many of each class
    sizes = [4, *[6] * (n_layers - 1), 3]
    point = {f"W{i}": scale * rng.standard_normal(shape) for i, shape in enumerate(itertools.pairwise(sizes))}
    point |= {f"b{i}": np.zeros(size) for i, size in enumerate(sizes[1:])}

    def f(p):
        hs = [X]
        for i in range(n_layers - 1):
            a = hs[-1] @ p[f"W{i}"] + p[f"b{i}"]
            hs.append(a * (a.real > 0))
        z = hs[-1] @ p[f"W{n_layers - 1}"] + p[f"b{n_layers - 1}"]
        q, one_hot = np.exp(z - z.real.max(axis=1, keepdims=True)), np.eye(3)[y]
        q = q / q.sum(axis=1, keepdims=True)
        J = -np.log(q[np.arange(5), y]).mean() if softmax else 0.5 * ((z - one_hot) ** 2).sum() / 5
        d, gradient = ((q if softmax else z) - one_hot) / 5, {}
        for i in reversed(range(n_layers)):
            gradient |= {f"W{i}": hs[i].T @ d, f"b{i}": d.sum(axis=0)}
            d = d @ p[f"W{i}"].T * (hs[i].real > 0)
        return J, gradient

    return f, point


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize(("n_layers", "scale"), [(2, 1e-4), (2, 1e-6), (4, 0.01), (5, 0.01), (6, 0.01)])
def test_kinks_near_the_point_make_no_right_network_wrong(n_layers, scale, softmax):
    for seed in range(20):
        report = check_gradient(*small_network(seed, scale, n_layers, softmax))
        assert report.ok, f"seed {seed}\n{report}"


def test_a_wrong_network_with_kinks_near_the_point_is_wrong():
    f, point = small_network(0, 0.01, 5, True)
    report = check_gradient(lambda p: (f(p)[0], f(p)[1] | {"W1": 1.001 * f(p)[1]["W1"]}), point)
    assert report.verdict == "WRONG" and report.worst.name == "W1"


def test_a_real_part_that_loses_a_derivative_is_seen():
    def f(x):
        return (x * x.real).sum(), x.real  # right: 2 x; the complex step alone agrees with x

    assert check_gradient(f, np.array([1.3, -0.4, 2.0])).verdict == "WRONG"
