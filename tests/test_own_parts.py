"""Parts written with the mathematics alone stand wherever the package's own stand, and broken ones are named."""

import copy
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

import npae
from npae import (
    Autoencoder,
    Contractive,
    Dense,
    GaussianNoise,
    KLSparsity,
    L1Sparsity,
    Network,
    Sigmoid,
    Stack,
    Tanh,
    Tied,
    WeightDecay,
)
from npae.gradcheck import check_layer, check_loss, check_network, check_penalty
from npae.objective.user_defined import locked
from npae.training.run import _corrupter

RTOL = 1e-12


# -- three layers (and a fourth from scratch that a contraction accepts) -------------------------------------------


class MyDense(Dense):
    """The exercise of every course: Dense again, with a forward and a backward of one's own."""

    def forward(self, x):
        self.x, self.h = x, self.activation(x @ self.W + self.b)
        return self.h

    def backward(self, dh):
        da = dh * self.activation.dphi(self.h)
        self.dW, self.db = self.x.T @ da, da.sum(axis=0)
        return da @ self.W.T


class Scale:
    """h = x * s."""

    parameters = ("s",)

    def __init__(self, n):
        self.n_in, self.n_out, self.s = n, n, np.linspace(0.5, 1.5, n)

    def forward(self, x):
        self.x = x
        return x * self.s

    def backward(self, dh):
        self.ds = (dh * self.x).sum(axis=0)
        return dh * self.s


class Residual:
    """h = x + tanh(x V) U, gradients added into arrays that are there; no attribute of Dense's names."""

    parameters = ("V", "U")

    def __init__(self, n, k, rng):
        rng = np.random.default_rng(rng)
        self.n_in, self.n_out = n, n
        self.V, self.U = rng.normal(size=(n, k)), rng.normal(size=(k, n))
        self.dV, self.dU = np.zeros((n, k)), np.zeros((k, n))

    def forward(self, x):
        self.cache = x, np.tanh(x @ self.V)
        return x + self.cache[1] @ self.U

    def backward(self, dh):
        x, t = self.cache
        self.dU += t.T @ dh
        dt = dh @ self.U.T * (1 - t * t)
        self.dV += x.T @ dt
        return dh + dt @ self.V.T


class FromScratch:
    """h = phi(x W + b), from nothing."""

    parameters = ("W", "b")

    def __init__(self, n_in, n_out, activation, rng):
        self.n_in, self.n_out, self.activation = n_in, n_out, activation
        self.W, self.b = np.random.default_rng(rng).normal(size=(n_in, n_out)), np.full(n_out, 0.1)

    def forward(self, x):
        self.x = x
        self.h = self.activation(x @ self.W + self.b)
        return self.h

    def backward(self, dh):
        da = dh * self.activation.dphi(self.h)
        self.dW = self.x.T @ da
        self.db = da.sum(axis=0)
        return da @ self.W.T


# -- two losses, three penalties, two activations, a corruption, an optimizer --------------------------------------


class LogCosh:
    """sum_d log cosh(a_d - x_d)."""

    def __call__(self, a, x):
        return np.log(np.cosh(a - x)).sum() / len(a), np.tanh(a - x) / len(a)


def quartic(a, x):
    """1/4 sum_d (a_d - x_d)^4, a loss that is a function."""
    return ((a - x) ** 4).sum() / (4 * len(a)), (a - x) ** 3 / len(a)


class Decorrelation:
    """lam/2 sum_{i != j} C_ij^2 with C = h^T h / N; dh = 2 lam / N h C_off."""

    def __init__(self, lam):
        self.lam = lam

    def __call__(self, encoder, decoder):
        h = encoder.h
        C = h.T @ h / len(h)
        C[np.diag_indices(len(C))] = 0
        encoder.layers[-1].pending.add("dh", 2 * self.lam / len(h) * (h @ C))
        return self.lam / 2 * (C * C).sum()


