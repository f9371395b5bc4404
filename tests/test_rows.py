"""The samples that training visits: every row as often as it should be, from memory or from a disk alike."""

import numpy as np
import pytest

import npae
from npae import Autoencoder
from npae.objective.kernels import Buffers
from npae.training.rows import Rows, is_out_of_core
from optional_packages import import_or_skip


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(3).random((157, 6))


def on_a_disk(kind, X, folder):
    """X in a file, as memmap, zarr array or h5py data set."""
    if kind == "memmap":
        np.save(folder / "x.npy", X)
        return np.load(folder / "x.npy", mmap_mode="r")
    if kind == "zarr":
        stored = import_or_skip("zarr").open(
            str(folder / "x.zarr"), mode="w", shape=X.shape, chunks=(20, X.shape[1]), dtype=X.dtype
        )
        stored[:] = X
        return stored
    return import_or_skip("h5py").File(folder / "x.h5", "w").create_dataset("x", data=X)


def one_epoch(rows, seed=0, batch_size=16, skip=0):
    return [x.copy() for x, _ in rows.batches(np.random.default_rng(seed), batch_size, Buffers(), skip)]


@pytest.mark.parametrize("block_size", [None, 1, 16, 40, 157, 1000])
def test_an_epoch_visits_every_row_once_in_a_new_order(X, block_size):
    rows = Rows(X, np.float64, block_size=block_size)
    first, second = (np.concatenate(one_epoch(rows, seed)) for seed in (0, 1))
    for visited in (first, second):
        assert not np.array_equal(visited, X)
        np.testing.assert_array_equal(np.sort(visited, axis=0), np.sort(X, axis=0))
    assert not np.array_equal(first, second)


def test_a_block_is_read_as_a_whole(X):
    x = np.arange(100.0)[:, None]
    visited = np.concatenate(one_epoch(Rows(x, np.float64, block_size=20), batch_size=5)).ravel()
    blocks = visited.reshape(5, 20) // 20
    assert (blocks == blocks[:, :1]).all() and not np.array_equal(blocks[:, 0], range(5))


@pytest.mark.parametrize("skip", [0, 1, 3, 7, 9])
@pytest.mark.parametrize("weighted", [False, True])
def test_batches_that_are_left_out_change_none_of_the_others(X, skip, weighted):
    weight = np.random.default_rng(0).random(157) * 2 if weighted else None
    rows = Rows(X, np.float64, block_size=48, weight=weight)
    whole, rest = one_epoch(rows), one_epoch(rows, skip=skip)
    assert len(rest) == len(whole) - skip
    assert all(np.array_equal(a, b) for a, b in zip(whole[skip:], rest))


@pytest.mark.parametrize("block_size", [None, 30])
def test_a_part_and_the_rest_make_up_the_whole(X, block_size):
    train, validation = Rows(X, np.float64, block_size=block_size).split(0.3, np.random.default_rng(0))
    assert train.shape[0] + validation.shape[0] == 157 and abs(validation.shape[0] - 47) <= 3
    a, b = np.concatenate(one_epoch(train)), np.concatenate(list(validation.in_order(10)))
    assert len(a) == len(train) and len(b) == len(validation)
    np.testing.assert_array_equal(np.sort(np.concatenate([a, b]), axis=0), np.sort(X, axis=0))
    again = np.concatenate(list(validation.in_order(10)))
    np.testing.assert_array_equal(b, again)


@pytest.mark.parametrize("block_size", [None, 40])
def test_whole_weights_are_repeated_rows(X, block_size):
    weight = np.random.default_rng(0).integers(0, 4, 157)
    visited = np.concatenate(one_epoch(Rows(X, np.float64, block_size=block_size, weight=weight)))
    np.testing.assert_array_equal(np.sort(visited, axis=0), np.sort(np.repeat(X, weight, axis=0), axis=0))


def test_a_fraction_is_the_probability_of_a_visit():
    x, weight = np.arange(50.0)[:, None], np.linspace(0, 2.5, 50)
    rows = Rows(x, np.float64, weight=weight, block_size=20)
    visits = np.zeros(50)
    for seed in range(2000):
        visited = np.concatenate(one_epoch(rows, seed)).ravel().astype(int)
        counts = np.bincount(visited, minlength=50)
        assert (counts >= np.floor(weight)).all() and (counts <= np.floor(weight) + 1).all()
        assert abs(len(visited) - weight.sum()) < 1  # the number of visits hardly changes
        visits += counts
    np.testing.assert_allclose(visits / 2000, weight, atol=5 * 0.5 / 2000**0.5)


