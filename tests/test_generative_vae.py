"""The variational autoencoder: its gradient, its bound, its face; what a wrong variance would do."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from scipy import integrate, stats

import npae
from npae import (
    BernoulliCrossEntropy,
    ContinuousBernoulli,
    Dense,
    Gaussian,
    GaussianCode,
    KLToStandardNormal,
    LearntVariance,
    SquaredError,
    Tanh,
    VariationalAutoencoder,
    WeightDecay,
)
from npae.generative import VariationalNetwork
from npae.generative.variational_network import kl_to_standard_normal
from npae.gradcheck import assert_gradient, check_network
from npae.objective import losses
from npae.objective.learnt_variance import widen_decoder

LOSSES = [
    BernoulliCrossEntropy(),
    ContinuousBernoulli(),
    SquaredError(),
    Gaussian(0.3),
    Gaussian("shared"),
    Gaussian("features"),
    Gaussian("samples"),
]


def network(loss=BernoulliCrossEntropy(), hidden=(4,), beta=1.0, penalties=(), rng=0, dtype=None, D=5, K=2):
    """D-hidden-K-hidden-D at unit scale, biases not zero."""
    rng = np.random.default_rng(rng)
    up, down = [D, *hidden, 2 * K], [K, *hidden[::-1], D]
    phis = [Tanh()] * len(hidden) + [npae.Identity()]
    encoder = [Dense(a, b, phi, rng=rng) for a, b, phi in zip(up, up[1:], phis)]
    decoder = [Dense(a, b, phi, rng=rng) for a, b, phi in zip(down, down[1:], phis)]
    options = {"loss": loss, "beta": beta, "penalties": penalties, "dtype": dtype}
    net = VariationalNetwork([*encoder, GaussianCode(K)], widen_decoder(decoder, loss, D), **options)
    net.theta = rng.uniform(-1, 1, net.theta.size)
    return net


# -- gradients -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("hidden", [(), (4,), (4, 3)], ids=str)
def test_the_gradient_with_the_noise_fixed_is_right_to_twelve_digits(loss, hidden, rng):
    net = network(loss, hidden, beta=0.7, penalties=[WeightDecay(0.1)])
    net.noise = rng.standard_normal((6, 2))
    assert_gradient_of(net, rng.random((6, 5)))


def assert_gradient_of(net, x):
    report = check_network(net, x, rtol=1e-12)
    assert report.ok, str(report)


def test_the_noise_is_an_argument_and_the_objective_a_function_of_it(rng):
    net, x, e = network(), rng.random((6, 5)), rng.standard_normal((6, 2))
    value, grad = net.value_and_grad(x, noise=e), net.grad.copy()
    assert net.value_and_grad(x, noise=e) == value == net.value(x, noise=e)
    assert np.array_equal(net.grad, grad)
    assert net.value_and_grad(x, noise=-e) != value and not np.array_equal(net.grad, grad)
    assert net.value(x) == net.value(x), "without a gradient the noise comes from one seed"
    assert net.value_and_grad(x) != net.value_and_grad(x), "training draws"

    def objective(theta):
        other = net.astype(theta.dtype)
        other.theta = theta
        return other.value_and_grad(x, noise=e), other.grad

    assert_gradient(objective, net.theta.copy(), rtol=1e-12)


def test_the_objective_is_the_bound_written_out(rng):
    net, x, e = network(beta=0.7), rng.random((6, 5)), rng.standard_normal((6, 2))
    W = net.parameters
    a = np.tanh(x @ W["encoder.0.W"] + W["encoder.0.b"]) @ W["encoder.1.W"] + W["encoder.1.b"]
    mu, sd = a[:, :2], np.sqrt(np.exp(a[:, 2:]))
    logits = np.tanh((mu + sd * e) @ W["decoder.0.W"] + W["decoder.0.b"]) @ W["decoder.1.W"] + W["decoder.1.b"]
    p = 1 / (1 + np.exp(-logits))
    reconstruction = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)
    kl = 0.5 * (mu**2 + sd**2 - 1 - 2 * np.log(sd)).sum(axis=1)
    assert net.value(x, noise=e) == pytest.approx((reconstruction + 0.7 * kl).mean(), rel=1e-13)


# -- a variance is a variance ----------------------------------------------------------------------------------------


def check_moments(code, kl):
    """q(h | x) = N(mu, exp(s)) in the draw and in the KL term: moments over nodes, KL by SciPy's integral."""
    mu, s = 0.3, -1.1
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    code.noise = nodes[:, None]
    h = code.forward(np.tile([[mu, s]], (9, 1)))[:, 0]
    weights = weights / weights.sum()
    q = stats.norm(mu, np.exp(s) ** 0.5)
    assert weights @ h == pytest.approx(mu) and weights @ (h - mu) ** 2 == pytest.approx(q.var())
    expected = integrate.quad(lambda h: q.pdf(h) * (q.logpdf(h) - stats.norm.logpdf(h)), -8, 8)[0]
    assert kl(np.array([[mu, s]]))[0] == pytest.approx(expected, rel=1e-9)


