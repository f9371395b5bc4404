"""Compare the exact contractive penalty with PyTorch: `python -m benchmarks.speed.contraction`.

Time and peak memory of value plus gradient for two encoders of sigmoids, batch 100, float32: forward, penalty and
backward in npae, vmap(jacrev) and backward in PyTorch; the matrix products alone; the cost of one contracted layer.
"""

import itertools
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.report import beside, cell, installed, ms, table
from benchmarks.speed.cases import multiply
from benchmarks.timing import interleave
from npae import Adam, Dense, Identity, Network, ReLU, Sigmoid, Softplus, Tanh, Tied
from npae.objective.contraction import Contractive

LAM, N = 0.1, 100
WIDTHS = [(784, 500, 100), (784, 256, 64)]


def network_of(widths, penalties=(), phi=Sigmoid(), *, tied=False, dtype=np.float32):
    """Return an encoder of these widths and its mirrored linear decoder."""
    encoder = [Dense(n_in, n_out, phi, rng=0) for n_in, n_out in itertools.pairwise(widths)]
    decoder = [Tied(layer) if tied else Dense(layer.n_out, layer.n_in, rng=1) for layer in encoder[::-1]]
    return Network(encoder, decoder, penalties=penalties, dtype=dtype)


def batch(D):
    """Return x (N, D)."""
    return np.random.default_rng(0).random((N, D), dtype=np.float32)


def ours(widths):
    """Return value and gradient by hand; the loss is 0, so the gradient is that of the penalty."""
    encoder, x, penalty = network_of(widths).encoder, batch(widths[0]), Contractive(LAM)
    dh = np.zeros((N, widths[-1]), np.float32)

    def step():
        encoder.forward(x)
        value = penalty(encoder, None)
        encoder.backward(dh, need_dx=False)
        return float(value), [layer.dW for layer in encoder.layers]

    return step


def products_alone(widths):
    """Return the matrix products of `ours` alone: forward, W^T W, C G, C^T C, W dG, backward."""
    D, K_1, K_2 = widths
    x, W_1, W_2, C, G, h_1, h_2 = (
        np.ones(shape, np.float32)
        for shape in ((N, D), (D, K_1), (K_1, K_2), (N * K_2, K_1), (K_1, K_1), (N, K_1), (N, K_2))
    )
    pairs = [(x, W_1), (h_1, W_2), (W_1.T, W_1), (C, G), (C.T, C), (W_1, G), (h_1.T, h_2), (h_2, W_2.T), (x.T, h_1)]
    return multiply(np.matmul, [(a, b, np.empty((len(a), b.shape[1]), np.float32)) for a, b in pairs])


def torchs(widths):
    """Return value and gradient by vmap(jacrev) and backward, from the same weights."""
    import torch
    from torch.func import jacrev, vmap

    x, layers = torch.from_numpy(batch(widths[0])), []
    for layer in network_of(widths).encoder.layers:
        linear = torch.nn.Linear(layer.n_in, layer.n_out)
        linear.load_state_dict({"weight": torch.from_numpy(layer.W.T), "bias": torch.from_numpy(layer.b)})
        layers += [linear, torch.nn.Sigmoid()]
    f = torch.nn.Sequential(*layers)

    def step():
        f.zero_grad()
        value = LAM / N * vmap(jacrev(f))(x).square().sum()
        value.backward()
        return value.item(), [linear.weight.grad.numpy().T for linear in f[::2]]

    return step


def peak(which, widths):
    """Return the peak resident memory in MB that three steps add to a process after all imports."""
    name = which.__name__
    code = f"from benchmarks.speed import contraction; print(contraction.peak_here(contraction.{name}, {widths!r}))"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def peak_here(which, widths):
    """Return `peak`, measured in this process."""
    step = which(widths)
    which((20, 6, 4))()  # what a library loads at its first call is not counted
    before = _peak_so_far()
    for _ in range(3):
        step()
    return _peak_so_far() - before


