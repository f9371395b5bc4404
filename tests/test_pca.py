"""PCA against scikit-learn, angles against subspaces built to have them, and the comparison with networks."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.linalg import sqrtm, subspace_angles
from sklearn.decomposition import PCA as SklearnPCA  # noqa: N811

import npae
from npae.pca import PCA, compare_with_pca, linear_autoencoder_optimum, principal_angles, projector_distance
from npae.pca.fit_linear import bottleneck_network
from npae.pca.moments import Moments

TOLERANCE = 1e-10


def data(name):
    """(X, the largest k with a density): five kinds of data, and two routes for the first."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 8)) * np.arange(8, 0, -1) + rng.normal(size=8) * 5
    if name == "tall":
        return X, 7
    if name == "constant column":
        X[:, 2] = 3.0
        return X, 6
    if name == "wide":
        return rng.normal(size=(12, 30)) @ np.diag(np.linspace(3, 1, 30)), 10
    if name == "rank-deficient":
        return rng.normal(size=(50, 3)) * [3, 2, 1] @ rng.normal(size=(3, 9)) + 1, 2
    if name == "repeated":  # exactly: a sample made to have this covariance
        Q = np.linalg.qr(rng.normal(size=(6, 6)))[0]
        return Moments(rng.normal(size=6), Q.T * [4, 4, 4, 2, 1, 1] @ Q, 7).sample(), 4
    return rng.normal(size=(1, 5)), None


NAMES = ["tall", "constant column", "wide", "rank-deficient", "repeated", "one sample"]


def both(X, k, **parameters):
    theirs = {key: bool(value) for key, value in parameters.items() if key == "whiten"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # one sample: scikit-learn divides 0 by 0
        return PCA(k, **parameters).fit(X), SklearnPCA(k, svd_solver="full", **theirs).fit(X)


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE * max(1.0, np.abs(b).max(initial=0)))


def groups(variance):
    """Slices of equal variances, those without variance left out."""
    edges = [0, *(np.flatnonzero(np.diff(variance) < -1e-9 * variance[0]) + 1), len(variance)]
    return [slice(a, b) for a, b in pairwise(edges) if variance[a] > 1e-12 * max(variance[0], 1e-300)]


@pytest.mark.parametrize("solver", ["auto", "svd", "covariance"])
@pytest.mark.parametrize("name", NAMES)
def test_directions_variances_and_reconstructions_are_those_of_scikit_learn(name, solver):
    X, _ = data(name)
    ours, theirs = both(X, None, solver=solver)
    close(ours.mean_, theirs.mean_)
    close(ours.explained_variance_, np.nan_to_num(theirs.explained_variance_))
    close(ours.explained_variance_ratio_, np.nan_to_num(theirs.explained_variance_ratio_))
    # of a zero singular value the covariance knows sqrt(eps) only, as scikit-learn's own covariance solver does
    real = theirs.singular_values_ > 1e-6
    close(ours.singular_values_[real], theirs.singular_values_[real])
    assert (ours.singular_values_[~real] < 1e-6).all()
    for group in groups(np.nan_to_num(theirs.explained_variance_)):
        P, Q = ours.components_[group], theirs.components_[group]
        close(P.T @ P, Q.T @ Q)
        if len(P) == 1 or name == "tall":
            close(P, Q)  # with the same sign
    close(ours.inverse_transform(ours.transform(X)), theirs.inverse_transform(theirs.transform(X)))
    close(ours.components_ @ ours.components_.T, np.eye(len(ours.components_)))


@pytest.mark.parametrize("name", NAMES[:5])
def test_whitening_is_that_of_scikit_learn(name):
    X, k = data(name)
    ours, theirs = both(X, k, whiten=True)
    h, g = ours.transform(X), theirs.transform(X)
    for group in groups(theirs.explained_variance_):
        close(h[:, group] @ h[:, group].T, g[:, group] @ g[:, group].T)  # the same up to a rotation of equal variances
    close(ours.inverse_transform(h), theirs.inverse_transform(g))
    close(np.cov(h.T), np.eye(k))


@pytest.mark.parametrize("name", NAMES[:5])
def test_log_likelihood_is_that_of_scikit_learn(name):
    X, k = data(name)
    ours, theirs = both(X, k)
    close(ours.noise_variance_, theirs.noise_variance_)
    close(ours.score_samples(X), theirs.score_samples(X))
    close(ours.score(X), theirs.score(X))
    close(ours.get_covariance(), theirs.get_covariance())


