"""What makes the loops fast and the functions stable, in one place: reused arrays, cache-sized slices, stable forms.

Every kernel is analytic where it is differentiable (comparisons look at the real part, nothing conjugates or
takes an absolute value), so that a complex step differentiates it: f(x + ih) = f(x) + ih f'(x) + O(h^2).
"""

import numpy as np

BLOCK = 32768  # elements: the four float32 vectors of an Adam update of this length fit a 512 kB cache


def blocks(size, length=BLOCK):
    """Slices that cover range(size), each at most `length` long."""
    return (slice(start, min(start + length, size)) for start in range(0, size, length))


def fresh(name, shape, dtype):
    """A new array: what a layer or penalty writes into when nobody lends it a buffer."""
    return np.empty(shape, dtype)


class Buffers:
    """Arrays that a training loop takes again at every step: `buffers(name, shape, dtype)`.

    Fewer rows than before give the first rows of the array that is there, so that a short last minibatch
    allocates nothing; any other change of shape or dtype makes a new array.
    """

    def __init__(self):
        self._arrays = {}

    def __call__(self, name, shape, dtype):
        array = self._arrays.get(name)
        if array is None or array.dtype != dtype or array.shape[1:] != shape[1:] or len(array) < shape[0]:
            array = self._arrays[name] = np.empty(shape, dtype)
        return array[: shape[0]]


def add_scaled(total, array, scale, empty=fresh):
    """total += array * scale by blocks of rows; `scale` is a scalar or one number a column."""
    rows = max(1, BLOCK // array.shape[1])
    scratch = empty("scratch", (min(rows, len(array)), array.shape[1]), array.dtype)
    for block in blocks(len(array), rows):
        part = array[block]
        total[block] += np.multiply(part, scale, out=scratch[: len(part)])


def dot(a, b):
    """sum_i a_i b_i over all entries, without a conjugate."""
    return np.dot(a.ravel(), b.ravel())


def column_squares(W, empty=fresh):
    """(K,) sum_d W_dk^2."""
    rows = max(1, BLOCK // W.shape[1])
    scratch = empty("scratch", (min(rows, len(W)), W.shape[1]), W.dtype)
    return sum(np.square(W[block], out=scratch[: len(W[block])]).sum(axis=0) for block in blocks(len(W), rows))


def sigmoid(a, out=None):
    """1 / (1 + exp(-a)), exact in both tails: where exp overflows to infinity the quotient is 0, as it should be."""
    h = np.negative(a, out=out)
    if h.dtype.kind == "c":  # a complex infinity would make 0 * inf = nan of the imaginary part
        h = np.minimum(h, np.log(np.finfo(h.dtype).max) - 1, out=out)
    with np.errstate(over="ignore"):
        h = np.exp(h, out=out)
    h = np.add(h, 1, out=out)
    return np.reciprocal(h, out=out)


def negative_abs(a, out=None):
    """-|a|; for complex numbers the sign is the real part's."""
    if a.dtype.kind != "c":
        return np.negative(np.abs(a, out=out), out=out)
    return np.multiply(a, np.where(a.real > 0, -1.0, 1.0), out=out)


def softplus(a, out=None):
    """log(1 + exp(a)) = max(a, 0) + log1p(exp(-|a|)), without overflow."""
    tail = np.log1p(np.exp(negative_abs(a)))
    return np.add(np.maximum(a, 0), tail, out=out)
