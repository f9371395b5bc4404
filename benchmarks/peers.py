"""The same step in other libraries, from the same weights; None where a library is missing or cannot do the case."""

import functools
import importlib.util

import numpy as np

from benchmarks.cases import BETA, LAM, LR, RHO, SIGMA, product_calls


def installed(name):
    """Whether a library can be imported."""
    return importlib.util.find_spec(name) is not None


# -- PyTorch -----------------------------------------------------------------------------------------------------


def torch_steps(case, *, compiled=False):
    """{configuration: step}: one or two threads, each implementation of the optimizer, eager or compiled."""
    if not installed("torch"):
        return {}
    import torch

    if case.optimizer == "SGD":
        variants = [{"foreach": False}, {"foreach": True}, {"fused": True}]
    else:
        variants = [{"foreach": True}, {"fused": True}]
    threads = (1, _all_threads()) if case.widths[0] < 100 else (_all_threads(),)
    return {
        f"{'compiled' if compiled else 'eager'}, {n} threads, {next(iter(kw))}={next(iter(kw.values()))}": _torch_step(
            torch, case, n, kw, compiled
        )
        for n in threads
        for kw in variants
    }


@functools.cache
def _all_threads():
    import torch

    return torch.get_num_threads()  # asked once: the steps below change it


def torch_products(case):
    """The step's matrix products alone, by PyTorch: what its BLAS takes where NumPy's takes `products`."""
    if not installed("torch"):
        return None
    import torch

    calls = [tuple(map(torch.from_numpy, call)) for call in product_calls(case)]
    threads = _all_threads()

    def run():
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        for a, b, out in calls:
            torch.mm(a, b, out=out)

    return run


def _torch_step(torch, case, threads, variant, compiled):
    x = torch.from_numpy(case.batch())
    Ws = [torch.from_numpy(W.T.copy()).requires_grad_() for W in case.weights()]  # (K, D), as in torch.nn.Linear
    bs = [torch.zeros(len(W), dtype=W.dtype, requires_grad=True) for W in Ws]
    make = torch.optim.SGD if case.optimizer == "SGD" else torch.optim.Adam
    optimizer = make([*Ws, *bs], lr=LR, **variant)
    depth, linear, sigmoid = len(case.widths) - 1, torch.nn.functional.linear, torch.sigmoid

    def objective():
        z = x + SIGMA * torch.randn_like(x) if case.kind == "denoising" else x
        hs = []
        for i, (W, b) in enumerate(zip(Ws, bs)):
            z = linear(z, W, b)
            if i < len(Ws) - 1 or case.output == "sigmoid":
                z = sigmoid(z)
            hs.append(z)
        value = 0.5 * torch.sum((z - x) ** 2) / len(x)
        if case.kind == "KL":
            q = hs[depth - 1].mean(0)
            value = value + BETA * torch.sum(RHO * torch.log(RHO / q) + (1 - RHO) * torch.log((1 - RHO) / (1 - q)))
        if case.kind == "contractive":
            value = value + LAM / len(x) * _torch_contraction(torch, Ws[:depth], [h * (1 - h) for h in hs[:depth]])
        return value

    if compiled:
        objective = torch.compile(objective)

    def run():
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        optimizer.zero_grad()
        objective().backward()
        optimizer.step()

    return run


def _torch_contraction(torch, Ws, s):
    """sum_n ||J_n||_F^2 by the cheapest way there is: one layer in closed form, more from the outputs by W_1 W_1^T."""
    if len(Ws) == 1:
        return torch.dot((s[0] ** 2).sum(0), (Ws[0] ** 2).sum(1))
    J = s[-1][:, :, None] * Ws[-1]  # (N, K_L, K_{L-1})
    for s_l, W in zip(reversed(s[1:-1]), reversed(Ws[1:-1])):
        J = (J * s_l[:, None, :]) @ W
    J = J * s[0][:, None, :]
    return torch.sum(J * (J @ (Ws[0] @ Ws[0].T)))


# -- JAX and autograd: one objective -------------------------------------------------------------------------------


def _objective(xp, case, sigmoid):
    depth = len(case.widths) - 1

    def objective(parameters, x, seen):
        z, hs = seen, []
        for i, (W, b) in enumerate(parameters):
            z = xp.dot(z, W) + b
            if i < len(parameters) - 1 or case.output == "sigmoid":
                z = sigmoid(z)
            hs.append(z)
        value = 0.5 * xp.sum((z - x) ** 2) / len(x)
        if case.kind == "KL":
            q = xp.mean(hs[depth - 1], axis=0)
            value = value + BETA * xp.sum(RHO * xp.log(RHO / q) + (1 - RHO) * xp.log((1 - RHO) / (1 - q)))
        if case.kind == "contractive":
            s, W = hs[0] * (1 - hs[0]), parameters[0][0]
            value = value + LAM / len(x) * xp.dot(xp.sum(s**2, axis=0), xp.sum(W**2, axis=0))
        return value

    return objective