class LogDeviation(GaussianCode):
    """s taken for the log of the standard deviation: its gradient is right, the distribution is not."""

    def forward(self, x):
        K = self.n_out
        return super().forward(np.concatenate([x[:, :K], 2 * x[:, K:]], axis=1))


class VarianceForDeviation(GaussianCode):
    """exp(s) e for exp(s / 2) e, written out: the variance multiplies the noise."""

    def forward(self, x):
        K = self.n_out
        self.h = x[:, :K] + np.exp(x[:, K:]) * self.noise
        return self.h


def test_the_code_and_the_kl_term_take_s_for_a_log_variance():
    check_moments(GaussianCode(1), kl_to_standard_normal)


@pytest.mark.parametrize("wrong", [LogDeviation, VarianceForDeviation])
def test_a_standard_deviation_taken_for_a_variance_is_caught(wrong):
    with pytest.raises(AssertionError):
        check_moments(wrong(1), kl_to_standard_normal)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_kl_term_of_another_convention_is_caught(factor):
    def wrong(parameters):
        K = parameters.shape[1] // 2
        return kl_to_standard_normal(np.concatenate([parameters[:, :K], factor * parameters[:, K:]], axis=1))

    with pytest.raises(AssertionError):
        check_moments(GaussianCode(1), wrong)


def test_the_penalty_is_the_mean_of_the_kl_terms_and_reports_it_to_the_right_layer(rng):
    net, x = network(beta=2.5), rng.random((6, 5))
    net.encoder.forward(x)
    penalty = net.penalties[0]
    value = penalty(net.encoder)
    expected = sum(
        stats.norm(m, sd).entropy() * -1 + 0.5 * np.log(2 * np.pi) + 0.5 * (m**2 + sd**2)
        for m, sd in zip(net.code.x[:, :2].ravel(), np.exp(net.code.x[:, 2:] / 2).ravel())
    )
    assert value == pytest.approx(2.5 * expected / 6, rel=1e-12)
    assert net.encoder.layers[-2].pending.dh.shape == (6, 4)


# -- the bound -------------------------------------------------------------------------------------------------------


def test_the_bounds_are_ordered_and_below_the_exact_likelihood(rng):
    """A code of one unit: log p(x) by integration."""
    net, x = network(Gaussian(0.2), K=1), rng.random((8, 5))

    def density(h, n):
        return np.exp(net.loss.log_likelihood(net.decoder(np.array([[h]])), x[n : n + 1])[0]) * stats.norm.pdf(h)

    log_p = np.log([integrate.quad(density, -9, 9, args=(n,), limit=200)[0] for n in range(8)])
    reconstruction, kl = net.elbo_parts(x, n_samples=4000)
    elbo, tighter = reconstruction - kl, net.importance_weighted_bound(x, n_samples=4000)
    assert (elbo < log_p).all() and (elbo < tighter + 0.05).all()
    np.testing.assert_allclose(tighter, log_p, atol=0.1)
    one = np.mean([net.importance_weighted_bound(x, n_samples=1, rng=seed) for seed in range(3000)], axis=0)
    np.testing.assert_allclose(one, elbo, atol=0.25)


def test_the_objective_of_training_is_the_negative_elbo(rng):
    net, x = network(), (rng.random((500, 5)) > 0.5).astype(float)
    reconstruction, kl = net.elbo_parts(x, n_samples=300)
    values = np.mean([net.value_and_grad(x) for _ in range(300)])
    assert values == pytest.approx((kl - reconstruction).mean(), abs=0.02)


def test_a_linear_one_trained_by_sampling_comes_close_to_probabilistic_pca():
    X = np.random.default_rng(0).standard_normal((600, 2)) @ np.random.default_rng(1).standard_normal((2, 6))
    X = (X + 0.3 * np.random.default_rng(2).standard_normal(X.shape)).astype(np.float32)
    model = VariationalAutoencoder(2, loss="gaussian", optimizer=npae.Adam(npae.Cosine(2e-2, 3000)), max_iter=300,
                                   batch_size=60, tol=0.0, n_iter_no_change=300, random_state=0).fit(X)  # fmt: skip
    exact = npae.generative.ProbabilisticPCA(2).fit(X.astype(float)).score(X)
    assert exact - 0.15 < model.elbo(X, n_samples=50) < exact + 0.01


