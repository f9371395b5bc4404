"""Generative models as autoencoders: likelihoods against scikit-learn, SciPy and enumeration; gradients; the table."""

import itertools

import numpy as np
import pytest
from scipy import stats
from sklearn import datasets, decomposition, mixture

import npae
from npae.generative import (
    RBM,
    FactorAnalysis,
    LinearGaussian,
    LinearVAE,
    MixtureOfGaussians,
    ProbabilisticPCA,
    SparseCoding,
    VariationalAutoencoder,
    fista,
    form_table,
    ista,
)
from npae.generative.forms import FORMS
from npae.generative.linear_vae import _Bound
from npae.generative.rbm import BoltzmannNetwork
from npae.generative.sparse_coding import sparse_cost
from npae.gradcheck import assert_gradient, numerical_gradient
from npae.pca import principal_angles


@pytest.fixture
def X(rng):
    """Correlated data with unequal noise, (200, 6)."""
    noise = rng.standard_normal((200, 6)) * np.linspace(0.5, 1, 6)
    return rng.standard_normal((200, 2)) @ rng.standard_normal((2, 6)) + noise


@pytest.fixture
def bits(rng):
    """Correlated zeros and ones, (60, 6)."""
    return (rng.standard_normal((60, 2)) @ rng.standard_normal((2, 6)) > 0).astype(float)


# -- linear Gaussian models ------------------------------------------------------------------------------------------


def negative_log_likelihood(W, mean, log_psi, x):
    """-1/N sum_n log p(x_n) of a LinearGaussian and its gradient, a dict like the arguments.

    With C = W^T W + diag psi, S the second moments of x about `mean` and G = C^-1 - C^-1 S C^-1:
        dW = W G,    dlog_psi = psi diag(G) / 2,    dmean = -C^-1 (E x - mean).
    """
    psi, z = np.exp(log_psi), x - mean
    C = W.T @ W + np.diag(psi)
    inverse, S = np.linalg.inv(C), z.T @ z / len(x)
    sign, log_det = np.linalg.slogdet(C)
    value = 0.5 * (np.log(sign) + log_det + (inverse * S.T).sum() + len(mean) * np.log(2 * np.pi))
    G = inverse - inverse @ S @ inverse
    return value, {"W": W @ G, "mean": -inverse @ z.mean(axis=0), "log_psi": psi * np.diag(G) / 2}


def test_the_likelihood_of_a_linear_gaussian_model_is_scipys(rng):
    model = LinearGaussian(rng.standard_normal((2, 5)), rng.standard_normal(5), rng.uniform(0.2, 1, 5))
    x = rng.standard_normal((7, 5))
    expected = stats.multivariate_normal(model.mean, model.W.T @ model.W + np.diag(model.psi)).logpdf(x)
    np.testing.assert_allclose(model.log_likelihood(x), expected, rtol=1e-12)


def test_the_encoder_of_a_linear_gaussian_model_is_bayes_rule(rng):
    """p(h | x) of the joint Gaussian of (h, x), by conditioning its covariance."""
    model = LinearGaussian(rng.standard_normal((2, 5)), rng.standard_normal(5), rng.uniform(0.2, 1, 5))
    x = rng.standard_normal((7, 5))
    C = model.W.T @ model.W + np.diag(model.psi)
    np.testing.assert_allclose(model.encode(x), (x - model.mean) @ np.linalg.solve(C, model.W.T), rtol=1e-10)


def test_reconstruction_and_divergence_add_up_to_the_exact_likelihood(rng):
    model = LinearGaussian(rng.standard_normal((2, 5)), rng.standard_normal(5), rng.uniform(0.2, 1, 5))
    x = rng.standard_normal((7, 5))
    L, omega = model.parts(x)
    np.testing.assert_allclose(L + omega, -model.log_likelihood(x), rtol=1e-12)
    assert (omega > 0).all()


def test_the_gradient_of_the_linear_gaussian_likelihood_is_right(rng):
    x = rng.standard_normal((9, 5))
    point = {"W": rng.standard_normal((2, 5)), "mean": rng.standard_normal(5), "log_psi": rng.uniform(-1, 1, 5)}
    assert_gradient(lambda p: negative_log_likelihood(**p, x=x), point, rtol=1e-12)
    value = negative_log_likelihood(**point, x=x)[0]
    model = LinearGaussian(point["W"], point["mean"], np.exp(point["log_psi"]))
    assert value == pytest.approx(-model.log_likelihood(x).mean(), rel=1e-13)


