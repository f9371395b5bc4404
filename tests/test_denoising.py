"""What denoising learns: the score, chains of samples, the closed forms, the small-noise limit, the three steps."""

import itertools

import numpy as np
import pytest
from scipy import stats

import npae
from catalogue import relative_error
from npae import (
    BernoulliCrossEntropy,
    Dense,
    Gaussian,
    GaussianNoise,
    MaskingNoise,
    Network,
    SaltAndPepper,
    Sigmoid,
    Softplus,
    Tanh,
    TopK,
    datasets,
)
from npae.denoising import (
    ReconstructionDistribution,
    energy_distance,
    langevin,
    learn_reconstruction_distribution,
    linear_denoiser,
    reconstruction_derivatives,
    sample,
    score_field,
    small_noise,
    steps,
)


def network(D=3, K=4, activation=Tanh(), loss=npae.SquaredError(), rng=0, dtype=None):
    """D-K-2-K-D at unit scale, biases not zero."""
    rng = np.random.default_rng(rng)
    encoder = [Dense(D, K, activation, rng=rng), Dense(K, 2, activation, rng=rng)]
    decoder = [Dense(2, K, activation, rng=rng), Dense(K, D, rng=rng)]
    net = Network(encoder, decoder, loss=loss, dtype=dtype)
    net.theta = rng.uniform(-1, 1, net.theta.size)
    return net


# -- the score ---------------------------------------------------------------------------------------------------------


def test_the_score_field_is_the_reconstruction_minus_x_over_the_variance_of_the_noise(rng):
    net, x = network(), rng.random((7, 3))
    np.testing.assert_allclose(score_field(net, x, 0.5), (net.reconstruct(x) - x) / 0.25, rtol=1e-15)
    np.testing.assert_array_equal(score_field(net.reconstruct, x, 0.5), score_field(net, x, 0.5))
    before = x.copy()
    assert score_field(network(dtype=np.float32), x.astype(np.float32), 0.5).dtype == np.float32
    assert np.array_equal(x, before)


def test_the_linear_denoiser_of_gaussian_data_is_the_exact_score_to_ten_digits(rng):
    X = rng.standard_normal((500, 6)) @ rng.standard_normal((6, 6)) + rng.standard_normal(6)
    density = datasets.GaussianDensity(X.mean(axis=0), np.cov(X.T, bias=True))
    for sigma in (0.1, 0.5, 2.0):
        field = score_field(linear_denoiser(X, GaussianNoise(sigma)), X, sigma)
        assert relative_error(field, density.score(X, sigma)) < 1e-10


