"""The same question to other checkers, in the way their documentation or their course asks it: right, or not?

Each takes theta -> (value, gradient) of one flat vector and returns whether it calls the gradient right. A tolerance
that a checker leaves to its user is the one that is usual there.
"""

import contextlib

import numpy as np

CHECKERS = {}


def checker(name):
    """Register a checker under a name, if what it needs is installed."""

    def register(make):
        with contextlib.suppress(ImportError):
            CHECKERS[name] = make()
        return make

    return register


@checker("SciPy check_grad")
def _scipy():
    """The 2-norm of the difference to forward differences, which a user holds against 1e-4."""
    from scipy.optimize import check_grad

    def right(flat, theta):
        return check_grad(lambda x: float(flat(x)[0]), lambda x: flat(x)[1], theta) < 1e-4

    return right


@checker("autograd check_grads")
def _autograd():
    """Central differences of 1e-6, absolute and relative tolerance 1e-6, on a primitive whose rule is the gradient."""
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    def right(flat, theta):
        f = primitive(lambda x: float(flat(x)[0]))
        defvjp(f, lambda ans, x: lambda g: g * flat(x)[1])
        try:
            check_grads(f, modes=["rev"], order=1)(theta)  # along one direction, drawn by NumPy's global generator
        except AssertionError:
            return False
        return True

    return right


@checker("torch gradcheck")
def _torch():
    """Central differences of 1e-6, absolute tolerance 1e-5, relative 1e-3, on a Function with that backward."""
    import torch

    def right(flat, theta):
        class F(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                value, gradient = flat(x.detach().numpy().copy())
                ctx.gradient = torch.from_numpy(np.array(gradient))
                return torch.tensor(float(value), dtype=torch.float64)

            @staticmethod
            def backward(ctx, g):
                return g * ctx.gradient

        return torch.autograd.gradcheck(F.apply, torch.from_numpy(theta).requires_grad_(), raise_exception=False)

    return right


@checker("course: relative error")
def _course():
    """max_i |a - n| / max(1e-8, |a| + |n|) by central differences of 1e-5, below 1e-4."""

    def right(flat, theta):
        h, (_, a), n = 1e-5, flat(theta), np.empty_like(theta)
        for i in range(len(theta)):
            plus, minus = theta.copy(), theta.copy()
            plus[i] += h
            minus[i] -= h
            n[i] = (float(flat(plus)[0]) - float(flat(minus)[0])) / (2 * h)
        return bool((np.abs(a - n) / np.maximum(1e-8, np.abs(a) + np.abs(n)) < 1e-4).all())

    return right