@pytest.mark.parametrize("batch_size", [10, 200])
def test_a_fit_with_whole_weights_is_the_fit_of_the_repeated_rows(X, batch_size):
    weight = np.random.default_rng(0).integers(0, 4, 157)
    settings = {"n_components": 3, "max_iter": 4, "batch_size": batch_size, "random_state": 0, "tol": 0}
    settings["penalties"] = [npae.Contractive(0.1), npae.L1Sparsity(0.01)]
    weighted = Autoencoder(**settings).fit(X, sample_weight=weight)
    repeated = Autoencoder(**settings).fit(np.repeat(X, weight, axis=0))
    assert np.array_equal(weighted.network_.theta, repeated.network_.theta)
    score = Autoencoder.score(weighted, X, sample_weight=weight)
    assert score == pytest.approx(repeated.score(np.repeat(X, weight, axis=0)), rel=1e-12)


def test_equal_weights_of_one_are_no_weights(X):
    a, b = (Autoencoder(3, max_iter=3, random_state=0).fit(X, sample_weight=w) for w in (None, np.ones(157)))
    assert np.array_equal(a.network_.theta, b.network_.theta)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(3), "got 3 sample weights, expected 157"),
        (-np.ones(157), "all finite and at least 0"),
        (np.full(157, np.nan), "all finite"),
        (np.zeros(157), "every weight zero"),
        (np.full(157, 1e-3), "expected a sum of at least 1"),
        (np.full(157, 1e307), "the sum inf, expected a sum of at least 1"),
        (np.ones((157, 1)), r"expected numbers \(157,\)"),
        (["a"] * 157, r"expected numbers \(157,\)"),
    ],
)
def test_bad_weights_are_refused(X, weight, message):
    with pytest.raises(ValueError, match=f"Autoencoder: .*{message}"):
        Autoencoder(3).fit(X, sample_weight=weight)


@pytest.mark.parametrize("make", [Autoencoder, npae.VariationalAutoencoder])
def test_the_scale_of_weights_does_not_matter_to_a_score(X, make):
    model, weight = make(3, loss="squared_error", max_iter=1, random_state=0).fit(X), np.arange(157.0)
    expected = model.score(X, sample_weight=weight)
    for scale in (1e-200, 1 / weight.sum(), 1e200):
        assert model.score(X, sample_weight=scale * weight) == pytest.approx(expected, rel=1e-12)
    for bad in (0 * weight, np.full(157, 1e307)):
        with pytest.raises(ValueError, match="expected a finite sum above 0"):
            model.score(X, sample_weight=bad)


def test_weights_normalized_to_a_sum_of_one_are_a_visit_an_epoch(X):
    for n in range(1, 60):
        weight = np.full(n, 1 / n)
        Autoencoder(2, max_iter=1, random_state=0).fit(X[:n], sample_weight=weight)
        assert sum(map(len, one_epoch(Rows(X[:n], np.float64, weight=weight)))) == 1


@pytest.mark.parametrize("block_size", [None, 40])
@pytest.mark.parametrize("share", [1, 0.25])
def test_early_stopping_visits_weighted_samples_on_each_side_or_says_that_it_cannot(X, block_size, share):
    weight, refused = np.where(np.arange(157) < 12, share, 0), []
    for seed in range(12):
        settings = {"early_stopping": True, "validation_fraction": 0.06, "max_iter": 2, "random_state": seed}
        model = Autoencoder(3, block_size=block_size, **settings)
        try:
            assert np.isfinite(model.fit(X, sample_weight=weight).history_["validation_loss"]).all()
        except ValueError as error:
            refused.append(str(error))
    assert 0 < len(refused) < 12
    assert all("expected at least one sample that its weight lets an epoch visit on each" in each for each in refused)


def test_blocks_too_small_to_be_split_are_named(X):
    with pytest.raises(ValueError, match=r"0.1 of 157 samples, .* each side of a block, of block_size=5 rows"):
        Autoencoder(3, early_stopping=True, block_size=5).fit(X)
    Autoencoder(3, early_stopping=True, block_size=6, max_iter=1).fit(X)


