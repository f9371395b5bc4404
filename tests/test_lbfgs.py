"""L-BFGS on known optima, and what it leaves behind when it is stopped."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import optimize
from threadpoolctl import threadpool_info, threadpool_limits

from catalogue import make_batch, make_network
from npae import BernoulliCrossEntropy, Identity, KLSparsity, Sigmoid, SquaredError, lbfgs


class Quadratic:
    """J = 1/2 theta^T A theta - b^T theta, with the face of a network."""

    def __init__(self, A, b):
        self.A, self.b = A, b
        self.theta, self.grad = np.zeros(len(b)), np.zeros(len(b))

    def value_and_grad(self, x, target=None):
        self.grad[:] = self.A @ self.theta - self.b
        return float(self.theta @ self.A @ self.theta / 2 - self.b @ self.theta)


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


def test_lbfgs_returns_to_the_best_point_when_the_last_one_tried_was_worse(monkeypatch):
    minimize = optimize.minimize

    def minimize_and_stray(objective, start, **options):
        result = minimize(objective, start, **options)
        objective(np.full_like(start, 5.0))
        return result

    monkeypatch.setattr(optimize, "minimize", minimize_and_stray)
    problem = Quadratic(np.eye(3), np.ones(3))
    lbfgs(problem, None)
    np.testing.assert_allclose(problem.theta, np.ones(3), atol=1e-7)


def test_lbfgs_without_scipy_says_what_to_install_and_moves_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    network = make_network((5, 3), Sigmoid(), SquaredError())
    before = network.theta.copy()
    with pytest.raises(ImportError, match=r"lbfgs needs SciPy: pip install 'npae\[lbfgs\]'"):
        lbfgs(network, make_batch(4, 5)[0])
    assert np.array_equal(network.theta, before)


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


def test_lbfgs_does_without_threadpoolctl(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    problem = Quadratic(np.eye(3), np.ones(3))
    assert lbfgs(problem, None).converged


def test_lbfgs_gives_scipy_one_thread_and_takes_it_back():
    def threads():
        return {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}

    class Watched(Quadratic):
        def value_and_grad(self, x, target=None):
            self.seen = threads()
            return super().value_and_grad(x)

    problem = Watched(np.eye(3), np.ones(3))
    with threadpool_limits(2):
        before = threads()
        lbfgs(problem, None)
        assert threads() == before
    for path, n in problem.seen.items():
        assert n == (1 if "scipy.libs" in path else before[path])