def test_the_log_likelihood_is_the_density_of_a_gaussian():
    X, _ = data("tall")
    pca = PCA(3).fit(X)
    close(pca.score_samples(X), stats.multivariate_normal(pca.mean_, pca.get_covariance()).logpdf(X))


@pytest.mark.parametrize("name", ["tall", "wide"])
def test_maximum_likelihood_is_a_maximum(name, rng):
    X, _ = data(name)
    pca = PCA(3, maximum_likelihood=True).fit(X)
    best = pca.score(X)
    W = pca.components_.T * np.sqrt(pca.explained_variance_ - pca.noise_variance_)
    assert PCA(3).fit(X).score(X) < best
    for _ in range(20):
        V = W + 1e-3 * rng.normal(size=W.shape)
        C = V @ V.T + pca.noise_variance_ * (1 + 1e-3 * rng.normal()) * np.eye(len(V))
        assert stats.multivariate_normal(pca.mean_, C).logpdf(X).mean() < best


@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_zca_is_the_symmetric_inverse_root_of_the_covariance(eps):
    X, _ = data("tall")
    zca = PCA(whiten="zca", eps=eps, maximum_likelihood=True).fit(X)
    root = sqrtm(np.cov(X, rowvar=False, bias=True) + eps * np.eye(X.shape[1]))
    np.testing.assert_allclose(zca.transform(X), (X - X.mean(axis=0)) @ np.linalg.inv(root), atol=1e-9)


@pytest.mark.parametrize("whiten", ["pca", "zca"])
def test_directions_without_variance_are_whitened_to_zero_and_the_others_come_back(whiten):
    X, _ = data("tall")
    X[:, 2] = X[:, 0] + X[:, 1]
    D = X.shape[1]
    pca = PCA(whiten=whiten, maximum_likelihood=True).fit(X)
    h = pca.transform(X)
    np.testing.assert_allclose(np.linalg.eigvalsh(h.T @ h / len(h)), [0] + (D - 1) * [1], atol=1e-9)
    np.testing.assert_allclose(pca.inverse_transform(h), X, atol=1e-9)


def test_zca_stays_nearer_to_the_samples_than_any_turned_whitening(rng):
    X, _ = data("tall")
    centred, z = X - X.mean(axis=0), PCA(whiten="zca").fit_transform(X)
    for _ in range(20):
        turn = np.linalg.qr(rng.standard_normal((X.shape[1],) * 2))[0]
        assert np.linalg.norm(z - centred) < np.linalg.norm(z @ turn - centred)


def test_zca_whitens_and_changes_least():
    X, _ = data("tall")
    pca, zca = PCA(whiten=True, eps=1e-3).fit(X), PCA(whiten="zca", eps=1e-3).fit(X)
    z = zca.transform(X)
    s = pca.explained_variance_
    close(np.cov(z.T), (pca.components_.T * (s / (s + 1e-3))) @ pca.components_)
    close(z, pca.transform(X) @ pca.components_)
    close(zca.inverse_transform(z), X)
    assert np.linalg.norm(z - (X - X.mean(0))) <= np.linalg.norm(pca.transform(X) - (X - X.mean(0)))
    assert zca.get_feature_names_out().shape == (8,)


def test_directions_without_variance_are_whitened_to_zero():
    X, _ = data("constant column")
    pca = PCA(whiten=True).fit(X)
    assert (pca.transform(X)[:, -1] == 0).all()
    close(pca.inverse_transform(pca.transform(X)), X)
    assert np.abs(PCA(whiten=True, eps=1e-9).fit(X).transform(X)[:, -1]).max() < 1e-9


def test_a_fraction_keeps_as_many_as_explain_it():
    X, _ = data("tall")
    for part in (0.3, 0.8, 0.99):
        ours, theirs = both(X, part)
        assert ours.n_components_ == theirs.n_components_ and len(ours.components_) == ours.n_components_


def test_no_components_leave_the_mean():
    X, _ = data("tall")
    pca = PCA(0).fit(X)
    assert pca.transform(X).shape == (200, 0)
    close(pca.reconstruct(X), np.tile(X.mean(0), (200, 1)))
    close(pca.noise_variance_, X.var(0, ddof=1).mean())


