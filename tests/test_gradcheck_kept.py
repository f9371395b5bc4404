"""Where layers keep their parameters and gradients, and x: nothing wrong is ok there, nothing right is wrong."""

import dataclasses

import numpy as np
import pytest

from npae.gradcheck import check_gradient, check_layer

RNG = np.random.default_rng(0)
X, A, B, C = RNG.standard_normal((6, 5)), RNG.standard_normal((5, 2)), RNG.standard_normal((5, 5)), np.zeros((2, 5, 5))
C[:] = RNG.standard_normal((2, 5, 5))


class Dense:
    """x W, its gradient `times` what it should be."""

    times = 1

    def __init__(self, W=A):
        self.W = W.copy() if W.base is None else W

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dh):
        self.dW = self.times * self.x.T @ dh
        return dh @ self.W.T


class Twice(Dense):
    times = 2


class Slots:
    __slots__ = ("W", "dW", "x")
    __init__, forward, backward, times = Dense.__init__, Dense.forward, Dense.backward, 2


class MoreSlots(Slots):
    __slots__ = ("more",)


class Mangled:
    __slots__ = ("__W", "__dW", "x")

    def __init__(self):
        self.__W = A.copy()

    def forward(self, x):
        self.x = x
        return x @ self.__W

    def backward(self, dh):
        self.__dW = 2 * self.x.T @ dh
        return dh @ self.__W.T


class OfTheClass(Twice):
    W = A

    def __init__(self):
        pass


class Forgotten(Dense):
    parameters: tuple = ("W",)

    def __init__(self):
        self.W, self.b = A.copy(), np.ones(2)

    def forward(self, x):
        return super().forward(x) + self.b

    def backward(self, dh):
        self.db = 0 * self.b
        return super().backward(dh)


class Unknown(Forgotten):
    parameters = ("weights", "bias")


class InPlace:
    def forward(self, x):
        x[x < 0] = 0
        return x

    def backward(self, dh):
        return dh


class Clipped(InPlace):
    def forward(self, x):
        return np.clip(x, -1, 1, out=x)


class Wrapped:
    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return self.inner.forward(x)

    def backward(self, dh):
        return self.inner.backward(dh)


def deep():
    layer = Twice(B)
    for _ in range(13):
        layer = Wrapped(layer)
    return layer


class Lists(Dense):
    def __init__(self):
        self.W = A.tolist()

    def forward(self, x):
        self.x = x
        return x @ np.array(self.W)

    def backward(self, dh):
        self.dW = 5 * self.x.T @ dh
        return dh @ np.array(self.W).T


class Tied:
    """Two layers of one array, the second by a view of it; each has half of the gradient."""

    def __init__(self):
        self.a = Dense(B)
        self.b = Dense(self.a.W.T)

    def forward(self, x):
        return self.b.forward(self.a.forward(x))

    def backward(self, dh):
        return self.a.backward(self.b.backward(dh))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (MoreSlots, "W"),
        (Mangled, "_Mangled__W"),
        (OfTheClass, "W"),
        (Forgotten, "b"),
        (Unknown, "b"),
        (deep, 13 * "inner." + "W"),
    ],
)
def test_a_wrong_gradient_is_found_wherever_the_parameter_is_kept(make, name):
    report = check_layer(make(), X)
    assert report.verdict == "WRONG" and report.worst.name == name, str(report)


@pytest.mark.parametrize(("make", "names"), [(Tied, ["a.W", "b.W"]), (Lists, [f"W.{i}" for i in range(5)])])
def test_what_cannot_be_checked_where_it_is_kept_is_told(make, names):
    report = check_layer(make(), X)
    assert report.verdict == "incomplete", str(report)
    assert [row.name for row in report.rows if row.status == "not checked"] == names


@pytest.mark.parametrize("make", [InPlace, Clipped])
def test_a_layer_that_changes_x_in_place_is_refused_also_where_a_second_time_changes_nothing(make):
    x = X.copy()
    with pytest.raises(ValueError, match="f: got its input x changed in place"):
        check_layer(make(), x)
    np.testing.assert_array_equal(x, X)


class Two:
    """tanh(x W) U; both gradients returned beside dx, in the order of the caller."""

    order = (0, 1)

    def __init__(self):
        self.W, self.U = C.copy()

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W)
        return self.h @ self.U

    def backward(self, dh):
        da = dh @ self.U.T * (1 - self.h**2)
        gradients = self.x.T @ da, self.h.T @ dh
        return da @ self.W.T, *(gradients[i] for i in self.order)


class Reversed(Two):
    order = (1, 0)


class InATuple(Two):
    def backward(self, dh):
        dx, *gradients = super().backward(dh)
        return dx, tuple(gradients)