def _peak_so_far():
    """Return the peak in MB, from VmHWM if it exists, because ru_maxrss may be inherited from the parent process."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def agreement():
    """Return the worst relative difference from torch.func, float64, and the number of networks."""
    import torch
    from torch.func import jacrev, vmap

    functions = {
        Identity(): lambda a: a, Sigmoid(): torch.sigmoid, Tanh(): torch.tanh, ReLU(): torch.relu,
        Softplus(): lambda a: torch.nn.functional.softplus(a, threshold=100),  # 20, the default, is good to 1e-9
    }  # fmt: skip
    errors = []
    for (phi, f), depth, tied in itertools.product(functions.items(), (1, 2, 3, 4), (False, True)):
        network = network_of((7, 6, 5, 4, 3)[: depth + 1], [Contractive(LAM)], phi, tied=tied, dtype=np.float64)
        rng = np.random.default_rng(depth)
        network.theta = rng.standard_normal(network.theta.size)
        x = rng.standard_normal((6, 7))
        theirs = {name: torch.tensor(array, requires_grad=True) for name, array in network.parameters.items()}
        layers = [(theirs[f"encoder.{i}.W"], theirs[f"encoder.{i}.b"]) for i in range(depth)]

        def encode(z, layers=layers, f=f):
            for W, b in layers:
                z = f(z @ W + b)
            return z

        seen = torch.from_numpy(x)
        output = encode(seen)
        for i in range(depth):
            output = output @ (layers[-1 - i][0].T if tied else theirs[f"decoder.{i}.W"]) + theirs[f"decoder.{i}.b"]
        contraction = vmap(jacrev(encode))(seen).square().sum()
        value = ((output - seen).square().sum() / 2 + LAM * contraction) / len(x)
        value.backward()
        pairs = [(network.value_and_grad(x), value.item())]
        pairs += [(network.gradients[name], theirs[name].grad.numpy()) for name in theirs]
        errors.append(max(np.abs(a - b).max() / np.abs(b).max() for a, b in pairs))
    return max(errors), len(errors)


def deep(widths, seconds):
    """Return a row: npae, its products and PyTorch, their ratios, and the peaks of memory."""
    steps = {"npae": ours(widths), "products": products_alone(widths)}
    if installed("torch"):
        steps["torch"] = torchs(widths)
        values, gradients = zip(steps["npae"](), steps["torch"]())
        error = max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(*gradients))
        assert abs(values[0] / values[1] - 1) < 1e-4 and error < 1e-3, (values, error)
    t = interleave(steps, seconds=seconds, burst=0.3)
    row = ["-".join(map(str, widths)), ms(t["npae"]), cell(t["products"].ratio(t["npae"]))]
    if "torch" not in t:
        return [*row, "not installed", "", "", ""]
    bound, mine, theirs = t["products"].ratio(t["torch"])[0], peak(ours, widths), peak(torchs, widths)
    memory = f"{mine:.0f} MB", f"{theirs:.0f} MB, {theirs / mine:.1f} times"
    return [*row, cell(t["npae"].ratio(t["torch"]), mark=True), f"{bound:.2f}", *memory]


def one_layer(K, seconds):
    """Return rows: value and gradient of 784-K-784 without and with the penalty, and the same with an Adam update."""
    networks = [network_of((784, K), penalties) for penalties in ((), (Contractive(LAM),))]
    updates, x = [Adam(1e-6).start(network.theta) for network in networks], batch(784)

    def step(i):
        networks[i].value_and_grad(x)
        updates[i](networks[i].grad)

    both = {"value and gradient": lambda i: networks[i].value_and_grad(x), "with the Adam update": step}
    return [
        beside(f"784-{K}-784, {what}", lambda f=f: f(0), lambda f=f: f(1), seconds=seconds, burst=0.1)
        for what, f in both.items()
    ]


def main(quick=False):
    """Return Markdown tables and the largest difference between the two."""
    seconds = 1.0 if quick else 3.0
    header = ["deep, value and gradient", "npae", "npae / products", "vmap(jacrev) / npae", "its bound by the products",
              "npae's peak", "PyTorch's peak"]  # fmt: skip
    text = table(header, [deep(widths, seconds) for widths in WIDTHS]) + "\n"
    rows = [row for K in (500, 128) for row in one_layer(K, seconds)]
    text += table(["one layer", "with the penalty / plain", "plain", "with the penalty"], rows)
    if installed("torch"):
        text += "\nagainst torch.func, depths 1 to 4, all activations, tied and not, float64: worst relative error "
        text += "{:.1e}, {} networks\n".format(*agreement())
    return text


if __name__ == "__main__":
    print(main())
