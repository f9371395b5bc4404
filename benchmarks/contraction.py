"""The exact contractive penalty beside PyTorch: `python -m benchmarks.contraction`.

Time and peak memory of value plus gradient for two encoders of sigmoids, batch 100, float32: forward, penalty and
backward here, vmap(jacrev) and backward there, one process, round by round in turn; the matrix products alone; and
what the penalty of one layer adds to a step of training.
"""

import importlib.util
import itertools
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.timing import DISTURBANCE, interleave
from npae import Adam, Dense, Identity, Network, ReLU, Sigmoid, Softplus, Stack, Tanh, Tied
from npae.kernels import Buffers
from npae.penalties import Contractive

LAM, N = 0.1, 100
WIDTHS = [(784, 500, 100), (784, 256, 64)]


def encoder_of(widths):
    """A float32 stack of sigmoids."""
    network = Network(
        [Dense(n_in, n_out, Sigmoid(), rng=0) for n_in, n_out in itertools.pairwise(widths)],
        [Dense(widths[-1], widths[0], rng=0)],
        dtype=np.float32,
    )
    return Stack(network.encoder.layers)


def batch(D):
    """x (N, D)."""
    return np.random.default_rng(0).random((N, D), dtype=np.float32)


def ours(widths):
    """Value and gradient by hand; the loss is 0, so backward carries the penalty alone."""
    encoder, x = encoder_of(widths), batch(widths[0])
    buffers, lent = [Buffers() for _ in encoder.layers], Buffers()
    penalty, dh = Contractive(LAM), np.zeros((N, widths[-1]), np.float32)

    def step():
        encoder.forward(x, buffers)
        value = penalty(encoder, None, lent)
        encoder.backward(dh, buffers, need_dx=False)
        return float(value), [layer.dW for layer in encoder.layers]

    return step


def products_alone(widths):
    """The matrix products of `ours` and nothing else: forward, W^T W, C G, C^T C, W dG, backward."""
    D, K_1, K_2 = widths
    x, W_1, W_2 = batch(D), np.ones((D, K_1), np.float32), np.ones((K_1, K_2), np.float32)
    C, G = np.ones((N * K_2, K_1), np.float32), np.ones((K_1, K_1), np.float32)
    CG, h_1, h_2 = np.empty_like(C), np.ones((N, K_1), np.float32), np.ones((N, K_2), np.float32)
    outs = [np.empty_like(each) for each in (h_1, h_2, G, G, W_1, W_2, h_1, W_1)]

    def step():
        np.matmul(x, W_1, out=outs[0])
        np.matmul(h_1, W_2, out=outs[1])
        np.matmul(W_1.T, W_1, out=outs[2])
        np.matmul(C, G, out=CG)
        np.matmul(C.T, C, out=outs[3])
        np.matmul(W_1, G, out=outs[4])
        np.matmul(h_1.T, h_2, out=outs[5])
        np.matmul(h_2, W_2.T, out=outs[6])
        np.matmul(x.T, h_1, out=outs[7])

    return step


def torchs(widths):
    """Value and gradient by vmap(jacrev) and backward, from the same weights."""
    import torch
    from torch.func import jacrev, vmap

    encoder, x = encoder_of(widths), torch.from_numpy(batch(widths[0]))
    layers = []
    for layer in encoder.layers:
        linear = torch.nn.Linear(layer.n_in, layer.n_out)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(layer.W.T.copy()))
            linear.bias.zero_()
        layers += [linear, torch.nn.Sigmoid()]
    f = torch.nn.Sequential(*layers)

    def step():
        f.zero_grad()
        value = LAM / N * vmap(jacrev(f))(x).square().sum()
        value.backward()
        return value.item(), [f[i].weight.grad.numpy().T for i in range(0, len(layers), 2)]

    return step


def training_steps(widths, penalties):
    """(value and gradient, the same with an Adam update) of a network with one encoder layer."""
    D, K = widths
    network = Network([Dense(D, K, Sigmoid(), rng=0)], [Dense(K, D, rng=1)], penalties=penalties, dtype=np.float32)
    x, update = batch(D), Adam(1e-6).start(network.theta)

    def step():
        network.value_and_grad(x)
        update(network.grad)

    return lambda: network.value_and_grad(x), step


def peak(which, widths):
    """Peak resident memory in MB that three steps add to a process that has loaded everything."""
    code = f"from benchmarks.contraction import peak_here; peak_here({which!r}, {widths!r})"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def peak_here(which, widths):
    """Print `peak` of this process."""
    step = {"ours": ours, "torch": torchs}[which](widths)
    {"ours": ours, "torch": torchs}[which]((20, 6, 4))()  # what a library loads at its first call is not counted
    before = _peak_so_far()
    for _ in range(3):
        step()
    print(_peak_so_far() - before)


