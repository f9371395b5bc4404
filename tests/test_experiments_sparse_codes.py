"""Frontier, cheat, revival and the classical exercise: small runs that must show what the report says."""

import numpy as np
import pytest

from benchmarks.claims.sparse_codes import width_curves
from npae import ReLU, TopK, datasets, sparsity
from npae.experiments import edges, sparse_codes
from npae.experiments.sparse_codes import frontiers, patches, sparse_coder, unexplained_at
from npae.plots import sparse_codes as draw


@pytest.fixture(scope="module")
def data():
    return patches(1500, 500)


@pytest.fixture(scope="module")
def exercise():
    return edges.edges()


def test_patches_are_whitened_float32_and_split(data):
    X, T = data
    assert X.shape == (1500, 64) and T.shape == (500, 64) and X.dtype == np.float32
    assert np.array_equal(np.vstack(data), datasets.load_patches(2000, whitened=True, rng=0).data.astype(np.float32))


def test_l0_falls_with_every_step_of_lam_and_top_k_fires_exactly_k_on_every_sample(data):
    X, T = data
    how = {"epochs": 6, "batch_size": 50, "lr": 5e-3}
    methods = frontiers(X, T, ks=(4, 16), **how)
    l0 = [point[1] for point in methods["L1"]]
    assert len(l0) == 5 and all(np.diff(l0) < 0)
    assert all(np.diff([point[2] for point in methods["L1"]]) > 0)  # and the error rises
    for name in ("top k", "top k, revived"):
        assert [point[1] for point in methods[name]] == [4, 16]
    for k in (4, 16):
        network = sparse_coder(X, TopK(k), epochs=2)
        assert (sparsity.l0(network, T) == k).all() and (sparsity.l0(network, X) == k).all()


def test_the_frontier_measures_on_held_out_patches(data):
    X, T = data
    methods = frontiers(X, T, lams=(0.5,), ks=(), epochs=3)
    network = sparse_coder(X, ReLU(), [sparse_codes.L1Sparsity(0.5)], epochs=3)
    _, l0, fvu, dead = methods["L1"][0]
    assert l0 == sparsity.l0(network, T).mean() and fvu == sparsity.unexplained_variance(network, T)
    assert dead == len(sparsity.dead_units(network, X))


def test_between_two_points_the_frontier_is_a_straight_line_of_logarithms():
    points = [(1, 10.0, 0.4, 0), (2, 40.0, 0.1, 0)]
    assert unexplained_at(points, 10) == pytest.approx(0.4) and unexplained_at(points, 20) == pytest.approx(0.2)


def test_a_free_decoder_grows_until_l1_costs_little_and_unit_rows_do_not(data):
    histories = sparse_codes.cheat(data[0][:1000], epochs=60, batch_size=50)
    free, unit = histories["free decoder"], histories["unit rows"]
    assert (np.abs(unit[:, 2] - 1) < 1e-5).all() and free[-1, 2] > 1.3
    assert free[-1, 1] < 0.75 * unit[-1, 1]  # the penalty
    assert free[-1, 4] > 0.8 * unit[-1, 4]  # and no sparser for it


def test_the_auxiliary_term_leaves_fewer_units_dead(data):
    found = sparse_codes.revival(data[0], k=4, epochs=8, batch_size=50, lr=5e-3)
    without, revived = (int(counts[-1]) for counts, _ in found.values())
    assert without >= 15 and revived <= without / 2
    for counts, network in found.values():
        assert counts[-1] == len(sparsity.dead_units(network, data[0]))
    assert not sparse_codes.REVIVAL.state  # each run counts for itself


# the classical exercise


def test_the_exercise_is_the_published_one():
    network = edges.exercise_network(edges.EDGES, seed=0)
    assert "Dense(64, 25, Sigmoid())" in repr(network) and "Dense(25, 64, Sigmoid())" in repr(network)
    assert repr(list(network.penalties)) == "[WeightDecay(lam=0.0001), KLSparsity(beta=3.0, rho=0.01)]"
    limit = np.sqrt(6 / 90)
    for layer in (network.encoder.layers[0], network.decoder.layers[0]):
        assert limit * 0.98 < np.abs(layer.W).max() <= limit and not layer.b.any()
    strokes = edges.exercise_network(edges.STROKES)
    assert repr(list(strokes.penalties)) == "[WeightDecay(lam=0.003), KLSparsity(beta=3.0, rho=0.1)]"
    assert strokes.encoder.layers[0].W.shape == (784, 196)
    X = edges.edge_patches(100)
    assert X.shape == (100, 64) and X.min() > 0.1 - 1e-12 and X.max() < 0.9 + 1e-12


