"""What keeps training fast, without a clock: a step allocates nothing that grows, and importing loads nothing heavy."""

import importlib
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

import npae
from npae import SGD, Adam, Dense, Identity, Network, RMSProp, Sigmoid
from npae.objective.kernels import BLOCK, aligned, column_sums, flush_denormals, product, standard_normal, sum_log1p

N, D, K = 128, 400, 260  # a batch of x is 200 kB in float32, of h 130 kB, W 410 kB
LIMIT = 64 * 1024
if np.lib.NumpyVersion(np.__version__) < "2.3.0":
    LIMIT += 8192 * 8  # until then a cast took NumPy's whole buffer, however short the array

OBJECTIVES = {
    "plain": {},
    "bernoulli": {"loss": npae.BernoulliCrossEntropy()},
    "gaussian": {"corruption": npae.GaussianNoise(0.1)},
    "masking": {"corruption": npae.MaskingNoise(0.3)},
    "salt and pepper": {"corruption": npae.SaltAndPepper(0.3)},
    "KL": {"penalties": [npae.KLSparsity(0.1, 0.05)]},
    "L1": {"penalties": [npae.L1Sparsity(0.1)]},
    "weight decay": {"penalties": [npae.WeightDecay(0.1)]},
    "contractive": {"penalties": [npae.Contractive(0.1)]},
}


def training_step(dtype, optimizer, loss=None, penalties=(), corruption=None):
    """The body of the training loop, as a function without arguments."""
    layers = [Dense(D, K, Sigmoid(), rng=0)], [Dense(K, D, Identity() if loss else Sigmoid(), rng=1)]
    network = Network(*layers, loss=loss or npae.SquaredError(), penalties=penalties, dtype=dtype)
    rng = np.random.default_rng(2)
    X = rng.random((3 * N, D)).astype(dtype)
    x, noisy = np.empty((N, D), dtype), np.empty((N, D), dtype)
    step = optimizer.start(network.theta)

    def run():
        np.take(X, rng.integers(0, len(X), N), axis=0, out=x, mode="clip")
        seen = x if corruption is None else corruption.corrupt(x, rng, out=noisy)
        network._value_and_grad(seen, x)
        step(network.grad)

    return run


def allocated(run):
    """The peak of what Python and NumPy allocate during one steady call, in bytes."""
    for _ in range(3):
        run()
    tracemalloc.start()
    try:
        run()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        run()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_steady_step_allocates_nothing_of_the_size_of_a_batch(objective, dtype):
    assert allocated(training_step(dtype, SGD(1e-3), **OBJECTIVES[objective])) < LIMIT


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "optimizer",
    [SGD(1e-3), SGD(1e-3, momentum=0.9), SGD(1e-3, momentum=0.9, nesterov=True), RMSProp(1e-3), Adam()],
    ids=repr,
)
def test_a_steady_step_allocates_nothing_of_the_size_of_the_parameters(optimizer, dtype):
    assert allocated(training_step(dtype, optimizer)) < LIMIT