class Orthogonal:
    """||W^T W - I||_F^2 of every layer with a W of its own; dW = 4 W (W^T W - I)."""

    def __call__(self, encoder, decoder):
        value = 0.0
        for layer in [*encoder.layers, *(decoder.layers if decoder else ())]:
            if "W" in layer.parameters:
                E = layer.W.T @ layer.W - np.eye(layer.n_out, dtype=layer.W.dtype)
                layer.pending.add("dW", 4 * layer.W @ E)
                value = value + (E * E).sum()
        return value


def small_biases(encoder, decoder):
    """1/2 ||b||^2 of the code layer, a penalty that is a function."""
    layer = encoder.layers[-1]
    layer.pending.add("db", layer.b.copy())
    return (layer.b * layer.b).sum() / 2


class ArcSinh:
    """phi' = 1 / cosh h, phi'' = -sinh h / cosh^3 h."""

    def __call__(self, a):
        return np.arcsinh(a)

    def dphi(self, h):
        return 1 / np.cosh(h)

    def ddphi(self, h):
        return -np.sinh(h) / np.cosh(h) ** 3


class Exp:
    """phi = exp, whose derivatives are h itself."""

    range = (0.0, np.inf)

    def __call__(self, a):
        return np.exp(a)

    def dphi(self, h):
        return h

    ddphi = dphi


class Dimming:
    """Every image loses up to half of its light."""

    def corrupt(self, x, rng):
        return x * np.random.default_rng(rng).uniform(0.5, 1, (len(x), 1)).astype(x.dtype)


class HeavyBall:
    """v = 0.9 v - lr g, theta += v."""

    def __init__(self, lr):
        self.lr = lr

    def start(self, theta):
        v = np.zeros_like(theta)

        def step(grad):
            v[:] = 0.9 * v - self.lr * grad
            theta[:] += v

        return step


def kind(part):
    """A test id."""
    return type(part).__name__


BOTTLENECKS = {  # encoder and decoder around one's own parts, 6 -> 4 -> 6
    "own dense": lambda: ([MyDense(6, 4, Tanh(), rng=0)], [MyDense(4, 6, rng=1)]),
    "from scratch": lambda: ([FromScratch(6, 4, Sigmoid(), 0)], [FromScratch(4, 6, Tanh(), 1)]),
    "scaled": lambda: ([Scale(6), Dense(6, 4, Sigmoid(), rng=0), Scale(4)], [Scale(4), Dense(4, 6, rng=1), Scale(6)]),
    "residual": lambda: ([Residual(6, 3, 0), Dense(6, 4, Tanh(), rng=0)], [Dense(4, 6, rng=1), Residual(6, 2, 1)]),
    "arcsinh": lambda: ([Dense(6, 4, ArcSinh(), rng=0)], [Dense(4, 6, ArcSinh(), rng=1)]),
    "exp": lambda: ([Dense(6, 4, Exp(), rng=0)], [Dense(4, 6, rng=1)]),
    "own activation in an own layer": lambda: ([MyDense(6, 4, ArcSinh(), rng=0)], [Dense(4, 6, rng=1)]),
}
LOSSES = {"squared": npae.SquaredError(), "log cosh": LogCosh(), "quartic": quartic}
PENALTIES = {
    "none": [],
    "decorrelation": [Decorrelation(0.3)],
    "orthogonal, decay": [Orthogonal(), WeightDecay(0.1), L1Sparsity(0.2)],
}


def unit_scale(network, rng=0):
    network.theta = np.random.default_rng(rng).uniform(-1, 1, network.theta.size)
    return network


def build(bottleneck, loss="squared", penalties="none"):
    encoder, decoder = BOTTLENECKS[bottleneck]()
    return unit_scale(Network(encoder, decoder, loss=LOSSES[loss], penalties=PENALTIES[penalties]))


@pytest.fixture
def x(rng):
    return rng.uniform(-1, 1, (5, 6))


def assert_right(network, x):
    report = check_network(network, x, method="complex", rtol=RTOL)
    assert report.ok, str(report)