def test_float32_stays_float32_and_is_summed_in_float64():
    X = (np.random.default_rng(0).normal(size=(5000, 4)) + 100).astype(np.float32)
    pca = PCA(2).fit(X)
    assert {pca.mean_.dtype, pca.components_.dtype, pca.transform(X).dtype, pca.score_samples(X).dtype} == {X.dtype}
    np.testing.assert_allclose(pca.explained_variance_, PCA(2).fit(X.astype(float)).explained_variance_, rtol=1e-5)
    assert PCA(2).fit((X * 10).astype(int)).mean_.dtype == np.float64


def test_bad_input_says_what_came_and_what_was_expected():
    X, _ = data("tall")
    for parameters, message in [
        ({"n_components": 9}, r"n_components=9, expected a whole number in \[0, 8\]"),
        ({"n_components": -0.5}, "n_components=-0.5"),
        ({"n_components": "all"}, "n_components='all'"),
        ({"whiten": "pcaa"}, "whiten='pcaa', expected"),
        ({"eps": -1}, "eps=-1"),
        ({"solver": "magic"}, "solver='magic', expected"),
    ]:
        with pytest.raises(ValueError, match=message):
            PCA(**parameters).fit(X)
    with pytest.raises(ValueError, match="NaN"):
        PCA().fit([[1.0, np.nan]])
    with pytest.raises(ValueError, match="not fitted"):
        PCA().transform(X)
    with pytest.raises(ValueError, match="8 features"):
        PCA().fit(X).transform(X[:, :3])
    with pytest.raises(ValueError, match=r"singular.*at most 6"):
        PCA().fit(data("constant column")[0]).score_samples(X)


def test_scikit_learn_accepts_it_as_an_estimator():
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline

    X, _ = data("tall")
    assert clone(PCA(2, whiten=True)).get_params() == PCA(2, whiten=True).get_params()
    close(make_pipeline(PCA(4), PCA(2)).fit_transform(X), PCA(4).fit(X).transform(X)[:, :2])


# -- angles ----------------------------------------------------------------------------------------------------------


def rotated(angles, rng, D=9):
    """A, B (D, k) with mixed columns and exactly these principal angles."""
    k = len(angles)
    Q = np.linalg.qr(rng.normal(size=(D, 2 * k)))[0]
    A, N = Q[:, :k], Q[:, k:]
    B = A * np.cos(angles) + N * np.sin(angles)
    return A @ rng.normal(size=(k, k)), B @ rng.normal(size=(k, k)) * [1e6, 1e-6, 1][:k]


def test_angles_from_tiny_to_right_are_accurate(rng):
    for angles in ([0.0, 1e-12, 1e-8], [1e-4, 0.7, 1.5], [1.2, np.pi / 2 - 1e-9, np.pi / 2]):
        A, B = rotated(np.array(angles), rng)
        np.testing.assert_allclose(principal_angles(A, B), angles, rtol=1e-6, atol=2e-15)
        np.testing.assert_allclose(principal_angles(B, A), angles, rtol=1e-6, atol=2e-15)
        expected = np.sqrt(2) * np.linalg.norm(np.sin(angles))
        np.testing.assert_allclose(projector_distance(A, B), expected, rtol=1e-6)


def test_angles_are_scipys_for_unequal_numbers_of_columns(rng):
    A, B = rng.normal(size=(7, 5)), rng.normal(size=(7, 3))
    np.testing.assert_allclose(principal_angles(A, B), subspace_angles(A, B)[::-1], atol=1e-14)
    P, Q = (M @ np.linalg.pinv(M) for M in (A, B))
    np.testing.assert_allclose(projector_distance(A, B), np.linalg.norm(P - Q), rtol=1e-12)
    assert principal_angles(A, B[:, :0]).shape == (0,)
    np.testing.assert_allclose(principal_angles(A, A[:, 1:3]), 0, atol=1e-14)


def test_angles_are_batched_over_leading_axes(rng):
    A, B = rng.normal(size=(4, 1, 6, 2)), rng.normal(size=(3, 6, 3))
    angles = principal_angles(A, B)
    assert angles.shape == (4, 3, 2) and projector_distance(A, B).shape == (4, 3)
    np.testing.assert_allclose(angles[2, 1], principal_angles(A[2, 0], B[1]), rtol=1e-12)


