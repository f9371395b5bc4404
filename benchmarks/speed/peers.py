"""The same step in other libraries, from the same weights; None if a library is missing or cannot do the case."""

import functools
import itertools

import numpy as np

from benchmarks.report import installed
from benchmarks.speed.cases import BETA, LAM, LR, RHO, SIGMA, multiply, product_calls


def objective(xp, case, sigmoid, affine, rows):
    """Return J(parameters, x, seen) of the case by the functions of a library; parameters is a list of (W, b).

    affine(z, W, b) is a layer before its sigmoid; rows(W) is W (K, D), one unit a row.
    """
    depth, last = len(case.widths) - 1, len(case.layers) - 1

    def J(parameters, x, seen):
        z, hs = seen, []
        for i, (W, b) in enumerate(parameters):
            z = affine(z, W, b)
            if i < last or case.output == "sigmoid":
                z = sigmoid(z)
            hs.append(z)
        value = 0.5 * xp.sum((z - x) ** 2) / len(x)
        if case.kind == "KL":
            q = xp.mean(hs[depth - 1], axis=0)
            value = value + BETA * xp.sum(RHO * xp.log(RHO / q) + (1 - RHO) * xp.log((1 - RHO) / (1 - q)))
        if case.kind == "contractive":
            Ws, s = [rows(W) for W, _ in parameters[:depth]], [h * (1 - h) for h in hs[:depth]]
            value = value + LAM / len(x) * _contraction(xp, Ws, s)
        return value

    return J


def _contraction(xp, Ws, s):
    """sum_n ||J_n||_F^2 by the cheapest way: one layer in closed form, more from the outputs by W_1 W_1^T."""
    if len(Ws) == 1:
        return xp.dot(xp.sum(s[0] ** 2, axis=0), xp.sum(Ws[0] ** 2, axis=1))
    J = s[-1][:, :, None] * Ws[-1]  # (N, K_L, K_{L-1})
    for s_l, W in zip(reversed(s[1:-1]), reversed(Ws[1:-1])):
        J = (J * s_l[:, None, :]) @ W
    J = J * s[0][:, None, :]
    return xp.sum(J * (J @ (Ws[0] @ Ws[0].T)))


def _start(case):
    """Return [(W, b), ...] of the case."""
    return [(W, np.zeros(W.shape[1], W.dtype)) for W in case.weights()]


def _affine(z, W, b):
    return z @ W + b


def torch_steps(case, *, compiled=False):
    """Return {configuration: step}: one or two threads, each implementation of the optimizer, eager or compiled."""
    if not installed("torch"):
        return {}
    variants = [("foreach", False), ("foreach", True), ("fused", True)]
    threads = {1, _all_threads()} if case.widths[0] < 100 else {_all_threads()}
    return {
        f"{'compiled' if compiled else 'eager'}, {n} threads, {option}={on}": _torch_step(
            case, n, {option: on}, compiled
        )
        for n in sorted(threads)
        for option, on in (variants if case.optimizer == "SGD" else variants[1:])
    }


@functools.cache
def _all_threads():
    import torch

    return torch.get_num_threads()  # asked once: the steps below change it


def _with_threads(n, f):
    import torch

    def run():
        if torch.get_num_threads() != n:
            torch.set_num_threads(n)
        f()

    return run


def torch_products(case):
    """Return the matrix products of the step alone, by PyTorch; `cases.products` does the same by NumPy."""
    if not installed("torch"):
        return None
    import torch

    calls = [tuple(map(torch.from_numpy, call)) for call in product_calls(case)]
    return _with_threads(_all_threads(), multiply(torch.mm, calls))


def _torch_step(case, threads, variant, compiled):
    import torch

    x = torch.from_numpy(case.batch())
    Ws = [torch.from_numpy(W.T.copy()).requires_grad_() for W in case.weights()]  # (K, D), as in torch.nn.Linear
    parameters = [(W, torch.zeros(len(W), dtype=W.dtype, requires_grad=True)) for W in Ws]
    optimizer = getattr(torch.optim, case.optimizer)([*Ws, *(b for _, b in parameters)], lr=LR, **variant)
    J = objective(torch, case, torch.sigmoid, torch.nn.functional.linear, rows=lambda W: W)

    def value():
        return J(parameters, x, x + SIGMA * torch.randn_like(x) if case.kind == "denoising" else x)

    if compiled:
        value = torch.compile(value)

    def step():
        optimizer.zero_grad()
        value().backward()
        optimizer.step()

    return _with_threads(threads, step)


def torch_gradcheck(case):
    """Run torch.autograd.gradcheck of the case's objective over all its parameters."""
    if not installed("torch"):
        return None
    import torch

    x, parameters = torch.from_numpy(case.batch()), [torch.from_numpy(p) for pair in _start(case) for p in pair]
    J = objective(torch, case, torch.sigmoid, _affine, lambda W: W.T)
    for p in parameters:
        p.requires_grad_()
    return lambda: torch.autograd.gradcheck(lambda *p: J(list(zip(p[::2], p[1::2])), x, x), parameters)