@pytest.mark.parametrize("penalties", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("bottleneck", BOTTLENECKS)
def test_networks_of_own_parts_have_right_gradients(bottleneck, loss, penalties, x):
    assert_right(build(bottleneck, loss, penalties), x)


@pytest.mark.parametrize("layer", [MyDense(6, 4, Tanh(), rng=0), Scale(6), Residual(6, 3, 0)], ids=kind)
def test_own_layers_pass_the_layer_check(layer, x):
    assert check_layer(layer, x, rtol=RTOL).ok


def test_own_losses_and_penalties_pass_their_checks(x, rng):
    for loss in (LogCosh(), quartic):
        assert check_loss(loss, rng.normal(size=x.shape), x, rtol=RTOL).ok
    for penalty in (Decorrelation(0.3), Orthogonal(), small_biases):
        encoder = Stack([Dense(6, 5, Tanh(), rng=0), MyDense(5, 4, Sigmoid(), rng=1)])
        for layer in encoder.layers:
            layer.b[:] = rng.uniform(-1, 1, layer.n_out)
        assert check_penalty(penalty, encoder, x, rtol=RTOL).ok


@pytest.mark.parametrize("bottleneck", ["own dense", "from scratch", "arcsinh", "exp"])
@pytest.mark.parametrize("tied", [False, True])
def test_own_layers_and_activations_are_contracted_exactly(bottleneck, tied, x):
    encoder, decoder = BOTTLENECKS[bottleneck]()
    if tied and isinstance(encoder[0], Dense):
        decoder = [Tied(encoder[0], Tanh())]
    network = unit_scale(Network(encoder, decoder, penalties=[Contractive(0.3), WeightDecay(0.2), small_biases]))
    assert_right(network, x)
    h = network.encode(x)
    layer = network.encoder.layers[0]
    expected = 0.3 / len(x) * (layer.activation.dphi(h) ** 2 @ (layer.W**2).sum(axis=0)).sum()
    decay = 0.1 * sum((a**2).sum() for name, a in network.parameters.items() if name.endswith("W"))
    loss = npae.SquaredError()(network.decoder(h), x)[0]
    assert network.value(x) == pytest.approx(loss + expected + decay + (layer.b**2).sum() / 2, rel=1e-12)


def test_an_own_layer_beside_contracted_and_tied_ones(x):
    """An own hidden layer in a contracted deep encoder, its neighbours tied, an own layer behind."""
    first, own, code = Dense(6, 5, Tanh(), rng=0), MyDense(5, 4, ArcSinh(), rng=1), Dense(4, 3, Sigmoid(), rng=2)
    decoder = [Tied(code, Tanh()), Tied(own, Tanh()), Tied(first), Scale(6)]
    penalties = [Contractive(0.2), KLSparsity(0.3, 0.2), Decorrelation(0.1)]
    network = Network([first, own, code], decoder, penalties=penalties)
    assert_right(unit_scale(network), x)


def test_a_layer_whose_jacobian_is_not_known_is_refused_by_name():
    with pytest.raises(ValueError, match=r"Contractive: got <.*Scale object.* in the encoder, expected Dense layers"):
        Network([Scale(6)], [Dense(6, 6)], penalties=[Contractive(0.1)])

    class Doubled(MyDense):
        def forward(self, x):
            self.x, self.h = x, self.activation(2 * x @ self.W + self.b)
            return self.h

    with pytest.raises(ValueError, match=r"Contractive: got Doubled\(6, 4, .* expected h = phi\(x W \+ b\), kept"):
        Network([Doubled(6, 4, Tanh(), rng=0)], [Dense(4, 6)], penalties=[Contractive(0.1)])

    class Flat:
        def __call__(self, a):
            return np.tanh(a)

        def dphi(self, h):
            return 1 - h * h

    with pytest.raises(ValueError, match=r"Contractive: got .*Flat object.* without ddphi\(h\)"):
        Network([Dense(6, 4, Flat())], [Dense(4, 6)], penalties=[Contractive(0.1)])


# -- training, copies, files ---------------------------------------------------------------------------------------


@pytest.fixture
def X(rng):
    return rng.random((60, 6))


def own_estimator(**changes):
    parts = {
        "activation": ArcSinh(), "loss": LogCosh(), "penalties": [Decorrelation(0.1), Orthogonal(), small_biases],
        "corruption": Dimming(), "optimizer": HeavyBall(0.01), "max_iter": 8, "batch_size": 16, "random_state": 0,
    }  # fmt: skip
    return Autoencoder(3, **(parts | changes))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_estimator_trains_with_every_part_of_ones_own(dtype, X):
    model = own_estimator().fit(X.astype(dtype))
    assert model.network_.theta.dtype == dtype
    assert model.loss_curve_[-1] < 0.7 * model.loss_curve_[0]
    assert model.reconstruct(X).shape == X.shape and np.isfinite(model.score(X))
    assert model.score(X) == pytest.approx(-LogCosh()(model.network_.decoder(model.transform(X)), X)[0], rel=1e-5)


def test_early_stopping_watches_an_own_loss(X):
    model = own_estimator(early_stopping=True, n_iter_no_change=2, max_iter=300, tol=0.1).fit(X)
    assert len(model.history_["validation_loss"]) == model.n_iter_ < 300


def test_deep_estimators_with_own_parts_train_tied(X):
    model = own_estimator(hidden_layer_sizes=(5,), tied=True, penalties=[Contractive(0.1), Decorrelation(0.1)]).fit(X)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert check_network(unit_scale(model.network_), X[:5], method="complex", rtol=RTOL).ok


def test_lbfgs_minimizes_what_own_parts_make(X):
    network = build("residual", "log cosh", "orthogonal, decay")
    before = network.value(X)
    result = npae.lbfgs(network, X, max_iter=60)
    assert result.value < 0.5 * before and network.value(X) == result.value
    linear = Network([MyDense(6, 2, rng=0)], [MyDense(2, 6, rng=1)])
    assert npae.lbfgs(linear, X, max_iter=500, gtol=1e-7).max_gradient < 1e-5


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
@pytest.mark.parametrize("bottleneck", ["own dense", "scaled", "residual", "arcsinh"])
def test_copies_and_pickles_are_independent_and_equal(bottleneck, again, x):
    network = build(bottleneck, "log cosh", "decorrelation")
    value = network.value_and_grad(x)
    twin = again(network)
    assert twin.value_and_grad(x) == value and np.array_equal(twin.grad, network.grad)
    twin.theta[:] = 0
    assert network.value_and_grad(x) == value


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copied_estimator_goes_on_by_itself(again, X):
    model = own_estimator(max_iter=2).fit(X)
    twin, theta = again(model), model.network_.theta.copy()
    for _ in range(5):
        twin.partial_fit(X)
    assert np.array_equal(model.network_.theta, theta) and not np.array_equal(twin.network_.theta, theta)
    assert twin.loss_curve_[-1] < twin.loss_curve_[0]


def test_save_says_which_part_is_not_the_packages_and_what_to_do(X, tmp_path):
    for name, value in (("loss", LogCosh()), ("activation", ArcSinh()), ("penalties", [quartic_penalty])):
        parts = {"loss": "squared_error", "activation": "tanh", "penalties": [], "corruption": None, "optimizer": None}
        model = own_estimator(**(parts | {name: value})).fit(X)
        with pytest.raises(TypeError, match=rf"save: got {name}=.*a user-defined part.*Pickle the estimator"):
            model.save(tmp_path / "m.npz")
        assert not list(tmp_path.iterdir())


def quartic_penalty(encoder, decoder):
    h = encoder.h
    encoder.layers[-1].pending.add("dh", h**3 / len(h))
    return (h**4).sum() / (4 * len(h))


def test_inference_leaves_an_own_layer_as_it_was(x):
    network = build("residual")
    network.value_and_grad(x)
    kept = network.encoder.layers[0].cache[0]
    network.reconstruct(x[:2])
    assert network.encoder.layers[0].cache[0] is kept


@pytest.mark.parametrize("part", ["layer", "loss", "penalty", "activation"])
def test_a_part_that_refuses_random_samples_is_not_refused_for_that(part, x):
    """What a part raises by itself, for five random samples, is no breach of its contract: training will tell."""

    def refuse(array):
        if array.shape[0] == 5 and not np.array_equal(array[:, :1], x[:, :1]) and array.shape[1] != 1:
            raise RuntimeError("not these samples")

    class Layer(Scale):
        def forward(self, x):
            refuse(x)
            return super().forward(x)

    def loss(a, target):
        refuse(target)
        return quartic(a, target)

    def penalty(encoder, decoder):
        refuse(encoder.x)
        return 0.0

    class Phi(ArcSinh):
        def __call__(self, a):
            if len(a) == 5 and np.abs(a).max() > 2:
                raise RuntimeError("not these samples")
            return super().__call__(a)

    encoder = [Layer(6)] if part == "layer" else [Dense(6, 6, Phi() if part == "activation" else Tanh(), rng=0)]
    network = Network(
        encoder, [Dense(6, 6, rng=1)], loss=loss if part == "loss" else npae.SquaredError(),
        penalties=[penalty] if part == "penalty" else [],
    )  # fmt: skip
    assert np.isfinite(network.value_and_grad(x))


def test_building_a_network_leaves_the_state_of_its_parts_alone(x):
    class Counting(MyDense):
        n = 0

        def forward(self, x):
            self.n += 1
            return super().forward(x)

    layer = Counting(6, 4, Tanh(), rng=0)
    network = Network([layer], [Dense(4, 6, rng=1)])
    assert layer.n == 0
    network.value_and_grad(x)
    assert layer.n == 1


def test_weights_assigned_between_steps_count(x):
    network = build("from scratch")
    network.encoder.layers[0].W = np.ones((6, 4))
    network.value_and_grad(x)
    assert np.shares_memory(network.encoder.layers[0].W, network.theta)
    assert np.shares_memory(network.encoder.layers[0].dW, network.grad)
    assert_right(network, x)


# -- parts that break their contract -------------------------------------------------------------------------------


class Broken(MyDense):
    """MyDense with one thing wrong."""

    def __init__(self, what):
        super().__init__(6, 4, Tanh(), rng=0)
        self.what = what

    def forward(self, x):
        if self.what == "x":
            x *= 2
        h = super().forward(x)
        return {"h": h[:, :3], "dtype": h.astype(np.float32)}.get(self.what, h)

    def backward(self, dh):
        dx = super().backward(dh)
        if self.what == "dW":
            self.dW = self.dW.T
        return {"dx": dx[:3], "none": None}.get(self.what, dx)


class Forgetful(MyDense):
    """A backward without db."""

    def backward(self, dh):
        da = dh * self.activation.dphi(self.h)
        self.dW = self.x.T @ da
        return da @ self.W.T


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Broken("h"), r"forward\(x\): got an array of shape \(5, 3\), expected one of shape \(5, 4\)"),
        (Broken("dtype"), r"forward\(x\): got an array of dtype float32, expected float64"),
        (Broken("x"), r"forward\(x\) got x and changed in place"),
        (Broken("dW"), r"dW after backward\(dh\): got an array of shape \(4, 6\), expected one of shape \(6, 4\)"),
        (Broken("dx"), r"backward\(dh\): got an array of shape \(3, 6\), expected one of shape \(5, 6\)"),
        (Broken("none"), r"backward\(dh\): got None, expected one of shape \(5, 6\)"),
        (Forgetful(6, 4, Tanh(), rng=0), r"backward\(dh\) left out db, expected a gradient for every parameter"),
    ],
    ids=["h", "dtype", "x", "dW", "dx", "none", "db"],
)
def test_a_layer_that_breaks_its_contract_is_named(layer, message, x):
    with pytest.raises((ValueError, TypeError), match=rf"{kind(layer)}\(6, 4, .*\): {message}"):
        Network([layer], [Dense(4, 6, rng=1)])