def test_probabilistic_pca_has_scikit_learns_likelihood_and_the_gradient_vanishes_at_it(X):
    model = ProbabilisticPCA(2).fit(X)
    # scikit-learn divides by N - 1 and takes the mean of the variances left out: the maximum for that covariance
    theirs = decomposition.PCA(2).fit(X)
    n = len(X)
    scaled = stats.multivariate_normal(X.mean(axis=0), theirs.get_covariance() * (n - 1) / n).logpdf(X).mean()
    assert model.score(X) == pytest.approx(scaled, rel=1e-12)
    gradient = negative_log_likelihood(model.model_.W, X.mean(axis=0), np.log(model.model_.psi), X)[1]
    assert np.abs(gradient["W"]).max() < 1e-12 and abs(gradient["log_psi"].sum()) < 1e-12


def test_factor_analysis_reaches_scikit_learns_likelihood(X):
    ours = FactorAnalysis(2, tol=1e-11).fit(X)
    theirs = decomposition.FactorAnalysis(2, tol=1e-6, max_iter=20000, svd_method="lapack").fit(X)
    assert ours.score(X) == pytest.approx(theirs.score(X), abs=1e-6)
    assert -sum(ours.parts(X)) == pytest.approx(ours.score(X), rel=1e-12)
    assert all(a >= b - 1e-12 for a, b in itertools.pairwise(ours.loss_curve_))
    assert ours.loss_curve_[-1] == pytest.approx(-ours.score(X), abs=1e-9)
    gradient = negative_log_likelihood(ours.model_.W, X.mean(axis=0), np.log(ours.model_.psi), X)[1]
    assert max(np.abs(g).max() for g in gradient.values()) < 1e-5


def test_samples_have_the_covariance_of_the_model(X):
    model = FactorAnalysis(2).fit(X)
    draws = model.sample(100_000, rng=0)
    C = model.model_.W.T @ model.model_.W + np.diag(model.model_.psi)
    np.testing.assert_allclose(np.cov(draws.T), C, atol=0.03 * np.abs(C).max())


# -- the linear variational autoencoder ------------------------------------------------------------------------------


def test_the_gradient_of_the_linear_bound_is_right(rng):
    A = rng.standard_normal((5, 5))
    bound = _Bound(A @ A.T, 2, rng)

    def objective(theta):
        bound.theta[:] = theta
        return bound.value_and_grad(), bound.grad.copy()

    assert_gradient(objective, rng.uniform(-1, 1, bound.theta.size), rtol=1e-7, method="richardson")


def test_the_linear_bound_reaches_the_likelihood_of_probabilistic_pca_and_its_subspace():
    X = npae.datasets.load_digits().data
    vae, ppca = LinearVAE(3, random_state=0).fit(X), ProbabilisticPCA(3).fit(X)
    assert abs(vae.elbo(X) - ppca.score(X)) < 1e-6
    assert principal_angles(vae.decoder_.T, ppca.model_.W.T)[-1] < 1e-4
    assert vae.noise_variance_ == pytest.approx(ppca.model_.psi[0], rel=1e-6)


@pytest.mark.parametrize("scale", [1e-8, 1, 1e8])
@pytest.mark.parametrize("load", [datasets.load_wine, datasets.load_breast_cancer])
def test_the_linear_bound_reaches_that_likelihood_on_raw_measurements_in_any_unit(load, scale):
    X = scale * load().data
    vae, ppca = LinearVAE(2, random_state=0).fit(X), ProbabilisticPCA(2).fit(X)
    assert vae.result_.converged and abs(vae.elbo(X) - ppca.score(X)) < 1e-8
    assert vae.result_.value == pytest.approx(-vae.elbo(X), rel=1e-9)
    assert principal_angles(vae.decoder_.T, ppca.model_.W.T)[-1] < 1e-6
    assert vae.noise_variance_ == pytest.approx(ppca.model_.psi[0], rel=1e-5)


def test_a_linear_bound_that_is_not_at_its_maximum_is_told_in_words():
    X = datasets.load_breast_cancer().data
    with pytest.warns(UserWarning, match="after 100 iterations, expected at most 0.001: .* or standardize X"):
        early = LinearVAE(8, max_iter=100, random_state=0).fit(X)
    assert not early.result_.converged and early.elbo(X) < ProbabilisticPCA(8).fit(X).score(X) - 1
    standardized = LinearVAE(8, random_state=0).fit((X - X.mean(axis=0)) / X.std(axis=0))
    assert standardized.result_.converged