def jax_step(case):
    """jit-compiled value, gradient and update on the CPU, buffers donated."""
    if not installed("jax") or (case.kind == "contractive" and len(case.widths) > 2):
        return None
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)
    value_and_grad = jax.value_and_grad(_objective(jnp, case, jax.nn.sigmoid))
    x = jnp.asarray(case.batch())
    parameters = [(jnp.asarray(W), jnp.zeros(W.shape[1], W.dtype)) for W in case.weights()]
    zeros = jax.tree.map(jnp.zeros_like, parameters)

    def update(state, x):
        parameters, m, v, t, key = state
        key, draw = jax.random.split(key)
        seen = x + SIGMA * jax.random.normal(draw, x.shape, x.dtype) if case.kind == "denoising" else x
        value, g = value_and_grad(parameters, x, seen)
        t = t + 1
        if case.optimizer == "SGD":
            new = jax.tree.map(lambda p, g: p - LR * g, parameters, g)
        else:
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            a, c = (LR / (1 - 0.9**t)).astype(x.dtype), (1 / (1 - 0.999**t)).astype(x.dtype)
            new = jax.tree.map(lambda p, m, v: p - a * m / (jnp.sqrt(v * c) + 1e-8), parameters, m, v)
        return (new, m, v, t, key), value

    step = jax.jit(update, donate_argnums=0)
    state = [(parameters, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), "float32"), jax.random.key(0))]

    def run():
        state[0], value = step(state[0], x)
        value.block_until_ready()

    return run


def autograd_step(case):
    """HIPS autograd for the gradient, plain NumPy for the update."""
    if not installed("autograd") or case.kind == "denoising" or (case.kind == "contractive" and len(case.widths) > 2):
        return None
    import autograd.numpy as anp
    from autograd import value_and_grad

    gradient = value_and_grad(_objective(anp, case, lambda a: 1 / (1 + anp.exp(-a))))
    x, parameters = case.batch(), [(W, np.zeros(W.shape[1], W.dtype)) for W in case.weights()]
    update = _textbook_update(case.optimizer)

    def run():
        _, gradients = gradient(parameters, x, x)
        update([p for pair in parameters for p in pair], [g for pair in gradients for g in pair])

    return run


# -- NumPy as a textbook writes it -----------------------------------------------------------------------------------


def textbook_step(case):
    """Forward, backward and update as a book prints them: a new array for every intermediate result."""
    if case.kind not in ("plain", "denoising"):
        return None
    x, Ws = case.batch(), case.weights()
    bs = [np.zeros(W.shape[1], W.dtype) for W in Ws]
    rng, update = np.random.default_rng(0), _textbook_update(case.optimizer)

    def run():
        seen = x
        if case.kind == "denoising":
            seen = x + SIGMA * rng.standard_normal(x.shape, dtype=x.dtype)
        _, dWs, dbs = textbook_gradient(seen, x, Ws, bs, case.output)
        update(Ws + bs, dWs + dbs)

    return run


def textbook_gradient(seen, x, Ws, bs, output="identity"):
    """Value, dW and db of 1/2 ||x^ - x||^2 averaged over samples."""
    hs = [seen]
    for i, (W, b) in enumerate(zip(Ws, bs)):
        a = hs[-1] @ W + b
        hs.append(a if i == len(Ws) - 1 and output == "identity" else 1 / (1 + np.exp(-a)))
    error = hs[-1] - x
    da = error / len(x)
    dWs: list[np.ndarray] = []
    dbs: list[np.ndarray] = []
    if output == "sigmoid":
        da = da * hs[-1] * (1 - hs[-1])
    for i in reversed(range(len(Ws))):
        dWs.insert(0, hs[i].T @ da)
        dbs.insert(0, da.sum(axis=0))
        if i:
            da = (da @ Ws[i].T) * hs[i] * (1 - hs[i])
    return 0.5 * np.sum(error**2) / len(x), dWs, dbs


def per_sample_step(case):
    """The same, sample by sample: a loop over the batch that adds up outer products."""
    x, Ws = case.batch(), case.weights()
    bs = [np.zeros(W.shape[1], W.dtype) for W in Ws]

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
    state: dict = {"t": 0}

    def sgd(parameters, gradients):
        for p, g in zip(parameters, gradients):
            p -= LR * g

    def adam(parameters, gradients):
        state["t"] += 1
        m = state.setdefault("m", [np.zeros_like(p) for p in parameters])
        v = state.setdefault("v", [np.zeros_like(p) for p in parameters])
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * g**2
            p -= LR * (m[i] / (1 - 0.9 ** state["t"])) / (np.sqrt(v[i] / (1 - 0.999 ** state["t"])) + 1e-8)

    return sgd if optimizer == "SGD" else adam