def test_the_conditional_mean_of_a_mixture_is_x_plus_the_variance_times_the_score(rng):
    """Tweedie's formula by brute force: E[x | x~] over very many clean points, importance weighted."""
    mixture = datasets.make_gaussian_mixture(200_000, means=3, std=0.3, rng=0)
    sigma, noisy = 0.4, rng.normal(0, 0.8, (5, 2))
    log_w = -((noisy[:, None] - mixture.data) ** 2).sum(axis=2) / (2 * sigma**2)
    w = np.exp(log_w - log_w.max(axis=1, keepdims=True))
    mean = (w @ mixture.data) / w.sum(axis=1, keepdims=True)
    np.testing.assert_allclose((mean - noisy) / sigma**2, mixture.score(noisy, sigma), atol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mixture", "ring"])
def test_a_trained_autoencoder_has_the_exact_smoothed_score_where_there_are_data(name):
    from npae.experiments.denoising import learn_score

    result = learn_score(name, n_steps=2500)
    assert result.cosine > 0.98 and result.relative_error < 0.15, result


# -- chains ------------------------------------------------------------------------------------------------------------


def test_langevin_steps_along_an_exact_score_reach_the_density():
    """For N(0, v) the chain's variance is v / (1 - step / 4 v)."""
    chain = langevin(lambda x: -x / 0.5, np.zeros((4000, 1)), 0.2, 60, rng=0)
    assert chain.shape == (60, 4000, 1)
    assert chain[20:].var() == pytest.approx(0.5 / (1 - 0.2 / 2), rel=0.03)
    assert stats.kstest(chain[-1, :, 0] / chain[-1].std(), "norm").pvalue > 0.01


def test_a_chain_with_langevin_steps_is_langevin_on_the_score_field(rng):
    net, x = network(), rng.random((5, 3))
    chain = sample(net, x, GaussianNoise(0.5), 4, rng=3, method="langevin", step_size=0.01)
    expected = langevin(lambda y: score_field(net, y, 0.5), x, 0.01, 4, rng=3)
    np.testing.assert_array_equal(chain, expected)
    default = sample(net, x, GaussianNoise(0.5), 4, rng=3, method="langevin")
    np.testing.assert_array_equal(default, langevin(lambda y: score_field(net, y, 0.5), x, 0.025, 4, rng=3))


def test_walkback_corrupts_and_reconstructs_in_turn(rng):
    net, x = network(), rng.random((5, 3))
    chain, generator = sample(net, x, MaskingNoise(0.3), 3, rng=2), np.random.default_rng(2)
    before = x.copy()
    for each in chain:
        before = net.reconstruct(MaskingNoise(0.3).corrupt(before, generator))
        np.testing.assert_array_equal(each, before)


def test_walkback_draws_from_the_reconstruction_distribution_where_the_loss_has_a_spread(rng):
    net, x = network(loss=BernoulliCrossEntropy()), rng.random((50, 3))
    assert set(np.unique(sample(net, x, MaskingNoise(0.3), 3, rng=2))) == {0, 1}
    assert len(np.unique(sample(net, x, MaskingNoise(0.3), 3, rng=2, draw=False))) > 2
    assert not np.array_equal(
        *(sample(network(), x, GaussianNoise(0.1), 2, rng=2, draw=draw) for draw in (True, False))
    )


def test_walkback_of_gaussian_data_settles_at_the_variance_that_the_algebra_gives():
    """x~ = x + s e, x ~ N(a x~, s^2 a) with a = v / (v + s^2): the stationary variance is v itself."""
    v, s = 1.5, 0.7
    a = v / (v + s**2)
    dense, copy = Dense(1, 1), Dense(1, 1)
    dense.W[:], copy.W[:] = a, 1
    net = Network([dense], [copy], loss=Gaussian(s**2 * a))
    chain = sample(net, np.zeros((4000, 1)), GaussianNoise(s), 80, rng=0)
    assert chain[40:].var() == pytest.approx(v, rel=0.03)


def test_chains_repeat_with_the_seed_and_take_estimators(rng):
    X = rng.random((40, 3)).astype(np.float32)
    model = npae.Autoencoder(2, max_iter=2, random_state=0).fit(X)
    first, second = (sample(model, X, GaussianNoise(0.2), 5, rng=4) for _ in range(2))
    assert first.shape == (5, 40, 3) and first.dtype == np.float32 and np.array_equal(first, second)
    assert score_field(model, X, 0.2).shape == X.shape


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mixture", "ring"])
def test_langevin_samples_are_as_close_to_the_data_as_fresh_samples_of_the_smoothed_density(name):
    from npae.experiments.denoising import langevin_quality, learn_score

    result = learn_score(name, n_steps=2500)
    ours, fresh = langevin_quality(result, n_samples=1500)
    assert ours < 1.5 * fresh


def test_the_energy_distance_in_one_dimension_is_scipys_squared(rng):
    x, y = rng.standard_normal(300), rng.standard_normal(200) + 0.5
    assert energy_distance(x[:, None], y[:, None]) == pytest.approx(stats.energy_distance(x, y) ** 2, rel=1e-10)
    assert energy_distance(x[:, None], x[:, None]) == 0


def test_the_energy_distance_of_the_same_samples_in_another_order_is_not_below_zero():
    for seed in range(9):
        x = np.random.default_rng(seed).random((700, 3))
        assert 0 <= energy_distance(x, x[::-1]) < 1e-15


@pytest.mark.parametrize(("d", "e"), [(2, 3), (3, 2)])
def test_an_energy_distance_is_between_samples_of_as_many_features(rng, d, e):
    X = rng.random((5, 3))
    with pytest.raises(ValueError, match=f"Y has {e} features, but energy_distance is expecting {d} features"):
        energy_distance(X[:, :d], X[:, :e])


# -- linear denoising --------------------------------------------------------------------------------------------------


def exact_pairs(x, corruption):
    """Corrupted versions and their probabilities that have the corruption's first two moments exactly."""
    D = len(x)
    if isinstance(corruption, GaussianNoise):  # +-sqrt(D) sigma along each axis
        steps = np.sqrt(D) * corruption.sigma * np.eye(D)
        return np.concatenate([x + steps, x - steps]), np.full(2 * D, 1 / (2 * D))
    hidden = np.array(list(itertools.product([0.0, 1.0], repeat=D)))
    p = corruption.p
    return x * (1 - hidden), p ** hidden.sum(axis=1) * (1 - p) ** (D - hidden.sum(axis=1))


@pytest.mark.parametrize("corruption", [GaussianNoise(0.4), MaskingNoise(0.3)], ids=repr)
def test_the_closed_form_solves_the_normal_equations_of_all_pairs_to_twelve_digits(corruption, rng):
    X = rng.random((20, 5)) @ rng.standard_normal((5, 5)) + 0.3
    pairs = [(*exact_pairs(x, corruption), x) for x in X]
    noisy = np.concatenate([each for each, _, _ in pairs])
    weights = np.concatenate([w for _, w, _ in pairs]) / len(X)
    clean = np.concatenate([np.tile(x, (len(w), 1)) for _, w, x in pairs])
    affine = np.column_stack([noisy, np.ones(len(noisy))])
    denoiser = linear_denoiser(X, corruption)
    solution = np.vstack([denoiser.A, denoiser.b])
    left, right = affine.T @ (weights[:, None] * affine) @ solution, affine.T @ (weights[:, None] * clean)
    assert relative_error(left, right) < 1e-12
    root = np.sqrt(weights)[:, None]
    assert relative_error(solution, np.linalg.lstsq(root * affine, root * clean, rcond=None)[0]) < 1e-11


def test_for_gaussian_noise_it_is_the_formula_of_the_text_books(rng):
    X = rng.standard_normal((100, 5)) @ rng.standard_normal((5, 5))
    S = np.cov(X.T, bias=True)
    expected = np.linalg.solve(S + 0.3**2 * np.eye(5), S)
    assert relative_error(linear_denoiser(X, GaussianNoise(0.3)).A, expected) < 1e-12


@pytest.mark.parametrize(
    "corruption",
    [
        GaussianNoise(0.3),
        MaskingNoise(0.4),
        SaltAndPepper(0.3),
    ],
    ids=lambda corruption: type(corruption).__name__,
)
def test_no_affine_map_fitted_to_many_draws_does_better(corruption, rng):
    X = rng.random((200, 6)) @ rng.random((6, 6)) / 3
    denoiser, clean = linear_denoiser(X, corruption), np.tile(X, (100, 1))
    noisy = corruption.corrupt(clean, 1)
    fitted = np.linalg.lstsq(np.column_stack([noisy, np.ones(len(noisy))]), clean, rcond=None)[0]
    fresh = corruption.corrupt(clean, 2)
    ours, theirs = (
        ((r - clean) ** 2).sum(axis=1).mean() for r in (denoiser.reconstruct(fresh), fresh @ fitted[:-1] + fitted[-1])
    )
    assert ours < theirs * 1.001
    np.testing.assert_allclose(denoiser.A, fitted[:-1], atol=0.06)


@pytest.mark.parametrize("corruption", [GaussianNoise(0.5), MaskingNoise(0.3)], ids=repr)
def test_linear_denoising_on_fixed_draws_approaches_the_closed_form_as_one_over_their_root(corruption):
    from benchmarks.claims.denoising import linear_convergence

    result = linear_convergence(corruption, draws=(2, 8, 32, 128), repeats=3)
    assert result.errors[-1] < 0.2 * result.errors[0]
    assert -0.65 < result.slope < -0.35, result


def test_a_linear_denoiser_is_a_network_too(rng):
    X = rng.random((30, 4))
    denoiser = linear_denoiser(X, MaskingNoise(0.2))
    np.testing.assert_allclose(denoiser.network().reconstruct(X), denoiser.reconstruct(X), rtol=1e-13)


def test_a_feature_that_never_varies_is_its_own_reconstruction(rng):
    X = rng.random((30, 4))
    X[:, 2] = 0
    r = linear_denoiser(X, MaskingNoise(0.2)).reconstruct(X)
    assert np.isfinite(r).all() and np.abs(r[:, 2]).max() < 1e-12


# -- the small-noise limit ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [npae.SquaredError(), BernoulliCrossEntropy(), Gaussian(0.5)], ids=repr)
@pytest.mark.parametrize("activation", [Tanh(), Sigmoid(), Softplus()], ids=repr)
def test_derivatives_of_the_reconstruction_are_those_of_differences(activation, loss, rng):
    net, x, h = network(activation=activation, loss=loss), rng.standard_normal((4, 3)), 1e-4
    r, J, laplacian = reconstruction_derivatives(net, x)
    np.testing.assert_allclose(r, net.reconstruct(x), rtol=1e-14)
    plus = np.stack([net.reconstruct(x + e) for e in h * np.eye(3)], axis=2)
    minus = np.stack([net.reconstruct(x - e) for e in h * np.eye(3)], axis=2)
    np.testing.assert_allclose(J, (plus - minus) / (2 * h), atol=1e-7)
    np.testing.assert_allclose(laplacian, (plus - 2 * r[:, :, None] + minus).sum(axis=2) / h**2, atol=1e-6)


def expected_loss(net, x, sigma, n=7):
    """E 1/2 ||r(x + sigma e) - x||^2 by a Gauss-Hermite rule in every direction, mean over rows."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    weights = weights / weights.sum()
    total = 0.0
    for point in itertools.product(range(n), repeat=x.shape[1]):
        e = sigma * nodes[list(point)]
        total += weights[list(point)].prod() * 0.5 * ((net.reconstruct(x + e) - x) ** 2).sum(axis=1).mean()
    return total


def test_the_denoising_loss_grows_by_contraction_and_laplacian_and_not_by_contraction_alone(rng):
    net, x = network(), rng.standard_normal((5, 3))
    limit, zero = small_noise(net, x), expected_loss(net, x, 0.0, n=1)
    gaps = [abs((expected_loss(net, x, s) - zero) / s**2 - limit.total) for s in (0.1, 0.05, 0.025)]
    assert gaps[2] < 2e-3 * abs(limit.total)
    assert np.log2(gaps[0] / gaps[1]) == pytest.approx(2, abs=0.2) and np.log2(gaps[1] / gaps[2]) == pytest.approx(
        2, abs=0.1
    )
    assert abs(limit.laplacian) > 20 * gaps[2], "the contraction alone is not the limit"


def test_for_a_linear_network_the_laplacian_term_is_zero_and_the_limit_exact(rng):
    X = rng.random((20, 4))
    net = linear_denoiser(X, GaussianNoise(0.3)).network()
    limit = small_noise(net, X)
    assert limit.laplacian == 0
    assert limit.contraction == pytest.approx(0.5 * (net.encoder.layers[0].W ** 2).sum(), rel=1e-13)


# -- the three steps ---------------------------------------------------------------------------------------------------


def test_the_three_steps_are_the_loop_written_out(rng):
    X, noise = rng.random((50, 3)), GaussianNoise(0.3)
    ours, by_hand = network(), network()
    values = learn_reconstruction_distribution(ours, X, noise, n_steps=4, batch_size=8, optimizer=npae.SGD(0.1), rng=5)
    generator, expected = np.random.default_rng(5), []
    for _ in range(4):
        x = X[generator.integers(50, size=8)]
        expected.append(by_hand.value_and_grad(noise.corrupt(x, generator), x))
        by_hand.theta -= 0.1 * by_hand.grad
    np.testing.assert_allclose(values, expected, rtol=1e-14)
    np.testing.assert_allclose(ours.theta, by_hand.theta, rtol=1e-13)


def test_each_step_does_what_its_name_says(rng):
    X = rng.random((50, 3))
    x = steps.sample_training_example(X, 8, np.random.default_rng(1))
    assert x.shape == (8, 3) and all((row == X).all(axis=1).any() for row in x)
    noisy = steps.sample_corrupted_version(x, MaskingNoise(0.5), np.random.default_rng(2))
    assert np.array_equal(noisy, MaskingNoise(0.5).corrupt(x, np.random.default_rng(2)))
    net = network()
    before = steps.use_as_training_example(net, npae.SGD(0.05).start(net.theta), x, noisy)
    assert before == network().value(noisy, x) and net.value(noisy, x) < before


@pytest.mark.parametrize("loss", [BernoulliCrossEntropy(), Gaussian(0.2)], ids=repr)
def test_the_reconstruction_distribution_is_the_losss_at_the_decoders_output(loss, rng):
    net, noisy = network(loss=loss), rng.random((6, 3))
    x = (rng.random((6, 3)) > 0.5).astype(float)
    p = ReconstructionDistribution(net)
    a = net.decoder(net.encoder(noisy))
    np.testing.assert_allclose(p.mean(noisy), net.reconstruct(noisy), rtol=1e-15)
    np.testing.assert_array_equal(p.sample(noisy, 3), loss.sample(a, 3))
    np.testing.assert_allclose(p.log_likelihood(x, noisy), loss.log_likelihood(a, x), rtol=1e-15)
    draws = np.mean([p.sample(noisy, seed) for seed in range(400)], axis=0)
    np.testing.assert_allclose(draws, p.mean(noisy), atol=0.12)


def test_learning_raises_the_log_likelihood_of_held_out_pairs(rng):
    X = datasets.load_digits().data
    train, test = (X > 0.5)[:1400].astype(float), (X > 0.5)[1400:].astype(float)
    noise, layers = SaltAndPepper(0.3), ([Dense(64, 32, Sigmoid(), rng=0)], [Dense(32, 64, rng=1)])
    net = Network(*layers, loss=BernoulliCrossEntropy(), dtype=np.float32)
    noisy, p = noise.corrupt(test, 9), ReconstructionDistribution(net)
    before = p.log_likelihood(test, noisy).mean()
    learn_reconstruction_distribution(net, train, noise, n_steps=600, rng=0)
    assert p.log_likelihood(test, noisy).mean() > before + 15


# -- what does not fit -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: score_field(network(), x, 0.0),
            ValueError,
            "score_field: got sigma=0.0, expected a finite number > 0",
        ),
        (lambda x: score_field(network(), x, -1.0), ValueError, "sigma=-1.0"),
        (lambda x: score_field(3, x, 1.0), TypeError, "expected a Network, a fitted estimator or a function"),
        (lambda x: score_field(npae.Autoencoder(2), x, 1.0), ValueError, "not fitted"),
        (lambda x: sample(network(), x, GaussianNoise(0.1), 0, rng=0), ValueError, "n_steps=0"),
        (lambda x: sample(network(), x, GaussianNoise(0.1), 2, rng=0, method="gibbs"), ValueError, "method='gibbs'"),
        (lambda x: sample(network(), x, MaskingNoise(0.1), 2, rng=0, method="langevin"), TypeError, "GaussianNoise"),
        (lambda x: sample(network(), x, 0.3, 2, rng=0), TypeError, "corruption=0.3"),
        (lambda x: sample(lambda y: y, x, GaussianNoise(0.1), 2, rng=0, draw=True), TypeError, "draw=False"),
        (lambda x: langevin(lambda y: y, x, 0, 2, rng=0), ValueError, "step_size=0"),
        (lambda x: linear_denoiser(x, 0.3), TypeError, "expected a corruption with joint_moments"),
        (lambda x: small_noise(network(activation=TopK(1)), x), ValueError, "expected elementwise activations"),
        (lambda x: small_noise(lambda y: y, x), TypeError, "expected a Network"),
        (lambda x: ReconstructionDistribution(lambda y: y), TypeError, "mean, sample and log_likelihood"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_came_and_what_was_expected(call, error, message):
    with pytest.raises(error, match=message):
        call(np.random.default_rng(0).random((4, 3)))
