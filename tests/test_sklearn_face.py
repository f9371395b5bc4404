"""The scikit-learn conventions: both estimators under scikit-learn's own checks, nested parameters, names, frames."""

import warnings

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import npae
from npae import PCA, SGD, Adam, Autoencoder, Contractive, Cosine, MaskingNoise, VariationalAutoencoder, WeightDecay
from npae.base import Estimator
from npae.generative import (
    RBM,
    FactorAnalysis,
    LinearVAE,
    MixtureOfGaussians,
    ProbabilisticPCA,
    SparseCoding,
)
from optional_packages import import_or_skip


@pytest.fixture(scope="module")
def X():
    return npae.datasets.load_digits().data[:120]


class OnUnitInterval:
    """The estimators of binary x refuse what is outside of [0, 1]; scikit-learn's data are bent to fit."""

    def _check_fit(self, X, *, reset=True):
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(-super()._check_fit(X, reset=reset)))

    def _rows(self, X, *others, **named):  # of a memmap, too
        return super()._rows(np.asarray(X) if isinstance(X, np.memmap) else X, *others, **named)

    def _apply(self, f, X, name):
        return super()._apply(f, np.asarray(X) if isinstance(X, np.memmap) else X, name)


class UnitRBM(OnUnitInterval, RBM):
    pass


class UnitVAE(OnUnitInterval, VariationalAutoencoder):
    pass


ESTIMATORS = [
    Autoencoder(3, max_iter=3, random_state=0),
    PCA(2),
    VariationalAutoencoder(2, loss="squared_error", max_iter=2, random_state=0),
    UnitVAE(2, max_iter=2, random_state=0),
    UnitRBM(3, max_iter=2, random_state=0),
    LinearVAE(1, max_iter=200),
    SparseCoding(3, n_iter_code=5, max_iter=3),
    MixtureOfGaussians(2),
    ProbabilisticPCA(1),
    FactorAnalysis(1, max_iter=50),
]

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "Estimator .* does not inherit from", UserWarning)  # no need to
    common = parametrize_with_checks(ESTIMATORS)
    CHECKS = list(common.args[1])  # a generator for scikit-learn 1.6, which pytest 9 warns of


def name_of(check):
    return getattr(check, "func", check).__name__


@pytest.mark.filterwarnings("ignore:Estimator .* does not inherit from:UserWarning")
@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=common.kwargs["ids"])
def test_scikit_learns_common_checks_pass(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # one of the checks would be skipped without it
    if (
        isinstance(estimator, VariationalAutoencoder)
        and name_of(check) == "check_sample_weight_equivalence_on_dense_data"
    ):
        # it reorders the rows, which then draw other noise from the same stream: no two such fits are alike
        monkeypatch.setattr("npae.generative.variational_network.standard_normal", lambda rng, out: np.zeros_like(out))
    check(estimator)


def test_every_estimator_is_checked_and_by_as_many_checks_as_expected():
    classes = {each for room in (npae, npae.generative) for name in room.__all__ if name[0].isupper()
               if isinstance(each := getattr(room, name), type) and issubclass(each, Estimator)}  # fmt: skip
    assert {base for each in ESTIMATORS for base in type(each).__mro__} >= classes and len(classes) == 9
    assert len(CHECKS) >= 47 * len(ESTIMATORS)


def test_fields_of_parts_are_parameters():
    model = Autoencoder(optimizer=Adam(Cosine(0.1, 50)), penalties=[WeightDecay(0.1), Contractive(0.2)])
    params = model.get_params()
    assert params["optimizer__beta1"] == 0.9 and params["optimizer__lr__n_steps"] == 50
    assert params["penalties__1__lam"] == 0.2 and params["penalties__0"] == WeightDecay(0.1)
    assert Autoencoder().get_params()["optimizer__lr"] == 1e-3  # of the default optimizer
    assert "optimizer__lr" not in model.get_params(deep=False)


def test_setting_a_field_makes_a_new_part_and_leaves_the_old_one():
    penalties = [WeightDecay(0.1), Contractive(0.2)]
    model = Autoencoder(penalties=penalties, corruption=MaskingNoise(0.1))
    model.set_params(optimizer__lr=0.5, penalties__1__lam=3, corruption__p=0.7, n_components=4)
    assert (model.optimizer, model.corruption, model.n_components) == (Adam(0.5), MaskingNoise(0.7), 4)
    assert model.penalties == [WeightDecay(0.1), Contractive(3)] and penalties == [WeightDecay(0.1), Contractive(0.2)]
    model.set_params(optimizer__lr=Cosine(1, 9), optimizer=SGD(0.1, momentum=0.5))  # a part comes before its fields
    assert model.optimizer == SGD(Cosine(1, 9), momentum=0.5)
    model.set_params(optimizer__lr__n_steps=10)
    assert model.optimizer.lr == Cosine(1, 10)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_comp": 1}, "Invalid parameter 'n_comp' for Autoencoder"),
        (
            {"optimizer__rate": 1},
            r"Autoencoder: optimizer__rate: got no field 'rate' in Adam\(.*expected one of \['lr'",
        ),
        ({"penalties__1__lam": 1}, r"got no field '1' in .*, expected one of \['0'\]"),
        ({"loss__x": 1}, "got no field 'x' in 'squared_error'"),
        ({"optimizer__": 1}, "got no field ''"),
        ({"optimizer__lr": -1}, "Adam: got lr=-1"),
    ],
)
def test_a_wrong_name_or_value_is_refused_and_nothing_is_set(params, message):
    model = Autoencoder(penalties=[WeightDecay(0.1)])
    before = model.get_params()
    with pytest.raises(ValueError, match=message):
        model.set_params(n_components=5, **params)
    assert model.get_params() == before


