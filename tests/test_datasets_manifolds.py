"""Tangents, curvature, noise and embedding of the known manifolds, against finite differences of their charts."""

import numpy as np
import pytest

from npae import datasets

CATALOGUE = {
    "circle": (datasets.make_circle, {"radius": 1.7}, 1, 2),
    "sphere": (datasets.make_sphere, {"radius": 1.3}, 2, 3),
    "swiss_roll": (datasets.make_swiss_roll, {"height": 1.2}, 2, 3),
}
every_manifold = pytest.mark.parametrize("name", CATALOGUE)


def make(name, n=200, **options):
    maker, shape, _, _ = CATALOGUE[name]
    return maker(n, **shape, rng=options.pop("rng", 0), **options)


def derivative(chart, x, i, h=1e-5):
    """dp/dx_i by a central difference, (N, D)."""
    step = h * np.eye(x.shape[1])[i]
    return (chart(x + step) - chart(x - step)) / (2 * h)


def second_derivative(chart, x, i, j, h=1e-4):
    """d2p/dx_i dx_j by central differences, (N, D)."""
    a, b = h * np.eye(x.shape[1])[i], h * np.eye(x.shape[1])[j]
    return (chart(x + a + b) - chart(x + a - b) - chart(x - a + b) + chart(x - a - b)) / (4 * h * h)


@every_manifold
@pytest.mark.parametrize("n_features", [None, 3, 20])
def test_shapes_and_types(name, n_features):
    _, _, d, native = CATALOGUE[name]
    dataset, D = make(name, noise=0.02, n_features=n_features), n_features or native
    assert dataset.data.shape == dataset.clean.shape == (200, D) and dataset.data.dtype == np.float64
    assert dataset.target.shape == dataset.curvature.shape == (200, d)
    assert dataset.tangents.shape == (200, d, D) and dataset.embedding.shape == (native, D)
    assert dataset.image_shape is None and dataset.score is None


@every_manifold
def test_clean_points_are_the_chart_of_their_coordinates(name):
    dataset = make(name, noise=0.1, n_features=7)
    assert np.array_equal(dataset.chart(dataset.target), dataset.clean)


@every_manifold
def test_tangents_are_orthonormal(name):
    T = make(name, noise=0.1, n_features=20).tangents
    np.testing.assert_allclose(T @ T.transpose(0, 2, 1) - np.eye(T.shape[1]), 0, atol=1e-12)


@every_manifold
def test_each_tangent_is_the_unit_derivative_of_the_chart_along_its_coordinate(name):
    dataset = make(name, noise=0.1, n_features=20)
    for i in range(dataset.target.shape[1]):
        slope = derivative(dataset.chart, dataset.target, i)
        unit = slope / np.linalg.norm(slope, axis=1, keepdims=True)
        np.testing.assert_allclose(dataset.tangents[:, i], unit, atol=1e-7)


@every_manifold
def test_a_small_step_along_a_tangent_leaves_the_manifold_only_to_second_order(name):
    """The distance of p + h t to the nearest point is curvature h^2 / 2 + O(h^3)."""
    dataset, h = make(name, n=50), 1e-2
    for i in range(dataset.target.shape[1]):
        slope = np.linalg.norm(derivative(dataset.chart, dataset.target, i), axis=1)
        x = dataset.target.copy()
        x[:, i] += h / slope  # the same step along the manifold
        chord = dataset.chart(x) - dataset.clean - h * dataset.tangents[:, i]
        assert np.linalg.norm(chord, axis=1).max() < 20 * h * h


def test_the_curvature_of_a_curve_is_the_turning_of_its_tangent_per_length():
    dataset = make("circle", n_features=6)
    p1 = derivative(dataset.chart, dataset.target, 0)
    p2 = second_derivative(dataset.chart, dataset.target, 0, 0)
    speed2 = (p1**2).sum(axis=1)
    across = p2 - ((p2 * p1).sum(axis=1) / speed2)[:, None] * p1
    np.testing.assert_allclose(dataset.curvature[:, 0], np.linalg.norm(across, axis=1) / speed2, rtol=1e-5)


INWARD = {
    "sphere": lambda p: -p,
    "swiss_roll": lambda p: -p * [1, 0, 1],
}


@pytest.mark.parametrize("name", INWARD)
def test_the_curvatures_of_a_surface_are_its_second_fundamental_form_in_the_tangents(name):
    """II_ij = n . p_ij / (|p_i| |p_j|), diagonal because the tangents are principal directions."""
    dataset = make(name)
    x, inward = dataset.target, INWARD[name](dataset.clean)
    normal = np.cross(dataset.tangents[:, 0], dataset.tangents[:, 1])
    normal *= np.sign((normal * inward).sum(axis=1))[:, None]
    lengths = [np.linalg.norm(derivative(dataset.chart, x, i), axis=1) for i in (0, 1)]
    keep = lengths[0] > 0.1  # away from the poles, where longitude is no coordinate
    for i, j in ((0, 0), (1, 1), (0, 1)):
        form = (normal * second_derivative(dataset.chart, x, i, j)).sum(axis=1) / (lengths[i] * lengths[j])
        expected = dataset.curvature[:, i] if i == j else np.zeros(len(x))
        np.testing.assert_allclose(form[keep], expected[keep], rtol=1e-4, atol=1e-4)
    assert keep.mean() > 0.9