def test_away_from_its_optimum_the_bound_is_below_the_likelihood_of_the_same_decoder(X):
    with pytest.warns(UserWarning, match="not at its maximum"):
        vae = LinearVAE(2, random_state=0, max_iter=15).fit(X)
    assert vae.elbo(X) < vae.model_.log_likelihood(X).mean() < ProbabilisticPCA(2).fit(X).score(X)
    converged = LinearVAE(2, random_state=0).fit(X)
    np.testing.assert_allclose(converged.transform(X), converged.model_.encode(X), atol=1e-4)
    np.testing.assert_allclose(
        converged.reconstruct(X), converged.inverse_transform(converged.transform(X)), rtol=1e-12
    )


# -- sparse coding ---------------------------------------------------------------------------------------------------


@pytest.fixture
def dictionary(rng):
    W = rng.standard_normal((12, 8))
    return W / np.linalg.norm(W, axis=1, keepdims=True)


@pytest.mark.parametrize("infer", [ista, fista])
def test_inference_lowers_the_objective_at_every_step(infer, dictionary, rng):
    x = rng.standard_normal((30, 8))
    h, costs = infer(x, dictionary, 0.2, n_iter=200)
    assert (np.diff(costs) <= 1e-13).all()
    assert costs[-1] == pytest.approx(sparse_cost(x, h, dictionary, 0.2).mean(), rel=1e-13)


@pytest.mark.parametrize(("infer", "n_iter"), [(ista, 20_000), (fista, 2000)])
def test_the_codes_are_those_of_scikit_learns_lasso(infer, n_iter, dictionary, rng):
    x = rng.standard_normal((5, 8))
    h = infer(x, dictionary, 0.2, n_iter=n_iter)[0]
    theirs = decomposition.sparse_encode(x, dictionary, algorithm="lasso_lars", alpha=0.2)
    ours, other = (sparse_cost(x, code, dictionary, 0.2) for code in (h, theirs))
    np.testing.assert_allclose(ours, other, rtol=1e-8)
    np.testing.assert_allclose(h, theirs, atol=1e-5)


def test_fista_needs_fewer_steps_than_ista(dictionary, rng):
    x = rng.standard_normal((30, 8))
    best = fista(x, dictionary, 0.05, n_iter=3000)[1][-1]
    slow, fast = (infer(x, dictionary, 0.05, n_iter=60)[1][-1] - best for infer in (ista, fista))
    assert fast < slow / 5


@pytest.mark.slow
def test_the_gradient_for_the_dictionary_at_the_best_code_is_that_of_a_fixed_code(dictionary, rng):
    """The envelope theorem: d/dW min_h J = h^T (h W - x) / N."""
    x = rng.standard_normal((10, 8))

    def objective(W):
        h = fista(x, W, 0.2, n_iter=300)[0]
        return sparse_cost(x, h, W, 0.2).mean(), h.T @ (h @ W - x) / len(x)

    assert_gradient(objective, dictionary, method="central", directions=3, rtol=1e-6)


def test_learning_never_raises_the_objective_and_ends_below_a_random_dictionary():
    X = npae.datasets.load_digits().data[:400]
    model = SparseCoding(32, max_iter=12, n_iter_code=60, random_state=0).fit(X)
    assert (np.diff(model.loss_curve_) <= 1e-12).all()
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]
    assert (np.linalg.norm(model.components_, axis=1) < 1 + 1e-9).all()
    assert sum(model.parts(X)) == pytest.approx(-model.score(X)) and (model.transform(X) == 0).mean() > 0.3


# -- the restricted Boltzmann machine --------------------------------------------------------------------------------


def boltzmann(D=6, K=4, rng=0):
    network = BoltzmannNetwork(D, K, rng=0)
    network.theta = np.random.default_rng(rng).uniform(-1, 1, network.theta.size)
    return network


def brute_force_log_p(network, x):
    """log p(x) by the sum over every x and every h."""
    dense, c = network.encoder.layers[0], network.decoder.layers[0].b
    all_x = np.array(list(itertools.product([0.0, 1.0], repeat=dense.n_in)))
    all_h = np.array(list(itertools.product([0.0, 1.0], repeat=dense.n_out)))

    def log_weight(v):
        return np.logaddexp.reduce(v @ dense.W @ all_h.T + (v @ c)[:, None] + all_h @ dense.b, axis=1)

    return log_weight(x) - np.logaddexp.reduce(log_weight(all_x))