@pytest.mark.parametrize("estimator", [Autoencoder(2, max_iter=1), VariationalAutoencoder(2, max_iter=1), RBM(2)])
def test_codes_of_a_wrong_width_are_refused_in_the_estimators_name(X, estimator):
    with pytest.raises(
        ValueError, match=rf"has 13 features, but {type(estimator).__name__} is expecting 2 features as input"
    ):
        estimator.fit((X - X.min()) / np.ptp(X)).inverse_transform(np.zeros((5, 13)))


def test_a_clone_has_equal_parts_of_its_own():
    model = Autoencoder(7, penalties=[WeightDecay(0.1)], optimizer=SGD(0.1), callbacks=[print])
    assert clone(model).get_params() == model.get_params()


def test_a_grid_search_goes_over_penalties_widths_and_fields(X):
    pipeline = Pipeline([("scale", MinMaxScaler()), ("ae", Autoencoder(3, max_iter=2, random_state=0))])
    grid = {
        "ae__penalties": [[], [Contractive(0.1)]],
        "ae__hidden_layer_sizes": [(), (8,)],
        "ae__optimizer__lr": [1e-3, 1e-2],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(X)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == 8 and len(set(scores)) == 8
    best = search.best_estimator_["ae"]
    assert best.network_.penalties == tuple(best.penalties)
    assert search.best_params_["ae__optimizer__lr"] == best.optimizer.lr


@pytest.mark.parametrize("make", [lambda: Autoencoder(3, max_iter=1, random_state=0), lambda: PCA(3)])
def test_feature_names_that_are_missing_or_new_are_warned_of_and_wrong_ones_refused(X, make):
    frame = import_or_skip("pandas").DataFrame(X, columns=[f"p{i}" for i in range(64)])
    named, unnamed = make().fit(frame), make().fit(X)
    with pytest.warns(
        UserWarning, match="X does not have valid feature names, but .* was fitted with feature names"
    ) as w:
        named.transform(X)
    assert w[0].filename == __file__  # it points at the caller's line
    with pytest.warns(UserWarning, match="X has feature names, but .* was fitted without feature names"):
        unnamed.transform(frame)
    with pytest.raises(ValueError, match="same order"):
        named.transform(frame[frame.columns[::-1]])


@pytest.mark.parametrize("make", [lambda: Autoencoder(3, max_iter=1, random_state=0), lambda: PCA(3)])
@pytest.mark.parametrize("kind", ["list", "tuple", "array", "pandas", "polars"])
def test_every_input_becomes_the_frame_that_was_asked_for(X, make, kind):
    pandas, polars = map(import_or_skip, ("pandas", "polars"))
    kinds = {"list": list, "tuple": tuple, "array": np.asarray, "pandas": pandas.DataFrame, "polars": polars.DataFrame}
    rows = kinds[kind](X.tolist() if kind in ("list", "tuple") else X)
    model = make().fit(rows)
    expected = model.transform(rows)
    for output, frame in (("pandas", pandas.DataFrame), ("polars", polars.DataFrame)):
        got = model.set_output(transform=output).transform(rows)
        assert isinstance(got, frame) and got.shape == (len(X), 3)
        np.testing.assert_array_equal(got.to_numpy(), expected)


def test_scikit_learns_configuration_chooses_the_output(X):
    pandas, polars = map(import_or_skip, ("pandas", "polars"))
    model = PCA(2).fit(X)
    for output, frame in (("pandas", pandas.DataFrame), ("polars", polars.DataFrame), ("default", np.ndarray)):
        with sklearn.config_context(transform_output=output):
            assert isinstance(model.transform(X), frame)


def test_the_columns_are_those_of_what_was_fitted(X):
    import_or_skip("pandas")
    model = Autoencoder(3, max_iter=1, random_state=0).set_output(transform="pandas").fit(X)
    assert list(model.set_params(n_components=5).transform(X)) == ["autoencoder0", "autoencoder1", "autoencoder2"]


def test_a_frame_library_that_is_not_there_is_named(X, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match="needs polars: pip install polars"):
        PCA(2).set_output(transform="polars").fit_transform(X)