class Case(Two):
    """Two names that differ in case alone."""

    def __init__(self):
        self.W, self.w = C.copy()
        self.U = self.w

    def backward(self, dh):
        dx, dW, dw = super().backward(dh)
        self.dw = dw
        self.dW = dW
        return dx


class Momentum(Dense):
    def __init__(self):
        super().__init__()
        self.delta_W = np.zeros_like(self.W)

    def backward(self, dh):
        self.grad_W = self.x.T @ dh
        return dh @ self.W.T


class Private(Dense):
    def __init__(self):
        self.__W = A.copy()

    def forward(self, x):
        self.x = x
        return x @ self.__W

    def backward(self, dh):
        self.__dW = self.x.T @ dh
        return dh @ self.__W.T


class Leaky:
    """Its slope is a constant, and `da` the gradient at another place."""

    def __init__(self):
        self.a = 0.1

    def forward(self, x):
        self.slope = np.where(x > 0, 1, self.a)
        return x * self.slope

    def backward(self, dh):
        self.da = dh * self.slope
        return self.da


class AddsToAFloat:
    def __init__(self):
        self.a, self.da = 0.25, 0.0

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.a * x)

    def backward(self, dh):
        self.da += float((dh * np.minimum(self.x, 0)).sum())
        return dh * np.where(self.x > 0, 1, self.a)


def used():
    layer = AddsToAFloat()
    layer.backward(layer.forward(X))
    return layer


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: float = 0.5

    def forward(self, x):
        return self.a * x

    def backward(self, dh):
        return self.a * dh


class OfTheClassAndRight(OfTheClass):
    times = 1


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (Two, ["x", "W", "U"]),
        (Reversed, ["x", "W", "U"]),
        (InATuple, ["x", "W", "U"]),
        (Case, ["x", "W", "w"]),
        (Momentum, ["x", "W"]),
        (Private, ["x", "_Private__W"]),
        (Leaky, ["x"]),
        (used, ["x", "a"]),
        (Frozen, ["x"]),
        (OfTheClassAndRight, ["x", "W"]),
    ],
)
def test_a_right_gradient_is_right_wherever_it_is_kept(make, names):
    report = check_layer(make(), X)
    assert report.ok and [row.name for row in report.rows] == names, str(report)


def test_whole_numbers_get_no_row_where_backward_returns_no_gradient_of_them():
    class Embedding:
        def __init__(self):
            self.W = B.copy()

        def forward(self, x):
            self.at = x.astype(int)
            return self.W[self.at]

        def backward(self, dh):
            self.dW = np.zeros_like(self.W)
            np.add.at(self.dW, self.at, dh)

    report = check_layer(Embedding(), np.array([1, 2, 2, 4]))
    assert report.ok and [row.name for row in report.rows] == ["W"], str(report)


def test_a_layer_that_cannot_be_copied_is_refused_in_words():
    layer = Dense()
    layer.xp = np
    with pytest.raises(
        TypeError, match=r"got <.*Dense.*>, which cannot be copied \(.*module.*\), expected one that can"
    ):
        check_layer(layer, X)


def test_a_single_name_of_a_parameter_may_stand_alone():
    assert [row.name for row in check_layer(Dense(), X, parameters="W").rows] == ["x", "W"]


@pytest.mark.parametrize(
    ("x", "f"),
    [
        ({"A": X, "a": X[0]}, lambda p: ((p["A"] ** 2).sum(), {"dA": 2 * p["A"], "da": 0 * p["a"]})),
        ({"beta": X, "bias": X[0]}, lambda p: ((p["beta"] ** 2).sum(), {"db": 0 * p["bias"], "dbeta": 2 * p["beta"]})),
    ],
)
def test_keys_that_look_alike_get_each_its_own_gradient(x, f):
    assert check_gradient(f, x).ok


def test_a_dict_with_attributes_stays_one():
    class Attributes(dict):
        __getattr__ = dict.__getitem__

    assert check_gradient(lambda p: ((p.W**2).sum(), {"W": 2 * p.W}), Attributes(W=X)).ok


def test_what_is_no_function_and_nothing_at_all_are_refused_in_words():
    with pytest.raises(TypeError, match=r"got 3, expected a function f\(x\)"):
        check_gradient(3, X)
    with pytest.raises(ValueError, match="expected at least one number to differentiate by"):
        check_gradient(lambda p: (0.0, {}), {})


KINKED = np.where(RNG.random((60, 50)) < 0.1, 0, RNG.standard_normal((60, 50)))