# -- the estimator ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bits():
    return (npae.datasets.load_digits().data > 0.5).astype(np.float32)


@pytest.fixture(scope="module")
def fitted(bits):
    return VariationalAutoencoder(2, hidden_layer_sizes=(32,), max_iter=15, random_state=0).fit(bits)


def test_fit_raises_the_bound_and_keeps_dtype_and_shapes(fitted, bits):
    short = VariationalAutoencoder(2, hidden_layer_sizes=(32,), max_iter=1, random_state=0).fit(bits)
    assert fitted.elbo(bits) > short.elbo(bits) + 1
    assert fitted.network_.theta.dtype == np.float32
    assert fitted.transform(bits).shape == (len(bits), 2) and fitted.reconstruct(bits).shape == bits.shape
    assert fitted.inverse_transform(np.zeros((3, 2), np.float32)).shape == (3, 64)
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0] and fitted.n_iter_ == 15


def test_elbo_is_a_number_of_nats_and_score_is_the_same(fitted, bits):
    reconstruction, kl = fitted.elbo_parts(bits)
    assert fitted.elbo(bits) == reconstruction - kl == fitted.elbo(bits) == fitted.score(bits)
    assert kl > 0 and fitted.elbo(bits) < fitted.importance_weighted_bound(bits, n_samples=20)
    assert fitted.parts(bits) == (-reconstruction, kl)


def test_samples_are_of_the_distribution_and_repeat_with_the_seed(fitted):
    draws = fitted.sample(50, rng=3)
    assert draws.shape == (50, 64) and set(np.unique(draws)) == {0, 1}
    assert np.array_equal(draws, fitted.sample(50, rng=np.random.default_rng(3)))
    means = fitted.sample(50, rng=3, mean=True)
    assert ((means > 0) & (means < 1)).all()
    assert not np.array_equal(fitted.sample(5), fitted.sample(5))


def test_the_code_of_transform_is_the_mean_and_draws_nothing(fitted, bits):
    np.testing.assert_allclose(fitted.transform(bits[:5]), fitted.transform(bits)[:5], rtol=1e-5)
    np.testing.assert_allclose(fitted.transform(bits), fitted.network_.posterior(bits)[:, :2], rtol=1e-6)


def test_the_same_seed_gives_the_same_weights_and_copies_train_alike(bits):
    make = lambda: VariationalAutoencoder(2, hidden_layer_sizes=(8,), max_iter=2, random_state=4)  # noqa: E731
    first, second = make().fit(bits), make().fit(bits)
    assert np.array_equal(first.network_.theta, second.network_.theta)
    copied = pickle.loads(pickle.dumps(first))
    assert np.array_equal(first.partial_fit(bits).network_.theta, copied.partial_fit(bits).network_.theta)
    assert np.array_equal(copy.deepcopy(first).transform(bits), first.transform(bits))


def test_saving_and_loading_gives_the_same_model(fitted, bits, tmp_path):
    fitted.save(tmp_path / "vae.npz")
    again = npae.load(tmp_path / "vae.npz")
    assert isinstance(again, VariationalAutoencoder) and again.get_params() == fitted.get_params()
    assert again.elbo(bits) == fitted.elbo(bits)


@pytest.mark.parametrize("loss", ["continuous_bernoulli", "gaussian", "squared_error", "laplace", Gaussian("samples")])
def test_every_distribution_trains_and_has_a_bound(loss):
    X = npae.datasets.load_digits().data[:300]
    first = VariationalAutoencoder(2, loss=loss, max_iter=1, random_state=0).fit(X)
    model = VariationalAutoencoder(2, loss=loss, max_iter=20, random_state=0).fit(X)
    assert model.elbo(X) > first.elbo(X)
    assert model.sample(4, rng=0).shape == (4, 64)


def test_early_stopping_and_corruption_go_with_it(bits):
    model = VariationalAutoencoder(
        2, hidden_layer_sizes=(16,), corruption=npae.MaskingNoise(0.2), early_stopping=True, max_iter=4, random_state=0
    ).fit(bits)
    assert len(model.history_["validation_loss"]) == 4


def test_beta_trades_the_length_of_the_code_for_the_reconstruction(bits):
    common = {"hidden_layer_sizes": (32,), "max_iter": 15, "random_state": 0}
    parts = [VariationalAutoencoder(4, beta=beta, **common).fit(bits).parts(bits) for beta in (0.2, 4.0)]
    assert parts[0][0] < parts[1][0] and parts[0][1] > 2 * parts[1][1]