def test_a_layer_that_lacks_something_is_named():
    class NoBackward:
        n_in, n_out, parameters = 6, 4, ()

        def forward(self, x):
            return x

        def __repr__(self):
            return "NoBackward()"

    with pytest.raises(TypeError, match=r"Stack: got NoBackward\(\) without backward, expected"):
        Network([NoBackward()], [Dense(4, 6)])
    layer = Scale(6)
    layer.s = 2.0
    with pytest.raises(TypeError, match=r"Stack: got .* with 's' among its parameters, expected the names of arrays"):
        Network([layer], [Dense(6, 6)])


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda a, x: ((a - x) ** 2).sum(), r"got .*, expected \(value, da\)"),
        (lambda a, x: (((a - x) ** 2).sum(axis=1), a - x), r"got a value of shape \(5,\), expected one number"),
        (lambda a, x: (((a - x) ** 2).sum(), (a - x).T), r"da: got an array of shape \(6, 5\), expected .*\(5, 6\)"),
        (lambda a, x: (((a - x) ** 2).sum(), (a - x).astype(np.float32)), "da: got an array of dtype float32"),
        (lambda a, x: (None, a - x), "got None, expected one number"),
        (lambda a, x: ("1", a - x), "got '1', expected one number"),
        (lambda a, x: [1.0, a - x], r"got a list of 2 \(no array\), expected \(value, da\)"),
        (lambda a, x: (1.0, (a - x).tolist()), r"da: got a list of 5 \(no array\), expected one of shape \(5, 6\)"),
        (lambda a, x: (1.0, np.subtract(a, x, out=a)), r"got a or x changed in place .*, expected it left alone"),
        (lambda a, x: (1.0, np.subtract(a, x, out=x)), r"got a or x changed in place .*, expected it left alone"),
    ],
)
def test_a_loss_that_breaks_its_contract_is_named(loss, message, x):
    with pytest.raises((ValueError, TypeError), match=f"<lambda>.*{message}"):
        Network([Dense(6, 4)], [Dense(4, 6)], loss=loss).value_and_grad(x)
    with pytest.raises((ValueError, TypeError), match=f"<lambda>.*{message}"):
        check_loss(loss, x + 1, x)


