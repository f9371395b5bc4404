"""The scikit-learn face: conventions, input checks, reproducibility."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import npae
from npae import Adam, Autoencoder, Contractive, KLSparsity, MaskingNoise, TopK, WeightDecay
from optional_packages import import_or_skip


@pytest.fixture(scope="module")
def X():
    return npae.datasets.load_digits().data[:300]


def test_init_stores_its_arguments_untouched_and_clone_copies_them(X):
    penalties = [WeightDecay(1e-3)]
    model = Autoencoder(5, penalties=penalties, optimizer=Adam(0.01), max_iter=2, random_state=3)
    assert model.penalties is penalties
    assert clone(model).get_params()["optimizer"] == Adam(0.01)
    assert model.set_params(n_components=7).n_components == 7
    with pytest.raises(ValueError, match="Invalid parameter 'n_comp'"):
        model.set_params(n_comp=7)
    assert repr(model).startswith("Autoencoder(")


def test_a_pipeline_takes_it(X):
    h = make_pipeline(MinMaxScaler(), Autoencoder(4, max_iter=2, random_state=0)).fit_transform(X)
    assert h.shape == (300, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_the_data_is_kept(X, dtype):
    model = Autoencoder(4, max_iter=2, random_state=0).fit(X.astype(dtype))
    assert model.network_.theta.dtype == dtype
    assert model.transform(X.astype(dtype)).dtype == dtype
    assert model.reconstruct(X.astype(dtype)).dtype == dtype


def test_the_same_seed_gives_the_same_weights_whatever_form_it_has(X):
    fits = [
        Autoencoder(4, max_iter=2, corruption=MaskingNoise(0.2), random_state=seed).fit(X).network_.theta
        for seed in (7, 7, np.random.SeedSequence(7))
    ]
    assert np.array_equal(fits[0], fits[1])
    assert np.array_equal(fits[0], fits[2])


def test_noise_does_not_change_the_initial_weights(X):
    first = {}
    for name, corruption in (("plain", None), ("noisy", MaskingNoise(0.5))):
        model = Autoencoder(4, max_iter=1, corruption=corruption, optimizer=npae.SGD(0.0), random_state=0).fit(X)
        first[name] = model.network_.theta.copy()
    assert np.array_equal(first["plain"], first["noisy"])


def test_a_seed_sequence_is_not_used_up_by_a_fit(X):
    seed = np.random.SeedSequence(5)
    a, b = (Autoencoder(3, max_iter=1, random_state=seed).fit(X).network_.theta for _ in range(2))
    assert np.array_equal(a, b)


@pytest.mark.parametrize(("tied", "hidden"), [(False, ()), (True, ()), (False, (20,)), (True, (20, 10)), (False, 20)])
def test_the_objective_falls_for_every_shape(X, tied, hidden):
    model = Autoencoder(5, hidden_layer_sizes=hidden, tied=tied, max_iter=15, random_state=0, optimizer=Adam(0.01)).fit(
        X
    )
    assert model.loss_curve_[-1] < 0.5 * model.loss_curve_[0]
    assert model.reconstruct(X).shape == X.shape
    np.testing.assert_array_equal(model.inverse_transform(model.transform(X)), model.reconstruct(X))


def test_score_is_the_mean_log_likelihood_of_the_reconstruction_distribution(X):
    gaussian = Autoencoder(5, max_iter=3, random_state=0).fit(X)
    expected = -0.5 * ((gaussian.reconstruct(X) - X) ** 2).sum(axis=1) - 32 * np.log(2 * np.pi)
    assert gaussian.score(X) == pytest.approx(expected.mean(), rel=1e-12)
    bernoulli = Autoencoder(5, loss="bernoulli", max_iter=3, random_state=0).fit(X)
    p = bernoulli.reconstruct(X)
    expected = (X * np.log(p) + (1 - X) * np.log(1 - p)).sum(axis=1)
    assert bernoulli.score(X) == pytest.approx(expected.mean(), rel=1e-10)


def test_partial_fit_goes_on_where_it_stopped(X):
    model = Autoencoder(5, random_state=0, optimizer=Adam(0.01))
    for _ in range(12):
        model.partial_fit(X)
    assert model.n_iter_ == len(model.loss_curve_) == 12
    assert model.loss_curve_[-1] < 0.5 * model.loss_curve_[0]
    assert np.all(np.diff(model.history_["seconds"]) > 0)
    with pytest.raises(ValueError, match="expecting 64 features"):
        model.partial_fit(X[:, :10])


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_goes_on_training_its_own_weights_as_the_original_would(X, copier):
    model = Autoencoder(5, random_state=0).partial_fit(X)
    other = copier(model)
    before = model.network_.theta.copy()
    other.partial_fit(X)
    assert np.array_equal(model.network_.theta, before)
    model.partial_fit(X)
    assert np.array_equal(model.network_.theta, other.network_.theta)


def test_set_output_gives_frames_with_the_callers_index(X):
    pandas = import_or_skip("pandas")
    frame = pandas.DataFrame(X, columns=[f"p{i}" for i in range(64)], index=np.arange(300) + 5)
    model = Autoencoder(3, max_iter=1, random_state=0).set_output(transform="pandas").fit(frame)
    out = model.transform(frame)
    assert list(out.columns) == ["autoencoder0", "autoencoder1", "autoencoder2"]
    assert out.index[0] == 5
    with pytest.raises(ValueError, match="same order"):
        model.transform(frame[frame.columns[::-1]])


BAD_ARGUMENTS = {
    "n_components": (0, "n_components=0"),
    "hidden_layer_sizes": ((10, -1), "hidden_layer_sizes=-1"),
    "activation": ("swish", "activation='swish'"),
    "output_activation": ("soft", "output_activation='soft'"),
    "loss": ("hinge", "loss='hinge'"),
    "penalties": (Contractive(0.1), "expected a list"),
    "corruption": (0.3, "corruption=0.3"),
    "optimizer": ("adam", "optimizer='adam'"),
    "batch_size": (0, "batch_size=0"),
    "max_iter": (2.5, "max_iter=2.5"),
    "tol": (-1, "tol=-1"),
    "n_iter_no_change": (0, "n_iter_no_change=0"),
    "validation_fraction": (1.0, "validation_fraction=1.0"),
    "random_state": ("seed", "random_state: got 'seed'"),
    "tied": ("yes", "tied='yes'"),
    "callbacks": (3, "callbacks=3"),
    "callbacks, a generator": ((print for _ in range(2)), "callbacks=<generator"),
    "callbacks, a class": ([npae.WeightDecay], "callbacks="),
    "early_stopping": ("False", "early_stopping='False', expected True or False"),
    "warm_start": (1, "warm_start=1, expected True or False"),
    "block_size": (0, "block_size=0"),
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_a_bad_argument_is_refused_before_anything_is_trained(X, name):
    value, message = BAD_ARGUMENTS[name]
    model = Autoencoder(**{name.partition(",")[0]: value})
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(X)
    assert not hasattr(model, "network_")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"penalties": [KLSparsity(1, 0.1)], "activation": "relu"}, r"expected a bounded code"),
        ({"penalties": [Contractive(1)], "activation": TopK(3)}, r"got TopK\(k=3\)"),
        ({"loss": "bernoulli", "output_activation": "sigmoid"}, "takes logits"),
        ({"activation": ("relu", "tanh")}, "got 2 activations, expected 1"),
        ({"penalties": [0.1]}, "got penalty 0.1"),
    ],
)
def test_parts_that_do_not_fit_are_refused(X, changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Autoencoder(5, **changes).fit(X)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda X: X[0], ValueError, "Expected 2D array, got 1D"),
        (lambda X: X.reshape(300, 8, 8), ValueError, "Expected 2D array, got 3D"),
        (lambda X: X[:0], ValueError, "0 sample"),
        (lambda X: X[:, :0], ValueError, "0 feature"),
        (lambda X: np.where(X > 0.9, np.nan, X), ValueError, "contains NaN"),
        (lambda X: np.where(X > 0.9, np.inf, X), ValueError, "contains infinity"),
        (lambda X: X.astype(complex), ValueError, "Complex data not supported"),
        (lambda X: X.astype(str), TypeError, "expected numbers"),
        (lambda X: X * 2, ValueError, r"expected all in \[0, 1\]"),
    ],
)
def test_bad_data_is_refused_and_a_fitted_model_keeps_its_weights(X, spoil, error, message):
    model = Autoencoder(3, loss="bernoulli", max_iter=1, random_state=0).partial_fit(X)
    before = model.network_.theta.copy()
    for door in (model.partial_fit, model.fit, model.transform):
        if door == model.transform and "0, 1" in message:
            continue
        with pytest.raises(error, match=message):
            door(spoil(X))
        assert np.array_equal(model.network_.theta, before)


def test_an_unfitted_model_says_so():
    model = Autoencoder(3)
    for call in (model.transform, model.reconstruct, model.score, model.inverse_transform):
        with pytest.raises(ValueError, match="not fitted yet"):
            call(np.ones((2, 3)))
    with pytest.raises(ValueError, match="not fitted yet"):
        model.save("nowhere.npz")


def test_top_k_keeps_k_units(X):
    model = Autoencoder(20, activation=TopK(4), max_iter=3, random_state=0).fit(X)
    assert np.all((model.transform(X) != 0).sum(axis=1) <= 4)


def test_a_fit_that_is_refused_leaves_what_was_fitted_before():
    X = np.random.default_rng(0).random((60, 6))
    model = Autoencoder(2, max_iter=2, random_state=0).fit(X)
    before = model.transform(X)
    for changes, x in (
        ({"early_stopping": True, "validation_fraction": 0.0}, X),
        ({"early_stopping": False, "loss": "bernoulli"}, X[:, :3] * 9),
        ({"loss": "squared_error", "hidden_layer_sizes": None}, X),
        ({"hidden_layer_sizes": (), "optimizer": npae.Adam}, X),
        ({"optimizer": None, "corruption": npae.MaskingNoise}, X),
    ):
        with pytest.raises((ValueError, TypeError), match=r"Autoencoder|Bernoulli"):
            model.set_params(**changes).fit(x)
        np.testing.assert_array_equal(model.transform(X), before)
    new = Autoencoder(2, early_stopping=True)
    with pytest.raises(ValueError, match="validation_fraction"):
        new.fit(X[:3])
    with pytest.raises(ValueError, match="not fitted yet"):
        new.transform(X)


def test_a_callback_may_return_numpys_true():
    X = np.random.default_rng(0).random((20, 4))
    assert Autoencoder(2, max_iter=7, callbacks=lambda network, history: np.bool_(True)).fit(X).n_iter_ == 1


@pytest.mark.parametrize("optimizer", [None, npae.SGD(0.1, momentum=0.9), npae.RMSProp(0.01)])
def test_a_model_whose_arrays_are_mapped_from_a_file_goes_on_training(X, tmp_path, optimizer):
    joblib.dump(Autoencoder(5, optimizer=optimizer, random_state=0).partial_fit(X), tmp_path / "m.joblib")
    plain, mapped = joblib.load(tmp_path / "m.joblib"), joblib.load(tmp_path / "m.joblib", mmap_mode="r")
    assert np.array_equal(plain.partial_fit(X).network_.theta, mapped.partial_fit(X).network_.theta)


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e30, 1e200, 1e308])
@pytest.mark.parametrize("activation", ["sigmoid", "relu", "identity"])
def test_numbers_of_any_size_end_in_finite_results_or_a_named_error(size, activation):
    X = np.random.default_rng(0).random((30, 4)) * size
    model = Autoencoder(2, activation=activation, max_iter=3, random_state=0).fit(X / size)
    refusals = []
    for door in (model.transform, model.reconstruct, model.score, model.partial_fit):
        try:
            result = door(X)
        except (ValueError, npae.DivergenceError) as error:
            refusals.append(str(error))
        else:
            assert door == model.partial_fit or np.isfinite(result).all()
    assert all("leaves float64" in each or "diverged" in each for each in refusals)