def test_a_short_last_minibatch_and_the_next_long_one_allocate_nothing(rng):
    network = Network([Dense(D, K, Sigmoid(), rng=0)], [Dense(K, D, rng=1)], dtype=np.float32)
    x = rng.random((N, D)).astype(np.float32)

    def run():
        network._value_and_grad(x, x)
        network._value_and_grad(x[: N // 3], x[: N // 3])

    assert allocated(run) < LIMIT


@pytest.mark.parametrize("activation", [Identity(), Sigmoid(), npae.Tanh(), npae.ReLU()], ids=repr)
def test_a_contractive_step_allocates_nothing_for_any_common_activation(activation):
    network = Network(
        [Dense(D, K, activation, rng=0)], [Dense(K, D, rng=1)], penalties=[npae.Contractive(0.1)], dtype=np.float32
    )
    x = np.random.default_rng(2).random((N, D)).astype(np.float32)
    assert allocated(lambda: network._value_and_grad(x, x)) < LIMIT


def test_a_step_of_a_variational_autoencoder_allocates_nothing_of_the_size_of_a_batch():
    model = npae.VariationalAutoencoder(8, hidden_layer_sizes=(K,), max_iter=1, random_state=0)
    x = np.random.default_rng(2).random((N, D)).astype(np.float32)
    network = model.fit(x).network_
    assert allocated(lambda: network._value_and_grad(x, x)) < LIMIT


def test_import_loads_nothing_heavy():
    code = "import sys, npae; print(sorted({'matplotlib', 'scipy', 'sklearn', 'torch', 'PIL'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


# the tricks against what they stand for


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_aligned_arrays_start_a_cache_line(dtype):
    for shape in [(1,), (3, 5), (7, 2, 3), (0, 4)]:
        array = aligned(shape, dtype)
        assert array.shape == shape and array.dtype == dtype and array.flags.c_contiguous and array.flags.writeable
        assert array.__array_interface__["data"][0] % 64 == 0 or array.size == 0


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_a_product_is_written_into_any_order_and_dtype(order, dtype, rng):
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(4, 5))
    out = np.empty((3, 5), dtype, order=order)
    assert product(a, b, out) is out
    np.testing.assert_allclose(out, a @ b, rtol=1e-5)
    a, b = a.astype(dtype), b.astype(dtype)
    np.testing.assert_array_equal(product(a, b, out), out)
    np.testing.assert_allclose(out, a @ b, rtol=1e-6)
    with pytest.raises(ValueError, match=r"mismatch|not aligned"):
        product(a, b[:2], out)


def test_column_sums_are_the_sums_over_rows(rng):
    a = rng.normal(size=(9, 4))
    np.testing.assert_allclose(column_sums(a), a.sum(axis=0), rtol=1e-14)
    np.testing.assert_allclose(column_sums(a.T), a.sum(axis=1), rtol=1e-14)


@pytest.mark.parametrize("rows", [1, 119, 120, 121, 500])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_log_of_products_is_the_sum_of_logs(rows, dtype, rng):
    e = rng.random((rows, 7)).astype(dtype)
    e[:, 0], e[:, 1] = 1, 0
    expected = np.log1p(e.astype(np.longdouble)).sum()
    assert sum_log1p(e) == pytest.approx(float(expected), abs=e.size * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 2, 7, 8192, 16385, 200_001])
def test_box_muller_numbers_are_normal_independent_and_repeatable(size, dtype):
    stats = importlib.import_module("scipy.stats")
    e = standard_normal(np.random.default_rng(5), np.empty(size, dtype))
    assert e.dtype == dtype and np.isfinite(e).all()
    assert np.array_equal(e, standard_normal(np.random.default_rng(5), np.empty(size, dtype)))
    if size > 10_000:
        assert stats.kstest(e, "norm").pvalue > 0.01
        assert abs(stats.kurtosis(e)) < 5 * (24 / size) ** 0.5
        for lag in (1, 4096, 8192):  # r cos t and r sin t of one pair lie half a block apart
            assert abs(np.corrcoef(e[lag:], e[:-lag])[0, 1]) < 5 / (size - lag) ** 0.5
            assert abs(np.corrcoef(e[lag:] ** 2, e[:-lag] ** 2)[0, 1]) < 5 / (size - lag) ** 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_flushing_removes_denormals_and_moves_nothing_else(dtype):
    tiny = np.finfo(dtype).tiny
    a = np.array([0, tiny / 2, -tiny / 1000, tiny * 1e4, -1e-3, 1], dtype)
    before = a.copy()
    flush_denormals(a)
    assert (a[:3] == 0).all() and np.array_equal(a[4:], before[4:])
    assert np.abs(a - before).max() < 1e4 * tiny


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), RMSProp(0.1), Adam(0.1)], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_denormals_stay_in_the_state_of_a_parameter_whose_gradient_has_stopped(optimizer, dtype):
    theta, g = np.ones(BLOCK + 3, dtype), np.full(BLOCK + 3, 1e-3, dtype)
    step = optimizer.start(theta)
    step(g)
    g[:] = 0
    seen = 0
    for t in range(9000 if dtype == np.float64 else 1500):
        step(g[: len(g)])
        if t % 128 == 126:
            for name in {"m", "v"} & set(vars(step)):
                state = getattr(step, name)
                seen += int((state != 0).any())
                assert not ((state != 0) & (np.abs(state) < np.finfo(dtype).tiny)).any()
    assert seen