def adds(name, value, result=0.0):
    def wrong_penalty(encoder, decoder):
        encoder.layers[-1].pending.add(name, value)
        return result

    return wrong_penalty


def overwrites(array):
    def wrong_penalty(encoder, decoder):
        array(encoder)[...] *= 0.9
        return 0.0

    return wrong_penalty


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (adds("dh", np.ones((5, 3))), r"got dh of shape \(5, 3\), expected one that fits \(5, 4\)"),
        (adds("dW", np.ones((4, 6))), r"got dW of shape \(4, 6\), expected one that fits \(6, 4\)"),
        (adds("dw", np.ones((6, 4))), r"got dw, expected 'd' and one of its parameters \('W', 'b'\)"),
        (adds("W", np.ones((6, 4))), r"got 'W', expected 'dh', 'da', 'W_scale', or 'd' and a parameter's name"),
        (adds("db", np.ones(4), result=np.ones(4)), r"got a value of shape \(4,\), expected one number"),
        (adds("db", np.ones(4), result=None), "got None, expected one number"),
        (
            adds("db", np.ones(4), result=(1.0, np.ones(4))),
            r"got \(1.0, an array of shape \(4,\)\), expected one number",
        ),
        (adds("dh", [[1.0] * 4]), r"got dh as a list of 1 \(no array\), expected an array or a number"),
        (
            overwrites(lambda encoder: encoder.h),
            r"got an array of a layer .* changed in place .*, expected it left alone",
        ),
        (overwrites(lambda encoder: encoder.layers[0].W), "got an array of a layer .* changed in place"),
        (overwrites(lambda encoder: encoder.layers[0].dW), "got an array of a layer .* changed in place"),
    ],
)
def test_a_penalty_that_breaks_its_contract_is_named(penalty, message, x):
    encoder = [Dense(6, 4)]
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        Network(encoder, [Dense(4, 6)], penalties=[penalty]).value_and_grad(x)
    assert "wrong_penalty" in str(raised.value) or "pending" in str(raised.value)
    assert encoder[0].W.flags.writeable, "it is locked for as long as the penalty is looked at"
    with pytest.raises((ValueError, TypeError), match=message):
        check_penalty(penalty, Dense(6, 4, rng=0), x)


