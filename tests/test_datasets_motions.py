"""Images in motion, and their tangents against finite differences of the motion."""

import numpy as np
import pytest

from npae.datasets import load_digits, transform_images, transform_tangents

KINDS = ("shift_x", "shift_y", "rotation", "log_scale")
SHAPE = (6, 9)  # not square, so that rows and columns cannot be swapped unseen


@pytest.fixture
def images():
    return np.random.default_rng(0).random((5, 54))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("digits", [False, True], ids=["random", "digits"])
def test_a_tangent_is_the_derivative_of_the_motion_at_rest(images, kind, digits):
    x, shape = (load_digits().data[:20], (8, 8)) if digits else (images, SHAPE)
    tangent = transform_tangents(x, shape, [kind])[:, 0]
    errors = []
    for h in (1e-3, 1e-4, 1e-5):
        moved = [transform_images(x, shape, **{kind: step}) for step in (h, -h)]
        errors.append(np.abs((moved[0] - moved[1]) / (2 * h) - tangent).max())
    assert errors[2] < 1e-3
    assert errors[0] > 5 * errors[1] > 25 * errors[2]  # first order: the second derivative jumps at pixels


def test_at_rest_nothing_moves(images):
    np.testing.assert_allclose(transform_images(images, SHAPE), images, atol=1e-15)


@pytest.mark.parametrize(("motion", "axis"), [("shift_x", 2), ("shift_y", 1)])
@pytest.mark.parametrize("pixels", [1, -2])
def test_a_shift_by_whole_pixels_moves_the_pixels(images, motion, axis, pixels):
    moved = transform_images(images, SHAPE, **{motion: pixels}).reshape(5, *SHAPE)
    expected = np.roll(images.reshape(5, *SHAPE), pixels, axis)
    np.moveaxis(expected, axis, 0)[slice(pixels) if pixels > 0 else slice(pixels, None)] = 0
    np.testing.assert_allclose(moved, expected, atol=1e-15)


def test_a_quarter_turn_is_clockwise_on_the_screen():
    image = np.random.default_rng(0).random((1, 49))
    turned = transform_images(image, (7, 7), rotation=np.pi / 2).reshape(7, 7)
    np.testing.assert_allclose(turned, np.rot90(image.reshape(7, 7), k=-1), atol=1e-12)


def test_a_polynomial_of_second_degree_is_interpolated_exactly():
    """Catmull-Rom reproduces it wherever all sixteen neighbours lie in the image."""
    y, x = np.mgrid[:12, :12] - 5.5

    def f(x, y):
        return 1 + 2 * x - y + 0.3 * x * x - 0.2 * x * y + 0.1 * y * y

    moved = transform_images(f(x, y).reshape(1, -1), (12, 12), shift_x=0.3, shift_y=-0.6, rotation=0.2, log_scale=0.1)
    c, s, u, v = np.cos(0.2), np.sin(0.2), x - 0.3, y + 0.6
    expected = f(np.exp(-0.1) * (c * u + s * v), np.exp(-0.1) * (c * v - s * u))
    np.testing.assert_allclose(moved.reshape(12, 12)[4:-4, 4:-4], expected[4:-4, 4:-4], atol=1e-12)


def test_a_positive_log_scale_enlarges():
    blob = np.exp(-np.sum((np.mgrid[:15, :15] - 7.0) ** 2, axis=0) / 8).reshape(1, -1)
    larger, smaller = (transform_images(blob, (15, 15), log_scale=s).sum() for s in (0.2, -0.2))
    assert larger == pytest.approx(blob.sum() * np.exp(0.4), rel=0.05)
    assert smaller == pytest.approx(blob.sum() * np.exp(-0.4), rel=0.05)


def test_motions_may_differ_from_sample_to_sample(images):
    angle, shift = np.linspace(-0.3, 0.3, 5), np.linspace(-1, 1, 5)
    together = transform_images(images, SHAPE, rotation=angle, shift_x=shift)
    one_by_one = [transform_images(images[n : n + 1], SHAPE, rotation=angle[n], shift_x=shift[n])[0] for n in range(5)]
    np.testing.assert_allclose(together, one_by_one, atol=1e-15)


def test_an_image_pushed_out_of_its_frame_is_black(images):
    assert not transform_images(images, SHAPE, shift_x=50, shift_y=-1e12).any()


def test_orthonormal_tangents_span_the_same_space():
    digits = load_digits().data[:30]
    raw = transform_tangents(digits, (8, 8), KINDS)
    basis = transform_tangents(digits, (8, 8), KINDS, orthonormal=True)
    assert raw.shape == basis.shape == (30, 4, 64) and basis.flags.c_contiguous
    np.testing.assert_allclose(basis @ basis.transpose(0, 2, 1), np.tile(np.eye(4), (30, 1, 1)), atol=1e-12)
    np.testing.assert_allclose((raw @ basis.transpose(0, 2, 1)) @ basis, raw, atol=1e-12)


def test_integer_images_become_float64_and_the_input_is_left_alone():
    levels = np.arange(54, dtype=np.uint8).reshape(1, 54)
    before = levels.copy()
    assert transform_images(levels, SHAPE, shift_x=0.5).dtype == np.float64
    assert transform_tangents(levels, SHAPE).dtype == np.float64
    assert np.array_equal(levels, before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: transform_images(x, (8, 8)), r"\(5, 54\), expected \(N, 64\)"),
        (lambda x: transform_images(x[0], SHAPE), r"shape \(54,\)"),
        (lambda x: transform_images(x, SHAPE, rotation=np.zeros(3)), r"rotation of shape \(3,\)"),
        (lambda x: transform_tangents(x, SHAPE, ["shear"]), "shear"),
        (lambda x: transform_tangents(x, SHAPE, []), "kinds"),
        (lambda x: transform_tangents(x, SHAPE, "rotation"), "kinds"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_came_and_what_was_expected(images, call, message):
    with pytest.raises(ValueError, match=message):
        call(images)
