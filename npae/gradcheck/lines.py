"""What one array is differentiated along: coordinate by coordinate, or random directions of the whole array."""

import numpy as np

from npae.gradcheck.numeric import complex_gradient, complex_slope, coordinate, direction


class Coordinates:
    """Some coordinates of one array as the lines to differentiate along; `where`: their places in theta."""

    def __init__(self, name, shape, where, first, point, gradient):
        self.name, self.shape, self.where, self.first = name, shape, where, first
        self.x, self.analytic = point[where], gradient[where]
        self.scale = np.abs(self.analytic).max()
        self.positions = np.searchsorted(first, where) if len(where) < len(first) else np.arange(len(where))

    def __len__(self):
        return len(self.where)

    def complex_slopes(self, theta, value):
        """The derivative along each coordinate by complex step."""
        return complex_gradient(theta, value, self.where)

    def line(self, theta, value, k):
        """phi(t) along coordinate k, and the scale of x there."""
        return coordinate(theta, value, self.where[k]), abs(self.x[k])

    def test_line(self, theta, value, rng):
        """phi along one random direction v of the whole array, and v."""
        v = rng.standard_normal(len(self.where)) * np.maximum(np.abs(self.x), 1.0)
        return direction(theta, value, self.where, v), v


class Directions:
    """A few random directions of one array: analytic = <gradient, v>; the scale is the gradient's 2-norm."""

    def __init__(self, name, shape, where, point, gradient, count, rng):
        self.name, self.shape = name, shape
        self.where = slice(where[0], where[-1] + 1) if where[-1] - where[0] == len(where) - 1 else where
        self.x, g = point[self.where], gradient[self.where]
        self.v = [rng.standard_normal(len(where)) for _ in range(count)]
        self.analytic = np.array([g @ v for v in self.v])
        self.scale = np.linalg.norm(g)
        self.positions = np.arange(count)

    def __len__(self):
        return len(self.v)

    def complex_slopes(self, theta, value):
        """The derivative along each direction by complex step."""
        return np.array([complex_slope(direction(theta, value, self.where, v)) for v in self.v])

    def line(self, theta, value, k):
        """phi(t) along direction k, and the scale of x."""
        return direction(theta, value, self.where, self.v[k]), 1.0

    def test_line(self, theta, value, rng):
        """phi along the first direction, and the weights of that direction among all."""
        return direction(theta, value, self.where, self.v[0]), np.eye(len(self.v))[0]