def test_a_penalty_that_changes_the_dtype_is_named(x):
    with pytest.raises(TypeError, match=r"wrong_penalty.*got dh of dtype float64, expected float32"):
        Network([Dense(6, 4)], [Dense(4, 6)], penalties=[adds("dh", np.ones((5, 4)))], dtype=np.float32)


def test_an_activation_that_breaks_its_contract_is_named(x):
    class Wrong(ArcSinh):
        def __call__(self, a):
            return super().__call__(a)[:, :2]

        def __repr__(self):
            return "Wrong()"

    with pytest.raises(ValueError, match=r"Wrong\(\): phi\(a\): got an array of shape \(5, 2\), expected .*\(5, 4\)"):
        Dense(6, 4, Wrong())

    class InPlace(ArcSinh):
        def dphi(self, h):
            return np.cosh(h, out=h)

    with pytest.raises(ValueError, match=r"InPlace.*: dphi got h changed in place .*, expected it left alone"):
        Dense(6, 4, InPlace())


def test_an_optimizer_that_breaks_its_contract_is_named(X):
    class Forgets:
        def start(self, theta):
            pass

    class Rebinds:
        def start(self, theta):
            return lambda grad: theta - 0.1 * grad

    with pytest.raises(TypeError, match=r"train: got a step that is None, expected a function step\(grad\)"):
        own_estimator(optimizer=Forgets()).fit(X)
    with pytest.warns(
        UserWarning, match=r"optimizer=.*Rebinds.* left every weight as it was, expected step\(grad\) to"
    ):
        own_estimator(optimizer=Rebinds()).fit(X)