@pytest.mark.parametrize("options", [{}, {"directions": 3}])
@pytest.mark.parametrize(
    ("gradient", "right"),
    [
        (np.sign, True),
        (lambda W: 0 * W, False),
        (lambda W: np.ones(W.shape), False),
        (lambda W: np.sign(W) * np.where(np.arange(50) < 3, 1.5, 1), False),
    ],
)
def test_one_entry_at_a_kink_hides_no_other_of_a_large_array(gradient, right, options):
    report = check_gradient(lambda W: (np.abs(W).sum(), gradient(W)), KINKED, **options)
    assert report.ok == right and report.verdict in ("ok", "WRONG"), str(report)
    assert "at x moved by up to 1e-03" in report.reason


def test_where_a_point_cannot_be_moved_off_a_kink_nothing_is_ok():
    def f(x):
        return np.abs(x).sum() if np.abs(x - KINKED).max() < 9e-4 else np.inf, np.sign(x)

    report = check_gradient(f, KINKED, directions=1, method="richardson")
    assert report.verdict == "inconclusive", str(report)


def test_there_may_be_more_directions_than_numbers():
    report = check_gradient(lambda x: ((x**2).sum(), 2 * x), np.ones(3), directions=7)
    assert report.ok and report.rows[0].checked == 7


def test_what_a_function_binds_anew_is_bound_as_before():
    class Model:
        def __init__(self):
            self.params, self.layers, self.calls, self.last = {"W": X}, [Dense(B)], 0, None

        def loss(self, p):
            self.params, self.layers = p, [Dense(p["W"].T @ p["W"])]
            self.calls, self.last = self.calls + 1, "loss"
            return (p["W"] ** 2).sum(), {"W": 2 * p["W"]}

    model = Model()
    params, layers = model.params, model.layers
    assert check_gradient(model.loss, {"W": X + 1}).ok
    assert model.params is params and model.layers is layers and params["W"] is X and model.calls > 2


def test_a_backward_that_updates_the_weights_is_told_where_to_do_so():
    class Updates(Dense):
        def backward(self, dh):
            dx = super().backward(dh)
            self.W -= 0.1 * self.dW
            return dx

    with pytest.raises(ValueError, match=r"got its input W changed in place.*; update weights outside of backward"):
        check_layer(Updates(), X)


HELPERS = (
    "W_grad", "W_velocity", "W_momentum", "W_m", "W_cache", "W_init", "W0", "W_best", "W_old", "W_prev", "Wm", "vW",
    "mW", "best_W", "velocity", "W_mean", "W_ema", "m_hat", "v_hat", "W_mask",
)  # fmt: skip


class Helped:
    """A right layer with one more array, which is no parameter; a mask takes part in the forward."""

    def __init__(self, name, rng):
        self.W, self.b = rng.standard_normal((X.shape[1], 3)), rng.standard_normal(3)
        self.m, self.v = np.zeros_like(self.W), np.zeros_like(self.W)
        setattr(self, name, (rng.random(self.W.shape) < 0.5) * 1.0 if "mask" in name else 0 * self.W)

    def kept(self):
        return getattr(self, "W_mask", 1.0)

    def forward(self, x):
        self.x = x
        return x @ (self.W * self.kept()) + self.b

    def backward(self, dh):
        self.dW, self.db = self.kept() * (self.x.T @ dh), dh.sum(axis=0)
        return dh @ (self.W * self.kept()).T


@pytest.mark.parametrize("name", HELPERS)
def test_copies_masks_and_the_state_of_an_optimizer_are_no_parameters(name, rng):
    report = check_layer(Helped(name, rng), X)
    assert report.ok and [row.name for row in report.rows] == ["x", "W", "b"], str(report)


class Accumulating:
    """A right layer that adds to its gradients, as PyTorch does, or assigns them, under any name."""

    def __init__(self, prefix, suffix, add, rng):
        self.W, self.b, self.add = rng.standard_normal((X.shape[1], 3)), rng.standard_normal(3), add
        self.names = {name: f"{prefix}{name}{suffix}" for name in ("W", "b")}
        for name in ("W", "b"):
            setattr(self, self.names[name], np.zeros_like(getattr(self, name)))

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dh):
        for name, gradient in (("W", self.x.T @ dh), ("b", dh.sum(axis=0))):
            before = getattr(self, self.names[name])
            setattr(self, self.names[name], before + gradient if self.add else gradient)
        return dh @ self.W.T


@pytest.mark.parametrize("add", [True, False])
@pytest.mark.parametrize("affixes", [("", "_grad"), ("grad_", ""), ("d", ""), ("", "_g"), ("", "_bar"), ("dLd", "")])
def test_a_gradient_has_a_known_affix_on_either_side_and_is_no_parameter(affixes, add, rng):
    report = check_layer(Accumulating(*affixes, add, rng), X)
    assert report.ok and [row.name for row in report.rows] == ["x", "W", "b"], str(report)