@every_manifold
def test_noise_has_the_stated_deviation_in_every_direction(name):
    """A fraction of the extent, the longest side of the bounding box in the native space."""
    _, _, _, native = CATALOGUE[name]
    dataset = make(name, n=20_000, noise=0.02, n_features=5)
    extent = np.ptp(dataset.clean @ dataset.embedding.T, axis=0).max()
    residual = dataset.data - dataset.clean
    np.testing.assert_allclose(residual.std(axis=0), 0.02 * extent, rtol=0.03)
    np.testing.assert_allclose(np.cov(residual.T), np.eye(5) * residual.var(), atol=0.03 * residual.var())
    assert native < 5


@every_manifold
def test_without_noise_the_data_are_the_clean_points(name):
    dataset = make(name, n_features=20)
    assert np.array_equal(dataset.data, dataset.clean)


@every_manifold
def test_the_embedding_is_an_isometry_of_the_native_space(name):
    plain, turned = make(name), make(name, n_features=20)
    np.testing.assert_allclose(turned.embedding @ turned.embedding.T, np.eye(len(turned.embedding)), atol=1e-14)
    np.testing.assert_allclose(turned.clean, plain.clean @ turned.embedding, atol=1e-14)
    assert np.array_equal(turned.curvature, plain.curvature)


@every_manifold
def test_one_seed_gives_the_same_places_at_any_noise_and_the_same_rotation_at_any_size(name):
    a, b = make(name, n=50, n_features=9), make(name, n=50, noise=0.3, n_features=9)
    assert np.array_equal(a.clean, b.clean) and not np.array_equal(a.data, b.data)
    assert np.array_equal(make(name, n=80, n_features=9).embedding, a.embedding)
    assert not np.array_equal(make(name, n=50, rng=1).target, a.target)


def test_every_kind_of_random_source_is_accepted_and_followed():
    from_seed = datasets.make_circle(5, rng=3).data
    assert np.array_equal(datasets.make_circle(5, rng=np.random.default_rng(3)).data, from_seed)
    assert np.array_equal(datasets.make_circle(5, rng=np.random.SeedSequence(3)).data, from_seed)
    assert not np.array_equal(datasets.make_circle(5).data, datasets.make_circle(5, rng=None).data)
    generator = np.random.default_rng(3)
    first = datasets.make_circle(5, rng=generator).data
    assert not np.array_equal(datasets.make_circle(5, rng=generator).data, first)


@every_manifold
def test_samples_are_uniform_by_length_or_area(name):
    """Share of samples in eight strips of a coordinate, against the length or area by quadrature of the chart."""
    dataset = make(name, n=40_000)
    for i in range(dataset.target.shape[1]):
        low, high = dataset.target.min(axis=0), dataset.target.max(axis=0)
        middle = (low + high) / 2
        grid = np.tile(middle, (8001, 1))
        grid[:, i] = np.linspace(low[i], high[i], 8001)
        slopes = [derivative(dataset.chart, grid, k) for k in range(grid.shape[1])]
        density = np.prod([np.linalg.norm(slope, axis=1) for slope in slopes], axis=0)
        strips = density[:-1].reshape(8, 1000).sum(axis=1)
        counts, _ = np.histogram(dataset.target[:, i], np.linspace(low[i], high[i], 9))
        np.testing.assert_allclose(counts / 40_000, strips / strips.sum(), atol=4 * np.sqrt(0.25 * 0.75 / 40_000))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: datasets.make_circle(0), "n_samples=0"),
        (lambda: datasets.make_circle(2.5), "n_samples=2.5"),
        (lambda: datasets.make_circle(True), "n_samples=True"),
        (lambda: datasets.make_sphere(5, noise=-0.1), "noise=-0.1"),
        (lambda: datasets.make_sphere(5, noise=float("nan")), "noise=nan"),
        (lambda: datasets.make_sphere(5, n_features=2), "make_sphere: got n_features=2, expected a whole number >= 3"),
        (lambda: datasets.make_sphere(5, n_features=4.0), "n_features=4.0"),
        (lambda: datasets.make_circle(5, radius=0), "make_circle: got radius=0, expected a finite number > 0"),
        (lambda: datasets.make_swiss_roll(5, height=float("inf")), "height=inf"),
    ],
)
def test_arguments_out_of_range_are_refused_with_what_came_and_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()