def test_dependent_columns_and_misfits_are_refused(rng):
    A = rng.normal(size=(6, 2))
    for B, message in [
        (np.column_stack([A, A[:, 0]]), "3 columns of rank 2"),
        (np.zeros((6, 1)), "rank 0"),
        (rng.normal(size=(2, 3)), "3 columns of rank 2"),
        (rng.normal(size=(5, 2)), "6 dimensions"),
        (np.full((6, 1), np.nan), "NaN"),
        (np.ones(6), "expected real numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            principal_angles(A, B)


# -- the comparison --------------------------------------------------------------------------------------------------


def optimal_network(X, k, rng):
    """D-k-D at a minimum, its code mixed at random."""
    network = bottleneck_network(X.shape[1], k)
    W_e, W_d = linear_autoencoder_optimum(X, k)
    M, b = rng.normal(size=(k, k)), rng.normal(size=k)
    encoder, decoder = network.encoder.layers[0], network.decoder.layers[0]
    encoder.W[:], encoder.b[:] = W_e @ M, b
    decoder.W[:] = np.linalg.solve(M, W_d)
    decoder.b[:] = X.mean(0) - (X.mean(0) @ encoder.W + b) @ decoder.W
    return network


def test_an_optimal_network_is_at_no_distance_from_pca(rng):
    X, _ = data("tall")
    result = compare_with_pca(optimal_network(X, 3, rng), X)
    assert result.n_components == 3 and result.angles.shape == (3,) and result.note == ""
    assert result.angles.max() < 1e-12 and result.projector_distance < 1e-12 and abs(result.excess) < 1e-12
    close(result.pca_error, PCA().fit(X).explained_variance_[3:].sum() * 199 / 200 / 2)
    assert "largest angle, rad" in str(result) and "relative excess" in str(result)


def test_held_out_data_take_the_pca_of_the_training_data(rng):
    X, _ = data("tall")
    result = compare_with_pca(optimal_network(X[:100], 3, rng), X[100:], pca=PCA(3).fit(X[:100]))
    assert result.angles.max() < 1e-12 and abs(result.excess) < 1e-12
    with pytest.raises(ValueError, match="2 components, expected at least 3"):
        compare_with_pca(optimal_network(X, 3, rng), X, pca=PCA(2).fit(X))


def test_an_estimator_is_looked_into(rng):
    X, _ = data("tall")
    model = type("Fitted", (), {"network_": optimal_network(X, 2, rng)})()
    assert compare_with_pca(model, X).angles.max() < 1e-12


def test_units_switched_off_and_equal_variances_are_noted(rng):
    X, _ = data("tall")
    network = optimal_network(X, 3, rng)
    network.decoder.layers[0].W[:] = linear_autoencoder_optimum(X, 3)[1] * [[1], [1], [0]]
    result = compare_with_pca(network, X)
    assert result.angles.shape == (2,) and "decoder has rank 2" in result.note
    X = data("repeated")[0]
    assert "Variances 2 and 3 are equal" in compare_with_pca(optimal_network(X, 2, rng), X).note
    X = data("rank-deficient")[0]
    result = compare_with_pca(optimal_network(X, 5, rng), X)
    assert "data have rank 3" in result.note and result.angles.max() < 1e-7 and abs(result.excess) < 1e3


def test_a_nonlinear_decoder_gets_errors_and_the_reason():
    X = npae.datasets.load_digits().data[:100]
    network = bottleneck_network(64, 3, hidden=5, activation=npae.Sigmoid(), rng=0)
    result = compare_with_pca(network, X)
    assert result.angles is None and result.projector_distance is None and result.excess > 0
    assert "layer 0 of the decoder is Sigmoid()" in result.note and "No angles" in str(result)
    logits = bottleneck_network(64, 3, loss=npae.BernoulliCrossEntropy(), rng=0)
    assert "BernoulliCrossEntropy" in compare_with_pca(logits, X).note


def test_a_comparison_plots_itself(rng):
    X, _ = data("tall")
    assert compare_with_pca(optimal_network(X, 3, rng), X).plot().axes[0].get_yscale() == "log"
    network = bottleneck_network(8, 3, hidden=5, activation=npae.Tanh(), rng=0)
    assert len(compare_with_pca(network, X).plot().axes[0].patches) == 2


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.integers(1, 6),
    hidden=st.sampled_from([None, 3, 10]),
    activation=st.sampled_from([npae.Sigmoid(), npae.Tanh(), npae.ReLU(), npae.Softplus()]),
    fitted=st.booleans(),
)
def test_no_code_with_an_affine_decoder_beats_pca(seed, k, hidden, activation, fitted):
    """Whatever the encoder; `fitted` gives the code the best affine decoder there is, by least squares."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)) + rng.normal(size=6)
    widths = [6, k] if hidden is None else [6, hidden, k]
    encoder = [npae.Dense(a, b, activation, rng=rng) for a, b in pairwise(widths)]
    decoder = npae.Dense(k, 6, rng=rng)
    network = npae.Network(encoder, [decoder])
    if fitted:
        H = np.column_stack([network.encode(X), np.ones(40)])
        solution = np.linalg.lstsq(H, X, rcond=None)[0]
        decoder.W[:], decoder.b[:] = solution[:-1], solution[-1]
    result = compare_with_pca(network, X)
    total = PCA().fit(X).explained_variance_.sum()
    assert result.reconstruction_error >= result.pca_error - 1e-12 * total


@pytest.mark.parametrize("solver", ["svd", "covariance", "auto"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_column_of_denormals_is_a_column_like_others(solver, dtype, rng):
    """As the probability of a rare class is, which a softmax puts out; the first block's mean misses it by 1/5."""
    X = rng.random((5000, 4)).astype(dtype)
    X[:, 2] = np.finfo(dtype).smallest_subnormal * (np.arange(5000) // 700)
    pca = npae.PCA(solver=solver).fit(X)
    assert np.isfinite(pca.explained_variance_).all() and pca.explained_variance_[3] < 1e-30
    expected = np.linalg.eigvalsh(np.cov(np.delete(X, 2, 1).astype(np.float64), rowvar=False))[::-1]
    np.testing.assert_allclose(pca.explained_variance_[:3], expected, rtol=1e-5)


@pytest.mark.parametrize("solver", ["svd", "covariance"])
@pytest.mark.parametrize(
    ("size", "dtype"), [(1e200, np.float64), (3e307, np.float64), (1e20, np.float32), (6e37, np.float32)]
)
def test_numbers_whose_squares_overflow_are_refused_in_words(size, dtype, solver, rng):
    X = (rng.standard_normal((50, 4)) * size).astype(dtype)
    pca = npae.PCA(2, solver=solver)
    with pytest.raises(
        ValueError, match=r"PCA: got input for which the .* leaves float(32|64), expected numbers of small"
    ):
        pca.fit(X)
    assert not hasattr(pca, "components_")
    with pytest.raises(ValueError, match="PCA: got input for which the covariance leaves float64"):
        Moments.from_samples(np.full((9, 2), 1e200))
    with pytest.raises(ValueError, match="not fitted yet"):
        pca.transform(X)


@pytest.mark.parametrize("solver", ["svd", "covariance"])
def test_large_float32_numbers_give_what_they_give_in_float64(solver, rng):
    X = (rng.standard_normal((50, 4)) * [[1e18, 7e17, 4e17, 1e17]]).astype(np.float32)
    pca, expected = npae.PCA(2, solver=solver).fit(X), npae.PCA(2).fit(X.astype(np.float64))
    np.testing.assert_allclose(pca.explained_variance_, expected.explained_variance_, rtol=1e-5)
    np.testing.assert_allclose(pca.components_, expected.components_, atol=1e-5)


@pytest.mark.parametrize("size", [1e-30, 1e-60, 1e-150, 1e15, 1e60, 1e140])
def test_directions_do_not_depend_on_the_unit(size, rng):
    X = rng.standard_normal((50, 4)) @ np.diag([4.0, 3.0, 2.0, 1.0])
    one, other = npae.PCA(3).fit(X), npae.PCA(3).fit(X * size)
    np.testing.assert_allclose(one.components_, other.components_, atol=1e-9)
    np.testing.assert_allclose(one.explained_variance_ * size * size, other.explained_variance_, rtol=1e-9)


def test_what_a_fitted_model_cannot_project_is_refused_in_words(rng):
    pca = npae.PCA(2).fit(rng.standard_normal((50, 4)))
    huge = np.full((2, 4), 1.7e308) * np.sign(pca.components_[0])
    for door in (pca.transform, pca.reconstruct, pca.score_samples, lambda x: pca.inverse_transform(x[:, :2])):
        with pytest.raises(
            ValueError, match=r"PCA: got input for which the (code|reconstruction|density) leaves float64"
        ):
            door(huge)