def jax_step(case):
    """Return a jit-compiled value, gradient and update on the CPU, buffers donated."""
    if not installed("jax"):
        return None
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)
    value_and_grad = jax.value_and_grad(objective(jnp, case, jax.nn.sigmoid, _affine, lambda W: W.T))
    x, parameters = jnp.asarray(case.batch()), [(jnp.asarray(W), jnp.asarray(b)) for W, b in _start(case)]
    zeros = jax.tree.map(jnp.zeros_like, parameters)

    def update(state, x):
        p, m, v, t, key = state
        key, draw = jax.random.split(key)
        seen = x + SIGMA * jax.random.normal(draw, x.shape, x.dtype) if case.kind == "denoising" else x
        value, g = value_and_grad(p, x, seen)
        t = t + 1
        if case.optimizer == "SGD":
            p = jax.tree.map(lambda p, g: p - LR * g, p, g)
        else:
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            a, c = LR / (1 - 0.9**t), 1 / (1 - 0.999**t)
            p = jax.tree.map(lambda p, m, v: p - a * m / (jnp.sqrt(v * c) + 1e-8), p, m, v)
        return (p, m, v, t, key), value

    step = jax.jit(update, donate_argnums=0)
    state = [(parameters, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), x.dtype), jax.random.key(0))]

    def run():
        state[0], value = step(state[0], x)
        value.block_until_ready()

    return run


def autograd_step(case):
    """Return a step by HIPS autograd for the gradient and plain NumPy for the update."""
    if not installed("autograd") or case.kind == "denoising":
        return None
    import autograd.numpy as anp
    from autograd import value_and_grad

    gradient = value_and_grad(objective(anp, case, lambda a: 1 / (1 + anp.exp(-a)), _affine, lambda W: W.T))
    x, parameters, update = case.batch(), _start(case), _textbook_update(case.optimizer)

    def run():
        _, gradients = gradient(parameters, x, x)
        update([p for pair in parameters for p in pair], [g for pair in gradients for g in pair])

    return run


def textbook_step(case):
    """Return forward, backward and update as a book prints them: a new array for every intermediate result."""
    if case.kind not in ("plain", "denoising"):
        return None
    x, (Ws, bs) = case.batch(), map(list, zip(*_start(case)))
    rng, update = np.random.default_rng(0), _textbook_update(case.optimizer)

    def run():
        seen = x + SIGMA * rng.standard_normal(x.shape, dtype=x.dtype) if case.kind == "denoising" else x
        _, dWs, dbs = textbook_gradient(seen, x, Ws, bs, case.output)
        update(Ws + bs, dWs + dbs)

    return run


def textbook_gradient(seen, x, Ws, bs, output="identity"):
    """Return value, dW and db of 1/2 ||x^ - x||^2 averaged over samples."""
    hs = [seen]
    for i, (W, b) in enumerate(zip(Ws, bs)):
        a = hs[-1] @ W + b
        hs.append(a if i == len(Ws) - 1 and output == "identity" else 1 / (1 + np.exp(-a)))
    error, dWs, dbs = hs[-1] - x, [], []
    da = error / len(x)
    if output == "sigmoid":
        da = da * hs[-1] * (1 - hs[-1])
    for i in reversed(range(len(Ws))):
        dWs.insert(0, hs[i].T @ da)
        dbs.insert(0, da.sum(axis=0))
        if i:
            da = (da @ Ws[i].T) * hs[i] * (1 - hs[i])
    return 0.5 * np.sum(error**2) / len(x), dWs, dbs


def per_sample_step(case):
    """Return the same by a loop over the samples that adds up outer products."""
    x, (Ws, bs) = case.batch(), map(list, zip(*_start(case)))

    def run():
        sums = [np.zeros_like(p) for p in Ws + bs]
        for n in range(len(x)):
            _, dWs, dbs = textbook_gradient(x[n : n + 1], x[n : n + 1], Ws, bs)
            for total, g in zip(sums, dWs + dbs):
                total += g
        for p, g in zip(Ws + bs, sums):
            p -= LR / len(x) * g

    return run


def _textbook_update(optimizer):
    steps, m, v = itertools.count(1), {}, {}

    def sgd(parameters, gradients):
        for p, g in zip(parameters, gradients):
            p -= LR * g

    def adam(parameters, gradients):
        t = next(steps)
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            m[i] = 0.9 * m.get(i, 0) + 0.1 * g
            v[i] = 0.999 * v.get(i, 0) + 0.001 * g**2
            p -= LR * (m[i] / (1 - 0.9**t)) / (np.sqrt(v[i] / (1 - 0.999**t)) + 1e-8)

    return sgd if optimizer == "SGD" else adam
