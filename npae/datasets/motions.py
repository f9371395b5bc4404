"""Images under small shifts, rotations and changes of size, and the tangents of those motions.

The image becomes a function of the plane by Catmull-Rom interpolation, zero outside its frame:

    I(x, y) = sum_ij I_ij k(y - i) k(x - j),    k(t) = 3/2 |t|^3 - 5/2 |t|^2 + 1              |t| <= 1
                                                     -1/2 |t|^3 + 5/2 |t|^2 - 4 |t| + 2   1 < |t| <= 2

I passes through the pixels, is once continuously differentiable, and at a pixel its derivative is exactly
the central difference: dI/dx = (I[i, j+1] - I[i, j-1]) / 2. So the tangents below are exact derivatives,
not estimates. Sources: the kernel, R. Keys, IEEE Trans. ASSP 29 (1981) 1153; tangents of images, P. Simard et al.,
Tangent Prop, NIPS 4 (1991).

x grows to the right along columns, y downwards along rows, both in pixels from the centre of the image; a
positive rotation moves x towards y, clockwise on the screen.
"""

from collections.abc import Sequence

import numpy as np

KINDS = ("shift_x", "shift_y", "rotation", "log_scale")


def transform_images(
    images: np.ndarray, image_shape: tuple[int, int], *,
    shift_x: float | np.ndarray = 0.0, shift_y: float | np.ndarray = 0.0,
    rotation: float | np.ndarray = 0.0, log_scale: float | np.ndarray = 0.0,
) -> np.ndarray:  # fmt: skip
    """Enlarge images by e^log_scale, rotate them about their centre, then shift them: (N, D) -> (N, D) float64.

    I'(p) = I(e^-log_scale R(-rotation) (p - shift)), p in pixels from the centre. Each motion is a number, or
    (N,) for one number per sample: shifts in pixels, rotation in radians. Grey levels may overshoot the range of
    the image a little; they are not clipped, so that I' stays differentiable.
    Raises ValueError for shapes that do not match.
    """
    images, rows, columns = _check_images("transform_images", images, image_shape)
    motions = (shift_x, shift_y, rotation, log_scale)
    dx, dy, angle, log_s = (_per_sample(name, m, len(images)) for name, m in zip(KINDS, motions))
    x, y = _pixel_positions(rows, columns)  # (D,)
    x, y = x - dx, y - dy  # (1 or N, D)
    shrink = np.exp(-log_s)
    u = shrink * (np.cos(angle) * x + np.sin(angle) * y) + (columns - 1) / 2  # column looked up
    v = shrink * (np.cos(angle) * y - np.sin(angle) * x) + (rows - 1) / 2  # row
    padded = np.pad(images.reshape(-1, rows, columns), ((0, 0), (1, 1), (1, 1)))
    n = np.arange(len(images))[:, None]
    out = np.zeros_like(images)
    for i, weight_i in _neighbours(v, rows):
        for j, weight_j in _neighbours(u, columns):
            out += weight_i * weight_j * padded[n, i, j]
    return out


def transform_tangents(
    images: np.ndarray, image_shape: tuple[int, int], kinds: Sequence[str] = ("shift_x", "shift_y", "rotation"), *,
    orthonormal: bool = False,
) -> np.ndarray:  # fmt: skip
    """Return the derivatives of `transform_images` at no motion, one row per motion: (N, len(kinds), D) float64.

    shift_x: -I_x    shift_y: -I_y    rotation: y I_x - x I_y    log_scale: -(x I_x + y I_y)

    `kinds` are among shift_x, shift_y (grey level per pixel), rotation (per radian), log_scale (per factor e).
    With `orthonormal=True` the rows are an orthonormal basis of the same space, by QR in the order of `kinds`;
    a blank image has no tangents, so that its basis is arbitrary.
    Raises ValueError for an unknown kind and for shapes that do not match.
    """
    images, rows, columns = _check_images("transform_tangents", images, image_shape)
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds or isinstance(kinds, str):
        raise ValueError(f"transform_tangents: got kinds={kinds!r}, expected some of {KINDS}")
    x, y = _pixel_positions(rows, columns)
    padded = np.pad(images.reshape(-1, rows, columns), ((0, 0), (1, 1), (1, 1)))
    i_x = ((padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2).reshape(images.shape)
    i_y = ((padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2).reshape(images.shape)
    tangent = {
        "shift_x": lambda: -i_x,
        "shift_y": lambda: -i_y,
        "rotation": lambda: y * i_x - x * i_y,
        "log_scale": lambda: -(x * i_x + y * i_y),
    }
    tangents = np.stack([tangent[kind]() for kind in kinds], axis=1)  # (N, t, D)
    if not orthonormal:
        return tangents
    q, _ = np.linalg.qr(tangents.transpose(0, 2, 1))  # (N, D, t)
    return np.ascontiguousarray(q.transpose(0, 2, 1))


def _check_images(owner: str, images: np.ndarray, image_shape: tuple[int, int]) -> tuple[np.ndarray, int, int]:
    images, (rows, columns) = np.asarray(images, dtype=float), image_shape
    if images.ndim != 2 or images.shape[1] != rows * columns:
        raise ValueError(f"{owner}: got images of shape {images.shape}, expected (N, {rows * columns})")
    return images, rows, columns


def _per_sample(name: str, value: float | np.ndarray, n: int) -> np.ndarray:
    """Return (1, 1) or (N, 1), which broadcasts with (D,)."""
    array = np.asarray(value, dtype=float)
    if array.shape not in ((), (n,)):
        raise ValueError(f"transform_images: got {name} of shape {array.shape}, expected a number or ({n},)")
    return array.reshape(-1, 1)


def _pixel_positions(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of every pixel from the centre of the image, each (rows * columns,)."""
    y, x = np.mgrid[:rows, :columns]
    return x.ravel() - (columns - 1) / 2, y.ravel() - (rows - 1) / 2


def _neighbours(position: np.ndarray, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the four neighbours of `position`: index into an axis padded by one zero at each end, and weight k."""
    left = np.floor(position)
    t = position - left  # in [0, 1)
    weights = (
        t * (-1 + t * (2 - t)) / 2,  # k(1 + t)
        1 + t * t * (-5 + 3 * t) / 2,  # k(t)
        t * (1 + t * (4 - 3 * t)) / 2,  # k(1 - t)
        t * t * (t - 1) / 2,  # k(2 - t)
    )
    first = left.clip(-3, size + 1).astype(np.intp) - 1
    return [(np.clip(first + k + 1, 0, size + 1), weight) for k, weight in enumerate(weights)]