@pytest.mark.parametrize(("D", "K"), [(6, 4), (4, 6)])
def test_the_exact_likelihood_is_the_sum_over_all_states(D, K, rng):
    network, x = boltzmann(D, K), (rng.random((5, D)) > 0.5).astype(float)
    np.testing.assert_allclose(network.log_likelihood(x), brute_force_log_p(network, x), rtol=1e-11)
    everything = np.array(list(itertools.product([0.0, 1.0], repeat=D)))
    assert np.exp(network.log_likelihood(everything)).sum() == pytest.approx(1, rel=1e-12)


def test_contrastive_divergence_is_the_gradient_of_the_difference_of_free_energies(rng):
    network, x = boltzmann(), (rng.random((5, 6)) > 0.5).astype(float)
    sampled = network.gibbs(x, 2, rng=0)

    def objective(theta):
        other = network.astype(theta.dtype)
        other.theta = theta
        if theta.dtype.kind != "c":
            other._contrast(x, sampled)
        return other.free_energy(x).mean() - other.free_energy(sampled).mean(), other.grad.copy()

    assert_gradient(objective, network.theta.copy(), rtol=1e-12)
    assert network._contrast(x, sampled) == pytest.approx(objective(network.theta)[0], rel=1e-12)


def test_contrastive_divergence_with_very_many_turns_is_the_exact_gradient(rng):
    network, x = boltzmann(), (rng.random((4, 6)) > 0.5).astype(float)

    def exact_value(theta):
        other = boltzmann()
        other.theta = theta
        return -other.log_likelihood(x).mean()

    exact = numerical_gradient(exact_value, network.theta.copy())
    chain = network.gibbs(np.tile(x, (8000, 1)), 60, rng=0)
    network._contrast(x, chain)
    np.testing.assert_allclose(network.grad, exact, atol=0.02)


def test_mean_field_up_and_down_is_the_tied_autoencoder(bits):
    model = RBM(3, max_iter=3, random_state=0).fit(bits)
    dense, c = model.network_.encoder.layers[0], model.network_.decoder.layers[0].b
    h = 1 / (1 + np.exp(-(bits @ dense.W + dense.b)))
    np.testing.assert_allclose(model.transform(bits), h, rtol=1e-12)
    np.testing.assert_allclose(model.reconstruct(bits), 1 / (1 + np.exp(-(h @ dense.W.T + c))), rtol=1e-12)


def test_training_raises_the_exact_likelihood_and_its_parts_add_up(bits):
    before = RBM(4, max_iter=1, random_state=0).fit(bits)
    model = RBM(4, max_iter=300, optimizer=npae.SGD(0.3), batch_size=20, random_state=0).fit(bits)
    independent = stats.bernoulli(bits.mean(axis=0)).logpmf(bits).sum(axis=1).mean()
    assert model.score(bits) > before.score(bits) + 0.5 and model.score(bits) > independent + 0.5
    L, omega = model.parts(bits)
    assert L + omega == pytest.approx(-model.score(bits), rel=1e-10) and omega > 0


def test_gibbs_samples_follow_the_distribution(bits):
    model = RBM(4, max_iter=100, random_state=0).fit(bits)
    everything = np.array(list(itertools.product([0.0, 1.0], repeat=6)))
    draws = model.sample(20_000, rng=0, n_turns=200)
    counts = (draws @ 2 ** np.arange(5, -1, -1)).astype(int)
    p = np.exp(model.network_.log_likelihood(everything))
    np.testing.assert_allclose(np.bincount(counts, minlength=64) / 20_000, p, atol=0.015)


# -- a mixture of Gaussians ------------------------------------------------------------------------------------------


def test_the_likelihood_of_a_mixture_is_scipys(rng):
    x = rng.standard_normal((9, 3))
    model = MixtureOfGaussians(4, random_state=0).fit(x)
    model.means_, model.log_variances_ = rng.standard_normal((4, 3)), rng.uniform(-1, 1, (4, 3))
    model.logits_ = rng.uniform(-1, 1, 4)
    expected = sum(
        w * stats.multivariate_normal(m, np.diag(np.exp(v))).pdf(x)
        for w, m, v in zip(np.exp(model.logits_) / np.exp(model.logits_).sum(), model.means_, model.log_variances_)
    )
    np.testing.assert_allclose(model.score_samples(x), np.log(expected), rtol=1e-12)


