"""Speed and stability in one place: reused arrays, cache-sized slices, stable forms of functions.

Times in comments are for 100,000 float32 numbers in a core's cache, where a pass over them (`a += 1`) takes 7 us.

Every kernel is analytic where it is differentiable (comparisons look at the real part, nothing conjugates or
takes an absolute value), so that a complex step differentiates it: f(x + ih) = f(x) + ih f'(x) + O(h^2).
"""

import functools
import math

import numpy as np

BLOCK = 32768  # elements: the four float32 vectors of an Adam update of this length fit a 512 kB cache


def blocks(size, length=BLOCK):
    """Return slices that cover range(size), each at most `length` long."""
    return [slice(start, min(start + length, size)) for start in range(0, size, length)]


def aligned(shape, dtype):
    """Return a new array that starts on a cache line: loads that straddle two lines make `a *= b` a quarter slower."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.__array_interface__["data"][0] % 64
    return raw[start : start + size].view(dtype).reshape(shape)


def fresh(name, shape, dtype):
    """Return a new array for a layer or penalty to write into; a network replaces this by a store that it reuses."""
    return np.empty(shape, dtype)


class Buffers:
    """Arrays that a training loop reuses at every step: `buffers(name, shape, dtype)`.

    Fewer rows than before give the first rows of the array that is there, so that a short last minibatch
    allocates nothing; any other change of shape or dtype makes a new array.
    """

    def __init__(self):
        self._arrays = {}
        self._views = {}  # by name and shape: at 64-25-64 the checks below would be a tenth of a step

    def __call__(self, name, shape, dtype):
        view = self._views.get((name, shape))
        return view if view is not None and view.dtype == dtype else self._take(name, shape, dtype)

    def _take(self, name, shape, dtype):
        array = self._arrays.get(name)
        if array is None or array.dtype != dtype or array.shape[1:] != shape[1:] or len(array) < shape[0]:
            array = self._arrays[name] = aligned(shape, dtype)
            self._views = {key: view for key, view in self._views.items() if key[0] != name}
        view = self._views[name, shape] = array[: shape[0]]
        return view


def product(a, b, out):
    """Write a @ b into out. np.dot starts 0.4 us sooner than np.matmul, but only writes its own dtype in C order."""
    try:
        return np.dot(a, b, out=out)
    except ValueError:
        pass
    if out.flags.f_contiguous and a.dtype == b.dtype == out.dtype:
        np.dot(b.T, a.T, out=out.T)
        return out
    return np.matmul(a, b, out=out)


@functools.lru_cache(maxsize=16)
def _ones(n, dtype):
    return np.ones(n, dtype)


def broadcast(ufunc, b, a, out=None):
    """Return ufunc(b, a) of a row b (K,) and a (N, K), written over a or into out.

    NumPy repeats b in a buffer of 8192 numbers; with half of that, a buffer and its part of a share a core's first
    cache, and 100,000 additions take 12 us instead of 17.
    """
    out = a if out is None else out
    if a.size < 2**14:
        return ufunc(b, a, out=out)
    size = np.setbufsize(4096)
    try:
        return ufunc(b, a, out=out)
    finally:
        np.setbufsize(size)


def column_sums(a, out=None):
    """Return sum_n a_nk, (K,), as a product with ones: 5 us; a reduction over the rows takes 12."""
    return np.dot(_ones(len(a), a.dtype), a, out=out)


def add_scaled(total, terms, scale, array=fresh):
    """Add terms * scale to total, by blocks of rows; `scale` is a scalar or one number per column."""
    rows = max(1, BLOCK // terms.shape[1])
    scratch = array("scratch", (min(rows, len(terms)), terms.shape[1]), terms.dtype)
    for block in blocks(len(terms), rows):
        part = terms[block]
        total[block] += broadcast(np.multiply, scale, part, out=scratch[: len(part)])


def dot(a, b):
    """Return sum_i a_i b_i over all entries, without a conjugate."""
    return np.dot(a.ravel(), b.ravel())


def column_squares(W):
    """Return sum_d W_dk^2, (K,); a third faster than squaring by blocks."""
    return np.einsum("dk,dk->k", W, W)


def largest(a, k):
    """Return (N, K) booleans: the k largest of each row, of equal values the last; compares real parts.

    From the k-th largest value of the row, found without sorting: 0.3 ms for 128 x 1000, where a stable sort takes 9.
    NaN counts as large, so that it is passed on.
    """
    a = a.real
    t = np.partition(a, a.shape[1] - k, axis=1)[:, [a.shape[1] - k]]
    kept = ~(a < t)
    if np.count_nonzero(kept) != k * len(a):
        tie, n_above = a == t, np.count_nonzero(a > t, axis=1, keepdims=True)
        from_the_end = np.cumsum(tie[:, ::-1], axis=1)[:, ::-1]
        kept &= ~tie | (from_the_end <= k - n_above)
    return kept


def flush_denormals(a):
    """Replace a by a + c - c: 0 for |a| below 8 times the smallest normal number; others change by at most that.

    A running mean whose gradient has stopped (a dead unit, a pixel that is always dark) decays into the
    denormal numbers, stays there, and makes a multiplication 30 times slower.
    """
    limits = np.finfo(a.dtype)
    c = 16 * limits.tiny / limits.eps
    a += c
    a -= c


def standard_normal(rng, out):
    """Write independent N(0, 1) numbers into `out`: r cos t and r sin t with r^2 = -2 log(1 - u), t = 2 pi u'.

    Box and Muller (1958). Four vector functions of a cache-sized block take a third of the time that the
    Generator's rejection method takes number by number. 24 random bits each, so that |e| < 5.8; float64 gets the
    same kind, widened, since NumPy's float64 sine alone takes longer than all of this.
    """
    rng.random()  # skipped, so that noise does not pair up with data that were drawn from an equal seed
    flat = out.reshape(-1)
    length = 32768 // out.itemsize  # of r and of t
    wide = out.dtype != np.float32
    scratch = aligned((3 if wide else 1, min(length, flat.size // 2 + 1)), np.float32)
    for block in blocks(flat.size, 2 * length):
        both = flat[block]
        half = len(both) // 2
        first, second, cos = both[:half], both[half : 2 * half], scratch[0, :half]
        r, t = scratch[1:, :half] if wide else (first, second)
        rng.random(dtype=np.float32, out=r)
        rng.random(dtype=np.float32, out=t)
        np.subtract(1, r, out=r)
        np.log(r, out=r)
        r *= -2
        np.sqrt(r, out=r)
        t *= 2 * np.pi
        np.cos(t, out=cos)
        np.sin(t, out=t)
        t *= r
        r *= cos
        if wide:
            first[:], second[:] = r, t
        if len(both) % 2:
            both[-1] = rng.standard_normal(dtype=out.dtype)
    return out


def sigmoid(a, out=None):
    """Return 1 / (1 + exp(-a)), exact in both tails: if exp overflows to infinity, the quotient is 0."""
    return logistic(np.negative(a, out=out))


def logistic(h):
    """Return 1 / (1 + exp(h)), written over h."""
    if h.dtype.kind == "c":  # a complex infinity would make 0 * inf = nan of the imaginary part
        np.minimum(h, np.log(np.finfo(h.dtype).max) - 1, out=h)
    with np.errstate(over="ignore"):
        np.exp(h, out=h)
    h += 1
    return np.reciprocal(h, out=h)


def positive_part(a, out=None):
    """Return max(a, 0) by the real part alone: if real parts tie, NumPy's maximum compares the imaginary parts."""
    if a.dtype.kind == "c":
        return np.multiply(a, a.real > 0, out=out)
    return np.maximum(a, 0, out=out)


def negative_abs(a, out=None):
    """Return -|a|; for complex numbers the sign is the real part's."""
    if a.dtype.kind != "c":
        return np.negative(np.abs(a, out=out), out=out)
    return np.multiply(a, np.where(a.real > 0, -1.0, 1.0), out=out)


def sum_log1p(e):
    """Return sum log(1 + e) for 0 <= e <= 1, (N, D), overwritten: 15 us as the log of products, 40 term by term.

    120 factors of at most 2 stay finite in float32. Each term is right to the dtype's resolution at 1.
    """
    e += 1
    return sum(np.log(np.multiply.reduce(e[block], axis=0)).sum() for block in blocks(len(e), 120))


def softplus(a, out=None):
    """Return log(1 + exp(a)) = max(a, 0) + log1p(exp(-|a|)), without overflow."""
    tail = np.log1p(np.exp(negative_abs(a)))
    return np.add(positive_part(a), tail, out=out)
