"""Whatever array goes into an estimator, what comes out is finite, or an error that names the estimator."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from npae import PCA, SGD, Autoencoder, Contractive, DivergenceError, L1Sparsity, VariationalAutoencoder
from npae.generative import RBM, FactorAnalysis, LinearVAE, MixtureOfGaussians, ProbabilisticPCA, SparseCoding

FEW = {"max_iter": 3, "random_state": 0}
ESTIMATORS = {
    "sigmoid": lambda: Autoencoder(2, **FEW),
    "relu, contractive, SGD": lambda: Autoencoder(
        2, hidden_layer_sizes=(3,), activation="relu", optimizer=SGD(0.1), penalties=[Contractive(0.1)], **FEW
    ),
    "softplus, tied, early stopping": lambda: Autoencoder(
        3, activation="softplus", tied=True, early_stopping=True, penalties=[L1Sparsity(0.1)], **FEW
    ),
    "bernoulli": lambda: Autoencoder(2, loss="bernoulli", **FEW),
    "gaussian": lambda: Autoencoder(2, loss="gaussian", **FEW),
    "continuous bernoulli": lambda: Autoencoder(2, loss="continuous_bernoulli", **FEW),
    "PCA": lambda: PCA(1),
    "PCA, whitened": lambda: PCA(whiten="zca"),
    "PCA, by covariance": lambda: PCA(0.5, solver="covariance", whiten=True, maximum_likelihood=True),
    "variational": lambda: VariationalAutoencoder(2, loss="squared_error", **FEW),
    "variational, bernoulli": lambda: VariationalAutoencoder(2, **FEW),
    "RBM": lambda: RBM(2, **FEW),
    "linear VAE": lambda: LinearVAE(1, max_iter=20, random_state=0),
    "sparse coding": lambda: SparseCoding(2, max_iter=3, n_iter_code=5, random_state=0),
    "mixture": lambda: MixtureOfGaussians(2, max_iter=5, random_state=0),
    "probabilistic PCA": lambda: ProbabilisticPCA(1),
    "factor analysis": lambda: FactorAnalysis(1, max_iter=20),
}
SIZES = (
    0.0,
    1e-320,
    1e-310,
    1e-200,
    1e-40,
    1e-20,
    1e-3,
    0.5,
    1.0,
    3.0,
    1e3,
    1e10,
    1e19,
    1e30,
    1e38,
    1e154,
    1e200,
    1e308,
)


@st.composite
def arrays(draw):
    """Arrays of any shape, dtype, order and size of numbers; most are (N, D)."""
    shape = draw(st.one_of(st.tuples(st.integers(1, 9), st.integers(1, 5)), hnp.array_shapes(min_dims=0, min_side=0)))
    dtype = draw(st.sampled_from([np.float64] * 4 + [np.float32] * 3 + [np.float16, np.int64, np.uint8, bool, object]))
    seed, size, spread = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from(SIZES)), draw(st.integers(0, 3))
    rng = np.random.default_rng(seed)
    x = rng.random(shape) if draw(st.booleans()) else rng.standard_normal(shape)
    with np.errstate(all="ignore"):
        x = np.asarray(x * size * 10.0 ** rng.integers(-3 * spread, 3 * spread + 1, shape))
        if draw(st.booleans()) and x.ndim == 2:
            x[:, : draw(st.integers(0, 2))] = draw(st.sampled_from([0.0, 1.0, size]))  # columns that do not change
        if draw(st.integers(0, 5)) == 0 and x.size:
            x.flat[rng.integers(x.size)] = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
        if np.dtype(dtype).kind in "iub":
            x = np.nan_to_num(np.clip(x, 0, 200))
        x = x.astype(dtype)
    order = draw(st.sampled_from(["C", "F", "strided", "backwards", "read-only"]))
    if order == "F":
        return np.asfortranarray(x)
    if order == "strided" and x.ndim:
        return np.repeat(x, 2, axis=-1)[..., ::2]
    if order == "backwards" and x.ndim:
        return x[::-1]
    x = np.array(x)
    x.flags.writeable = order != "read-only"
    return x


def run(name, x):
    """The estimator's results, all of which have to be finite, or None for a named error."""
    model, before = ESTIMATORS[name](), x.copy()
    owner = type(model).__name__
    results, error = [], None
    try:
        model.fit(x)
        for door in ("transform", "reconstruct", "score"):
            results.append(getattr(model, door)(x) if hasattr(model, door) else 0.0)
        results.append(model.inverse_transform(results[0]))
    except (ValueError, TypeError, DivergenceError) as given:
        error = given
    if error is not None:
        named = owner, "diverged", "BernoulliCrossEntropy: got", "ContinuousBernoulli: got", "RBM: got", "Gaussian: got"
        named += "PCA: got", "expecting"  # PCA inside of others
        assert any(word in str(error) for word in named), error
        results = [each for each in results if each is not None]
    assert all(np.isfinite(each).all() for each in results)
    if x.dtype != object:
        np.testing.assert_array_equal(x, before)
    return results


@pytest.mark.filterwarnings("ignore:LinearVAE. got a gradient")
@pytest.mark.parametrize("name", ESTIMATORS)
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(x=arrays())
def test_results_are_finite_or_an_error_names_the_estimator(name, x):
    run(name, x)


@pytest.mark.filterwarnings("ignore:LinearVAE. got a gradient")
def test_most_arrays_of_numbers_are_taken():
    """What makes the test above mean something: plain data of every size that its squares leave finite pass."""
    rng = np.random.default_rng(0)
    for name in ESTIMATORS:
        assert len(run(name, rng.random((20, 5)))) == 4, name


@pytest.mark.slow
def test_a_fit_to_a_file_on_the_disk_does_not_take_its_size_in_memory(tmp_path):
    command = [
        sys.executable,
        "-m",
        "benchmarks.robustness.out_of_core",
        "--megabytes",
        "160",
        "--folder",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(tmp_path.iterdir())