def test_expectation_maximization_takes_scikit_learns_steps(rng):
    x = np.concatenate([rng.normal(m, 0.5, (80, 2)) for m in (-2, 0, 2)])
    ours = MixtureOfGaussians(3, random_state=0, tol=1e-10, max_iter=1000, min_variance=1e-6).fit(x)
    theirs = mixture.GaussianMixture(3, covariance_type="diag", tol=1e-10, max_iter=1000, means_init=ours.means_).fit(x)
    assert ours.score(x) == pytest.approx(theirs.score(x), abs=1e-5)
    assert (np.diff(ours.loss_curve_) <= 1e-4).all()


def test_responsibilities_are_the_code_and_the_parts_add_up(X):
    model = MixtureOfGaussians(4, random_state=0).fit(X)
    r = model.transform(X)
    np.testing.assert_allclose(r.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(model.reconstruct(X), r @ model.means_, rtol=1e-12)
    assert -sum(model.parts(X)) == pytest.approx(model.score(X), rel=1e-12)
    draws = model.sample(50_000, rng=0)
    np.testing.assert_allclose(draws.mean(axis=0), model.weights_ @ model.means_, atol=0.05)


@pytest.mark.parametrize(("dtype", "shift"), [("float32", 1e3), ("float32", 1e4), ("float64", 1e8)])
def test_a_mixture_far_from_zero_fits_and_scores_as_it_does_near_zero(rng, dtype, shift):
    far = np.concatenate([rng.normal(shift, size=(200, 3)), rng.normal(shift + 6, size=(200, 3))]).astype(dtype)
    near = far.astype(np.float64) - shift
    ours, same = (MixtureOfGaussians(2, random_state=0).fit(x) for x in (far, near))
    np.testing.assert_allclose(ours.loss_curve_, same.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(ours.score_samples(far), same.score_samples(near), rtol=1e-3)
    assert sum(ours.parts(far)) == pytest.approx(-same.score(near), rel=1e-5)


# -- the table -------------------------------------------------------------------------------------------------------


def test_the_table_puts_every_model_into_the_form():
    rows = form_table()
    assert rows[0] == ["model", "encoder", "decoder", "L", "Omega", "inference"]
    assert len(rows) == 1 + len(FORMS) and all(len(row) == 6 and all(row) for row in rows)


def test_for_fitted_models_l_and_omega_add_up_to_what_each_minimizes():
    X = npae.datasets.load_digits().data[:300]
    X = X + 0.05 * np.random.default_rng(0).standard_normal(X.shape)
    models = {
        "probabilistic PCA": ProbabilisticPCA(3).fit(X),
        "factor analysis": FactorAnalysis(3).fit(X),
        "linear VAE": LinearVAE(3, random_state=0, max_iter=500).fit(X),
        "variational autoencoder": VariationalAutoencoder(3, loss="gaussian", max_iter=5, random_state=0).fit(X),
        "sparse coding": SparseCoding(16, max_iter=3, random_state=0).fit(X),
        "mixture of Gaussians": MixtureOfGaussians(5, random_state=0).fit(X),
    }
    rows = form_table(models, X)
    assert rows[0][-3:] == ["L, nats", "Omega, nats", "sum"]
    for row, model in zip(rows[1:], models.values()):
        L, omega, total = (float(cell) for cell in row[-3:])
        assert total == pytest.approx(L + omega, abs=2e-3)
        exact = -model.elbo(X) if hasattr(model, "elbo") else -model.score(X)
        assert total == pytest.approx(exact, abs=2e-3)
    with pytest.raises(ValueError, match="expected names among"):
        form_table({"GAN": None}, X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X: ProbabilisticPCA(6).fit(X), "n_components=6"),
        (lambda X: ProbabilisticPCA(2).fit(X[:, :2].repeat(2, axis=1)), "expected some left over"),
        (lambda X: FactorAnalysis(0).fit(X), "n_components=0"),
        (lambda X: LinearVAE(6).fit(X), "n_components=6"),
        (lambda X: RBM(4).fit(X), r"expected all in \[0, 1\]"),
        (lambda X: MixtureOfGaussians(1000).fit(X), "n_components=1000"),
        (lambda X: SparseCoding(4, lam=-1).fit(X), "lam=-1"),
        (lambda X: boltzmann(25, 25).log_partition(), "expected at most 20"),
        (lambda X: MixtureOfGaussians(2).transform(X), "not fitted"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_came_and_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0).standard_normal((50, 6)))
