"""L-BFGS: the same optima as SciPy with as many evaluations, hard line searches, and the theta that a stop leaves."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import optimize

from catalogue import make_batch, make_network
from npae import BernoulliCrossEntropy, Identity, KLSparsity, Sigmoid, SquaredError, datasets, lbfgs
from npae.experiments.edges import EDGES, edge_patches, exercise_network
from npae.pca.fit_linear import bottleneck_network
from npae.training.lbfgs import C1, C2, Trial, line_search, minimize, two_loops

DIGITS = datasets.load_digits().data


class Quadratic:
    """J = 1/2 theta^T A theta - b^T theta, with the face of a network."""

    def __init__(self, A, b):
        self.A, self.b = A, b
        self.theta, self.grad = np.zeros(len(b)), np.zeros(len(b))

    def value_and_grad(self, x, target=None):
        self.grad[:] = self.A @ self.theta - self.b
        return float(self.theta @ self.A @ self.theta / 2 - self.b @ self.theta)


def rosenbrock(theta):
    return optimize.rosen(theta), optimize.rosen_der(theta)


def objective(network, x):
    """theta -> (J, a copy of dJ/dtheta)."""

    def value_and_grad(theta):
        network.theta[:] = theta
        return network.value_and_grad(x), network.grad.copy()

    return value_and_grad


def both(value_and_grad, theta, *, max_iter, gtol):
    """(our result, SciPy's with as much memory) from the same start."""
    ours = minimize(value_and_grad, theta.copy(), max_iter=max_iter, gtol=gtol)
    options = {"maxiter": max_iter, "maxfun": 20 * max_iter, "gtol": gtol, "ftol": 0.0, "maxcor": 30}
    return ours, optimize.minimize(value_and_grad, theta.copy(), jac=True, method="L-BFGS-B", options=options)


# -- compared with SciPy ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("D", [2, 5, 10, 50])
def test_rosenbrocks_function_takes_no_more_evaluations_than_scipy(D):
    starts = [np.where(np.arange(D) % 2, 1.0, -1.2), *np.random.default_rng(D).uniform(-2, 2, (4, D))]
    n_ours = n_scipys = 0
    for start in starts:
        ours, scipys = both(rosenbrock, start, max_iter=2000, gtol=1e-8)
        assert ours.converged and ours.max_gradient <= 1e-8
        # beside the minimum at 0 there is a local one in four dimensions and more
        assert ours.value == pytest.approx(scipys.fun, abs=1e-12) or min(ours.value, scipys.fun) < 1e-12
        n_ours, n_scipys = n_ours + ours.n_evaluations, n_scipys + scipys.nfev
    assert n_ours <= 1.3 * n_scipys, (n_ours, n_scipys)


def test_the_sparse_exercise_takes_no_more_evaluations_than_scipy():
    """Many local minima: which one a fit comes to is chance, the work and the value are not."""
    X, ratios, excess = edge_patches(200), [], []
    for seed in range(2):
        network = exercise_network(EDGES, seed=seed)
        ours, scipys = both(objective(network, X), network.theta.copy(), max_iter=150, gtol=1e-6)
        ratios.append(ours.n_evaluations / scipys.nfev)
        excess.append(ours.value / scipys.fun - 1)
    assert max(ratios) <= 1.3 and abs(np.mean(excess)) < 0.05, (ratios, excess)


def test_near_a_minimum_of_the_sparse_exercise_both_find_it(rng):
    X, network = edge_patches(100), exercise_network(EDGES)
    lbfgs(network, X, max_iter=1000, gtol=1e-5)
    start = network.theta + 1e-3 * rng.normal(size=network.theta.size)
    ours, scipys = both(objective(network, X), start, max_iter=2000, gtol=1e-6)
    assert ours.converged and ours.n_evaluations <= 1.3 * scipys.nfev, (ours, scipys.nfev)
    assert ours.value == pytest.approx(scipys.fun, rel=1e-5)


@pytest.mark.parametrize(
    "parameters",
    [{"tied": True}, {"lam": 0.05}, {"lam": 0.1, "tied": True}, {"lam": 0.05, "hidden": 12}],
    ids=["tied", "decayed", "tied and decayed", "deep and decayed"],
)
def test_linear_networks_come_to_the_optimum_of_scipy_with_no_more_evaluations(parameters):
    network = bottleneck_network(64, 8, rng=0, **parameters)
    ours, scipys = both(objective(network, DIGITS), network.theta.copy(), max_iter=3000, gtol=1e-6)
    assert ours.converged and ours.n_evaluations <= 1.3 * scipys.nfev, (ours, scipys.nfev)
    assert ours.value == pytest.approx(scipys.fun, rel=1e-8)


def test_the_tail_of_a_fit_has_more_digits_than_differences_of_j():
    """A difference of J from 1 cannot show a gradient below 1e-8; the slopes can."""
    scales = np.logspace(0, 3, 12)
    theta = np.full(12, 0.3)
    result = minimize(lambda t: (1 + t @ (scales * t) / 2, scales * t), theta, max_iter=500, gtol=1e-13)
    assert result.converged and np.abs(theta).max() < 1e-12


def test_two_loops_multiply_by_the_bfgs_matrix(rng):
    """Nocedal and Wright, equation 6.17: H = (I - rho s y^T) H (I - rho y s^T) + rho s s^T."""
    pairs, S = [], rng.normal(size=(4, 6))
    A = np.diag(np.arange(1.0, 7))
    for s in S:
        pairs.append((s, A @ s, 1 / (s @ A @ s)))
    s, y, rho = pairs[-1]
    H = np.eye(6) / (rho * (y @ y))
    for s, y, rho in pairs:
        left = np.eye(6) - rho * np.outer(s, y)
        H = left @ H @ left.T + rho * np.outer(s, s)
    g = rng.normal(size=6)
    np.testing.assert_allclose(two_loops(g, pairs), H @ g, rtol=1e-10)
    np.testing.assert_allclose(two_loops(y, pairs), s, rtol=1e-10)
    assert np.array_equal(two_loops(g, []), g)


# -- line search -----------------------------------------------------------------------------------------------------


def yanai(b1, b2):
    """More and Thuente (1994), equation 5.4: phi(a) with steep ends and a flat middle."""
    g1, g2 = (np.sqrt(1 + b * b) - b for b in (b1, b2))

    def phi(a):
        r1, r2 = np.sqrt((1 - a) ** 2 + b2**2), np.sqrt(a**2 + b1**2)
        return g1 * r1 + g2 * r2, g1 * (a - 1) / r1 + g2 * a / r2

    return phi


def wavy(a, beta=0.01, n=39):
    """More and Thuente (1994), equation 5.3: a kink with small waves on it."""
    if a <= 1 - beta:
        phi, slope = 1 - a, -1.0
    elif a >= 1 + beta:
        phi, slope = a - 1, 1.0
    else:
        phi, slope = (a - 1) ** 2 / (2 * beta) + beta / 2, (a - 1) / beta
    angle = n * np.pi / 2 * a
    return phi + 2 * (1 - beta) / (n * np.pi) * np.sin(angle), slope + (1 - beta) * np.cos(angle)


FUNCTIONS = {
    "rational": lambda a: (-a / (a * a + 2), (a * a - 2) / (a * a + 2) ** 2),
    "fifth power": lambda a: ((a + 0.004) ** 5 - 2 * (a + 0.004) ** 4, (a + 0.004) ** 3 * (5 * (a + 0.004) - 8)),
    "wavy": wavy,
    "flat": yanai(0.001, 0.001),
    "steep right": yanai(0.01, 0.001),
    "steep left": yanai(0.001, 0.01),
    "logarithm": lambda a: (a - np.log(a + 1e-3), 1 - 1 / (a + 1e-3)),
    "only decreasing for long": lambda a: (-a + 1e-6 * a * a, -1 + 2e-6 * a),
}


def search(phi, step):
    """(the trial found, the start, steps tried)."""
    steps, (value, slope) = [], phi(0.0)
    start = Trial(0.0, 0.0, slope, None, value, None)

    def trial(a):
        steps.append(a)
        with np.errstate(all="ignore"):
            there, derivative = phi(a)
        change = there - value
        return Trial(a, change if np.isfinite(change + derivative) else np.inf, derivative, None, there, None)

    return line_search(trial, start, step), start, steps


@pytest.mark.parametrize("step", [1e-3, 1e-1, 10.0, 1e3])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_line_search_ends_where_the_strong_wolfe_conditions_hold(name, step):
    found, start, steps = search(FUNCTIONS[name], step)
    assert found.change <= C1 * found.step * start.slope < 0
    assert abs(found.slope) <= C2 * abs(start.slope)
    assert len(steps) <= 15


def test_a_step_to_infinity_or_nan_is_halved():
    for outside in (np.inf, np.nan, -np.inf):
        found, _, steps = search(lambda a, v=outside: (v, 0.0) if a > 0.3 else ((a - 0.2) ** 2, 2 * (a - 0.2)), 1.0)
        assert steps[:3] == [1.0, 0.5, 0.25] and found.step == 0.25


def test_an_uphill_direction_and_one_without_a_lower_point_return_the_start():
    found, start, steps = search(lambda a: (a, 1.0), 1.0)
    assert found is start and steps == []
    found, start, steps = search(lambda a: (np.ceil(a), -1.0), 1.0)  # the slope promises a descent that never comes
    assert found is start and len(steps) == 20


def test_overflow_within_a_fit_is_no_warning_and_no_end():
    theta = np.array([600.0])
    assert not minimize(lambda t: (float(t[0] ** 100), 100 * t**99), theta, max_iter=50, gtol=1e-8).converged
    theta = np.array([30.0])
    result = minimize(lambda t: (float(np.cosh(t[0] - 1)), np.sinh(t - 1)), theta, max_iter=200, gtol=1e-10)
    assert result.converged and theta[0] == pytest.approx(1, abs=1e-9)


# -- starts and stops ------------------------------------------------------------------------------------------------


def test_lbfgs_solves_a_convex_quadratic(rng):
    M = rng.normal(size=(8, 8))
    A, b = M @ M.T + np.eye(8), rng.normal(size=8)
    problem = Quadratic(A, b)
    result = lbfgs(problem, None, gtol=1e-8)
    np.testing.assert_allclose(problem.theta, np.linalg.solve(A, b), atol=1e-7)
    assert result.converged and result.max_gradient <= 1e-8 and 0 < result.n_iter < 200
    assert result.value == pytest.approx(-b @ np.linalg.solve(A, b) / 2, rel=1e-12)


def test_lbfgs_takes_a_linear_autoencoder_to_the_optimum_of_pca(rng):
    x = rng.normal(size=(40, 5)) * [3.0, 2.0, 1.0, 0.5, 0.2] + 1
    network = make_network((5, 2), Identity(), SquaredError())
    result = lbfgs(network, x, max_iter=2000, gtol=1e-8)
    singular_values = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    assert result.value == pytest.approx((singular_values[2:] ** 2).sum() / (2 * len(x)), rel=1e-9)


def test_lbfgs_leaves_theta_at_the_value_and_gradient_it_reports():
    x, target = make_batch(20, 5)
    network = make_network((5, 3), Sigmoid(), BernoulliCrossEntropy(), [KLSparsity(0.1, 0.2)])
    before = network.value(x, target)
    result = lbfgs(network, x, target, max_iter=15)
    assert result.value < before and result.n_iter == 15 and not result.converged
    assert network.value_and_grad(x, target) == pytest.approx(result.value, rel=1e-14)
    assert np.abs(network.grad).max() == pytest.approx(result.max_gradient, rel=1e-9)


def test_one_iteration_is_one():
    theta = np.array([-1.2, 1.0])
    result = minimize(rosenbrock, theta, max_iter=1, gtol=1e-8)
    assert result.n_iter == 1 and not result.converged and result.message == "max_iter reached"
    assert result.value == optimize.rosen(theta) < 24.2


def test_at_a_minimum_nothing_moves():
    problem = Quadratic(np.eye(3), np.zeros(3))
    result = lbfgs(problem, None, gtol=0.0)
    assert result.converged and (result.n_iter, result.n_evaluations) == (0, 1) and not problem.theta.any()


def test_pairs_that_rounding_has_spoiled_are_forgotten(monkeypatch):
    uphill = []

    def spoiled(g, pairs):
        if len(pairs) == 3:
            uphill.append(len(pairs))
            return -two_loops(g, pairs)
        return two_loops(g, pairs)

    monkeypatch.setattr("npae.training.lbfgs.two_loops", spoiled)
    theta = np.array([-1.2, 1.0])
    assert minimize(rosenbrock, theta, max_iter=5000, gtol=1e-6).converged and len(uphill) > 3
    np.testing.assert_allclose(theta, 1, atol=1e-5)


def test_where_no_step_lowers_j_the_search_ends_and_says_so():
    theta = np.ones(2)
    result = minimize(lambda t: (1.0, np.ones(2) if t[0] == 1 else -np.ones(2)), theta, max_iter=50, gtol=1e-9)
    assert not result.converged and result.message == "J falls no further in float64"
    assert result.n_evaluations < 200


def test_a_gradient_that_gtol_cannot_reach_ends_the_fit():
    network = bottleneck_network(5, 3, lam=0.1, rng=0)
    result = lbfgs(network, make_batch(20, 5)[0], max_iter=100_000, gtol=0.0)
    assert not result.converged and result.message == "J falls no further in float64"
    assert result.max_gradient < 1e-12 and result.n_iter < 1000


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_start_without_a_finite_objective_is_refused(broken):
    with pytest.raises(ValueError, match=r"lbfgs: got J = (nan|inf)"):
        minimize(lambda t: (broken, t), np.ones(2), max_iter=5, gtol=1e-9)
    with pytest.raises(ValueError, match=r"\|dJ/dtheta\| = (nan|inf), expected finite numbers"):
        minimize(lambda t: (1.0, t * broken), np.ones(2), max_iter=5, gtol=1e-9)


def test_lbfgs_refuses_float32_by_name():
    with pytest.raises(TypeError, match="got a network of dtype float32, expected float64"):
        lbfgs(SimpleNamespace(theta=np.zeros(3, np.float32)), np.zeros((2, 2)))


def test_lbfgs_refuses_bad_input_and_moves_nothing():
    network = make_network((5, 3), Sigmoid(), SquaredError())
    before = network.theta.copy()
    with pytest.raises(ValueError, match="4 features"):
        lbfgs(network, np.zeros((3, 4)))
    assert np.array_equal(network.theta, before)


def test_ctrl_c_leaves_the_best_theta():
    class Interrupted(Quadratic):
        calls = 0

        def value_and_grad(self, x, target=None):
            self.calls += 1
            if self.calls == 5:
                raise KeyboardInterrupt
            self.values[super().value_and_grad(x)] = self.theta.copy()
            return list(self.values)[-1]

    problem = Interrupted(np.diag([1.0, 10.0, 100.0]), np.ones(3))
    problem.values = {}
    with pytest.raises(KeyboardInterrupt):
        lbfgs(problem, None)
    np.testing.assert_array_equal(problem.theta, problem.values[min(problem.values)])


@pytest.mark.parametrize("max_iter", [0, 1.5, True])
def test_lbfgs_asks_for_a_whole_number_of_iterations(max_iter):
    with pytest.raises(ValueError, match="lbfgs: got max_iter"):
        lbfgs(make_network((5, 3), Identity(), SquaredError()), make_batch(4, 5)[0], max_iter=max_iter)