@pytest.mark.parametrize("kind", ["memmap", "zarr", "h5py"])
@pytest.mark.parametrize("settings", [{}, {"block_size": 32}, {"block_size": 50, "early_stopping": True}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, ">f4"])
def test_data_on_a_disk_train_as_the_same_data_in_memory(X, kind, settings, dtype, tmp_path):
    X = (X * 9).astype(dtype)
    corruption = npae.MaskingNoise(0.2)
    models = [
        Autoencoder(3, max_iter=4, batch_size=16, corruption=corruption, random_state=0, **settings).fit(x)
        for x in (X, on_a_disk(kind, X, tmp_path))
    ]
    assert np.array_equal(models[0].network_.theta, models[1].network_.theta)
    assert models[0].history_["loss"] == models[1].history_["loss"]
    stored = on_a_disk(kind, X, tmp_path)
    for door in ("transform", "reconstruct"):
        np.testing.assert_allclose(getattr(models[0], door)(X), getattr(models[0], door)(stored), rtol=1e-5)
    assert models[0].score(X) == pytest.approx(models[0].score(stored), rel=1e-6)
    parts = [model.partial_fit(x).network_.theta for model, x in zip(models, (X, stored))]
    assert np.array_equal(*parts)


def test_large_data_on_a_disk_are_read_by_blocks_of_whole_batches(monkeypatch, tmp_path):
    monkeypatch.setattr(npae.training.rows, "IN_MEMORY", 1000)
    monkeypatch.setattr(npae.training.rows, "BLOCK_BYTES", 2000)
    x = on_a_disk("memmap", np.zeros((500, 6)), tmp_path)
    assert Rows(x, np.float64, batch_size=8).block_size == 40  # 2000 / 48 bytes, in whole batches
    assert Rows(np.asarray(x), np.float64, batch_size=8).block_size == 500


def test_bad_rows_of_data_on_a_disk_are_named(X, tmp_path):
    bad = X.copy()
    bad[101, 2] = np.nan
    model = Autoencoder(3, block_size=50, max_iter=1, random_state=0)
    with pytest.raises(ValueError, match=r"Autoencoder: Input X\[100:150\] contains NaN. The first is at \[1, 2\]"):
        model.fit(on_a_disk("memmap", bad, tmp_path))
    assert not hasattr(model, "network_")
    with pytest.raises(ValueError, match=r"BernoulliCrossEntropy: got targets .* to 5"):
        model.set_params(loss="bernoulli").fit(on_a_disk("memmap", np.where(X > 0.9, 5, X), tmp_path))
    fitted = Autoencoder(3, max_iter=1, random_state=0).fit(X)
    for door in (fitted.partial_fit, fitted.transform, fitted.score):
        with pytest.raises(ValueError, match="X has 5 features, but Autoencoder is expecting 6"):
            door(on_a_disk("memmap", X[:, :5], tmp_path))
        with pytest.raises(ValueError, match="contains NaN"):
            door(on_a_disk("memmap", bad, tmp_path))


def test_data_that_are_not_what_their_shape_says_are_refused(X):
    class Short:
        shape, dtype = X.shape, X.dtype

        def __getitem__(self, rows):
            return X[rows][:3]

    with pytest.raises(ValueError, match=r"got \(3, 6\) for X\[0:50\] of \(157, 6\): the shape of X is wrong"):
        Autoencoder(3, block_size=50, max_iter=1).fit(Short())


def test_arrays_frames_and_lists_are_not_taken_for_data_on_a_disk(X, tmp_path):
    from scipy import sparse

    pandas, polars = map(import_or_skip, ("pandas", "polars"))
    for x in (X, X.tolist(), pandas.DataFrame(X), polars.DataFrame(X), sparse.csr_array(X), X[0], "text", 3):
        assert not is_out_of_core(x)
    stored = on_a_disk("memmap", X, tmp_path)
    assert is_out_of_core(stored) and is_out_of_core(stored[5:]) and not is_out_of_core(np.asarray(stored))


def test_a_private_mapping_keeps_what_was_changed_in_it(X, tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="c")
    mapped[3] = 0.5
    Autoencoder(2, block_size=10, max_iter=1, random_state=0).fit(mapped)
    assert (mapped[3] == 0.5).all()