def _peak_so_far():
    """MB. VmHWM where there is one: ru_maxrss may be inherited from the process that started this one."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def agreement():
    """Worst relative error of value and gradient (per array) against torch.func, float64, and how many networks."""
    import torch
    from torch.func import jacrev, vmap

    functions = {
        Identity(): lambda a: a, Sigmoid(): torch.sigmoid, Tanh(): torch.tanh, ReLU(): torch.relu,
        Softplus(): lambda a: torch.nn.functional.softplus(a, threshold=100),  # 20, the default, is good to 1e-9
    }  # fmt: skip
    worst, n_networks = 0.0, 0
    for (phi, f), depth, tied in itertools.product(functions.items(), (1, 2, 3, 4), (False, True)):
        rng, widths = np.random.default_rng(depth), (7, 6, 5, 4, 3)[: depth + 1]
        encoder = [Dense(n_in, n_out, phi, rng=rng) for n_in, n_out in itertools.pairwise(widths)]
        decoder = [Tied(layer) if tied else Dense(layer.n_out, layer.n_in, rng=rng) for layer in encoder[::-1]]
        network = Network(encoder, decoder, penalties=[Contractive(LAM)])
        network.theta = rng.standard_normal(network.theta.size)
        x = rng.standard_normal((6, 7))
        W = {name: torch.from_numpy(array.copy()).requires_grad_() for name, array in network.parameters.items()}

        def encode(z, W=W, f=f, depth=depth):
            for i in range(depth):
                z = f(z @ W[f"encoder.{i}.W"] + W[f"encoder.{i}.b"])
            return z

        seen = torch.from_numpy(x)
        output = encode(seen)
        for i in range(depth):
            V = W[f"encoder.{depth - 1 - i}.W"].T if tied else W[f"decoder.{i}.W"]
            output = output @ V + W[f"decoder.{i}.b"]
        J = vmap(jacrev(encode))(seen)
        value = ((output - seen).square().sum() / 2 + LAM * J.square().sum()) / len(x)
        value.backward()
        pairs = [(network.value_and_grad(x), value.item())]
        pairs += [(network.gradients[name], W[name].grad.numpy()) for name in W]
        errors = [np.abs(a - b).max() / np.abs(b).max() for a, b in pairs]
        worst, n_networks = max(worst, *errors), n_networks + 1
    return worst, n_networks


def main(seconds=3.0):
    """Print the tables."""
    with_torch = importlib.util.find_spec("torch") is not None
    if with_torch:
        print("against torch.func, depths 1 to 4, all activations, tied and not, float64: worst relative error {:.1e}, "
              "{} networks".format(*agreement()))  # fmt: skip
    print(f"value and gradient of the exact deep penalty, batch {N}, float32" + ("" if with_torch else " (no PyTorch)"))
    for widths in WIDTHS:
        steps = {"npae": ours(widths), "products": products_alone(widths)}
        if with_torch:
            steps["torch"] = torchs(widths)
            values, gradients = zip(steps["npae"](), steps["torch"]())
            error = max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(*gradients))
            assert abs(values[0] / values[1] - 1) < 1e-4 and error < 1e-3, (values, error)
        times = interleave(steps, seconds=seconds, burst=0.3)
        line = f"  {'-'.join(map(str, widths))}: npae {1e3 * times['npae'].median:.1f} ms, its matrix products alone "
        line += f"{1e3 * times['products'].median:.1f} ms ({times['products'].ratio(times['npae'])[0]:.2f} times)"
        if with_torch:
            middle, low, high = times["npae"].ratio(times["torch"])
            line += f", vmap(jacrev) and backward {1e3 * times['torch'].median:.1f} ms: {middle:.2f} times as fast"
            line += f" (quartiles {low:.2f} to {high:.2f}, bounded by the products at "
            line += f"{times['products'].ratio(times['torch'])[0]:.2f})"
        print(line)
        if with_torch:
            mine, theirs = peak("ours", widths), peak("torch", widths)
            print(f"    peak memory: npae {mine:.0f} MB, PyTorch {theirs:.0f} MB, {theirs / mine:.1f} times as much")
    print("what the penalty of one layer adds to a step")
    for widths in ((784, 500), (784, 128)):
        plain, penalized = (training_steps(widths, penalties) for penalties in ((), (Contractive(LAM),)))
        for i, what in enumerate(("value and gradient", "with the Adam update")):
            times = interleave({"plain": plain[i], "penalized": penalized[i]}, seconds=seconds, burst=0.1)
            added = 100 * (times["plain"].ratio(times["penalized"])[0] - 1)
            print(
                f"  {'-'.join(map(str, widths))}, {what}: {1e3 * times['plain'].median:.2f} ms, "
                f"with the penalty {1e3 * times['penalized'].median:.2f} ms: {added:+.1f} %"
            )
    print(f"other processes took up to {max(DISTURBANCE):.0%} of a core meanwhile")


if __name__ == "__main__":
    main()