@pytest.mark.slow
def test_filters_of_the_exercise_pass_a_criterion_that_noise_and_principal_components_fail(exercise):
    counts = {name: count for name, (_, _, count) in exercise.criteria().items()}
    assert counts["learnt"] >= 15 and counts["random"] == 0 and counts["PCA"] <= counts["learnt"] / 2


@pytest.mark.slow
def test_mean_activations_end_within_a_fifth_of_rho(exercise):
    assert np.abs(exercise.mean_activation / 0.01 - 1).max() < 0.2
    assert "400 iterations of L-BFGS" in exercise.how and exercise.value == exercise.network.value(exercise.X)


def test_strokes_are_learnt_from_images_and_held_against_noise_with_their_spread():
    result = edges.strokes(60, max_iter=5)
    assert [rows.shape for rows in result.filters.values()] == [(196, 784), (59, 784), (196, 784)]
    still = result.X.std(axis=0) == 0
    assert still.any() and not result.filters["random"][:, still].any()  # what never changes has no weight there


# figures


@pytest.mark.slow
def test_figures_show_the_numbers_they_are_given(data, exercise):
    methods = {"L1": [(0.1, 20.0, 0.1, 0), (1.0, 5.0, 0.4, 3)], "top k": [(4, 4.0, 0.3, 9)]}
    (axis,) = draw.frontier(methods).axes
    assert [line.get_label() for line in axis.lines] == ["L1", "top k"]
    assert axis.lines[0].get_xdata().tolist() == [5, 20] and axis.lines[0].get_ydata().tolist() == [0.4, 0.1]
    rows = np.array([[1, 5.0, 0.8, 2.0, 9.0], [2, 4.0, 1.0, 1.5, 8.0]])
    axes = draw.cheat_curves({"free decoder": rows, "unit rows": rows}).axes
    assert [axis.lines[0].get_ydata().tolist() for axis in axes] == [[5, 4], [0.8, 1]]
    counts = {"without": np.array([3, 9]), "with": np.array([3, 1])}
    figure = draw.revival_curves(counts, dict.fromkeys(counts, (np.array([1, 2]), np.array([0.01, 0.1, 1]), 5)))
    left, right = figure.axes
    assert [line.get_ydata().tolist() for line in left.lines] == [[3, 9], [3, 1]]
    assert [patch.get_data().values.tolist() for patch in right.patches] == [[1, 2], [1, 2]]
    assert [entry.get_text() for entry in figure.legends[0].get_texts()] == ["without", "with"]
    (axis, _) = draw.whole_map(np.eye(4)).axes
    assert np.array_equal(axis.images[0].get_array(), np.eye(4))


@pytest.mark.slow
def test_the_figure_of_the_exercise_counts_its_filters_and_draws_each_as_a_point(exercise):
    figure = draw.exercise_filters(exercise)
    *images, scatter = figure.axes
    counts = [count for _, _, count in exercise.criteria().values()]
    assert [axis.get_title() for axis in images] == [
        f"{name}: {count} of 25" for name, count in zip(exercise.filters, counts)
    ]
    spread, coherence, _ = exercise.criteria()["learnt"]
    assert np.array_equal(scatter.lines[0].get_xydata(), np.stack([spread, coherence], axis=1))


def test_curves_over_labels_and_widths_are_means_over_seeds():
    found = [{("random", 50): 0.5, ("random", 200): 0.7}, {("random", 50): 0.7, ("random", 200): 0.8}]
    (axis,) = draw.label_curves(found).axes
    np.testing.assert_allclose(axis.lines[0].get_ydata(), [60, 75])
    tables = [
        {("raw pixels", 64): (0, 0, {50: a}), ("plain", 2): (0.1, 0.2, {50: a}), ("plain", 8): (0.1, 0.1, {50: b})}
        for a, b in ((0.4, 0.8), (0.6, 1.0))
    ]
    left, right = width_curves(tables, 50).axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), [0.2, 0.1])
    assert right.lines[0].get_ydata()[0] == 50 and [t.get_text() for t in right.get_legend().get_texts()] == [
        "raw pixels", "plain",
    ]  # fmt: skip


def test_answers_stand_under_their_filters(data):
    network = sparse_coder(data[0], TopK(4), epochs=1)
    best = data[0][sparsity.top_samples(network, data[0], 3)[:5]]
    above, below = draw.answers(network.decoder.layers[0].W[:5], best, (8, 8)).axes
    assert above.images[0].get_array().shape == (10, 46) and below.images[0].get_array().shape == (28, 46)
    shown = below.images[0].get_array()[10:18, 10:18] * np.abs(best).max()
    np.testing.assert_allclose(shown, best[1, 1].reshape(8, 8), rtol=1e-6)