def test_it_takes_part_in_scikit_learns_tools(bits):
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline

    model = clone(VariationalAutoencoder(3, beta=0.5, max_iter=2, random_state=0))
    assert model.beta == 0.5 and "tied" not in model.get_params()
    assert make_pipeline(model).fit_transform(bits[:100]).shape == (100, 3)
    assert repr(VariationalAutoencoder(3, beta=0.5)) == "VariationalAutoencoder(beta=0.5, n_components=3)"


# -- a learnt variance -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_feature", [True, False])
def test_a_learnt_variance_is_at_its_best_at_the_mean_square_of_the_residual(per_feature, rng):
    x = rng.standard_normal((400, 3)) * [1.0, 2.0, 0.5]
    layer = LearntVariance(3, per_feature=per_feature)
    loss = Gaussian("features" if per_feature else "shared")
    net = npae.Network([Dense(3, 1, rng=0)], [Dense(1, 3, rng=1), layer], loss=loss)
    squares = (x - net.reconstruct(x)) ** 2
    layer.b[:] = np.log(squares.mean(axis=0) if per_feature else squares.mean())
    best = net.value_and_grad(x)
    np.testing.assert_allclose(layer.db, 0, atol=1e-14)
    layer.b += 0.1
    assert net.value(x) > best
    assert np.allclose(np.exp(LearntVariance(3, start=0.25).b), 0.25)


def test_an_estimator_begins_with_the_variance_of_the_data(rng):
    X = rng.standard_normal((200, 5)) * [1, 2, 3, 4, 5]
    model = npae.Autoencoder(2, loss=Gaussian("features"), optimizer=npae.SGD(0.0), max_iter=1, random_state=0).fit(X)
    np.testing.assert_allclose(np.exp(model.network_.decoder.layers[-1].b), X.var(axis=0), rtol=1e-12)


@pytest.mark.parametrize("variance", ["shared", "features", "samples"])
def test_autoencoders_take_distributions_with_a_learnt_variance(variance, rng):
    X = rng.random((60, 5))
    model = npae.Autoencoder(2, loss=Gaussian(variance), max_iter=5, random_state=0).fit(X)
    assert model.reconstruct(X).shape == (60, 5) and np.isfinite(model.score(X))
    net = model.network_
    net.theta = rng.uniform(-1, 1, net.theta.size)
    assert_gradient_of(net, X[:6])


# -- what does not fit -----------------------------------------------------------------------------------------------


def test_bernoulli_on_grey_values_warns_once_and_names_the_continuous_one(rng):
    losses._warn_of_grey_values.cache_clear()
    a, grey = rng.standard_normal((3, 4)), rng.random((3, 4))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        BernoulliCrossEntropy().log_likelihood(a, np.round(grey))
        assert not caught
        for _ in range(3):
            BernoulliCrossEntropy().log_likelihood(a, grey)
    assert len(caught) == 1 and "ContinuousBernoulli" in str(caught[0].message)
    losses._warn_of_grey_values.cache_clear()


def plain(**options):
    return npae.Network([Dense(8, 2)], [Dense(2, 8)], **options)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: VariationalAutoencoder(beta=-1).fit(x), ValueError, "VariationalAutoencoder: got beta=-1"),
        (lambda x: VariationalAutoencoder(loss="cauchy").fit(x), ValueError, "loss='cauchy'"),
        (lambda x: VariationalAutoencoder(output_activation="sigmoid").fit(x), ValueError, "the loss takes logits"),
        (lambda x: VariationalAutoencoder(activation=["tanh"]).fit(x), ValueError, "expected 0, one a hidden layer"),
        (lambda x: VariationalAutoencoder().elbo(x), ValueError, "not fitted"),
        (lambda x: VariationalAutoencoder(max_iter=1).fit(x).sample(0), ValueError, "n=0"),
        (lambda x: VariationalAutoencoder(max_iter=1).fit(x).elbo(x, n_samples=0), ValueError, "n_samples=0"),
        (lambda x: VariationalAutoencoder(max_iter=1).fit(x - 2), ValueError, r"expected all in \[0, 1\]"),
        (lambda x: network().value(x[:, :5], noise=np.zeros((3, 2))), ValueError, "got noise of shape"),
        (
            lambda x: plain(penalties=[KLToStandardNormal()]),
            ValueError,
            "GaussianCode",
        ),
        (lambda x: npae.manifold.jacobian(network(), x[:, :5]), ValueError, "GaussianCode"),
        (
            lambda x: plain(loss=Gaussian("shared")),
            ValueError,
            "expected 16 outputs",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_what_came_and_what_was_expected(call, error, message):
    with pytest.raises(error, match=message):
        call((np.random.default_rng(0).random((4, 8)) > 0.5).astype(float))