def test_a_corruption_that_yields_nan_is_named(X):
    class Zero:
        def corrupt(self, x, rng):
            return x / 0

    with np.errstate(all="ignore"), pytest.raises(ValueError, match="Zero: got x~ with NaN or infinity"):
        own_estimator(corruption=Zero()).fit(X)


def test_a_corruption_whose_sum_overflows_is_none_that_yields_nan():
    class Same:
        def corrupt(self, x, rng):
            return x.copy()

    corrupt = _corrupter(Same(), None)
    large = np.full((4, 3), 3e38, np.float32)
    np.testing.assert_array_equal(corrupt(large, 0), large)


def test_arrays_are_free_again_after_they_were_locked_whichever_owns_the_numbers():
    owner = np.zeros(3)
    view = owner[:2]
    for arrays in ([owner, view], [view, owner], [view, view]):
        with pytest.raises(ValueError, match="f: got x changed in place"), locked("f: got x", arrays):
            view[0] = 1
        owner[0] = view[0] = 0


def test_an_error_is_short_however_much_came(x):
    class Lists(MyDense):
        def forward(self, x):
            return super().forward(x).tolist()

    for wrong in (lambda a, x: [1.0, (a - x).tolist()], lambda a, x: (1.0, (a - x).tolist()), lambda a, x: "x" * 9999):
        with pytest.raises((TypeError, ValueError)) as raised:
            check_loss(wrong, np.ones((500, 6)), np.zeros((500, 6)))
        assert len(str(raised.value)) < 300
    with pytest.raises(ValueError, match=r"forward\(x\): got a list of 5 \(no array\)") as raised:
        Network([Lists(6, 4, Tanh(), rng=0)], [Dense(4, 6)])
    assert len(str(raised.value)) < 300


def test_parameters_are_names(x):
    layer = Scale(6)
    layer.parameters = (layer.s,)
    with pytest.raises(TypeError, match=r"an array of shape \(6,\) among its parameters, expected the names of arrays"):
        Network([layer], [Dense(6, 6)])


# -- the page ------------------------------------------------------------------------------------------------------

PAGE = (Path(npae.__file__).parents[1] / "docs" / "your_own_part.md").read_text(encoding="utf-8")


def test_the_page_shows_every_kind_of_part_in_at_most_ten_lines_and_runs(capsys):
    parts, use = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {"np": np, "npae": npae}
    exec(parts, names)
    exec(use, names)
    assert capsys.readouterr().out.split() == re.findall(r"# (True)$", use, re.MULTILINE)
    examples = re.split(r"\n\n\n", parts.strip())
    lines = [sum(bool(line.strip()) for line in example.splitlines()) for example in examples]
    assert len(examples) == 6 and max(lines) <= 10, lines
    assert len(PAGE.splitlines()) < 110


def test_the_noise_of_the_package_goes_with_own_parts(X):
    assert own_estimator(corruption=GaussianNoise(0.1)).fit(X).n_iter_ == 8
