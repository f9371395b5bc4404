"""Compare drawing noise, and a step of a variational autoencoder, with PyTorch."""

import numpy as np

import npae
from benchmarks.report import HEADER, beside, installed, table
from benchmarks.speed.cases import Case, multiply, npae_step
from benchmarks.timing import once, warm_up
from npae.generative import VariationalNetwork

N, D, H, K, LR = 100, 784, 400, 20, 1e-3
NOISES = {
    "Gaussian": (npae.GaussianNoise(0.3), lambda torch, x: x + 0.3 * torch.randn_like(x)),
    "masking": (npae.MaskingNoise(0.3), lambda torch, x: x * (torch.rand_like(x) >= 0.3)),
    "salt and pepper": (npae.SaltAndPepper(0.3), lambda torch, x: _salt_and_pepper(torch, x, 0.3)),
}


def _salt_and_pepper(torch, x, p):
    u = torch.rand_like(x)
    return torch.where(u < p, (u < p / 2).to(x.dtype), x)


def noise_rows(quick):
    """Return rows: one draw of each corruption; a denoising step and the same step without noise."""
    x, rng, seconds = np.random.default_rng(0).random((128, D)).astype(np.float32), np.random.default_rng(0), 3.0
    out, rows = np.empty_like(x), []
    for name, (noise, theirs) in NOISES.items():
        peer = None
        if installed("torch"):
            import torch

            t = torch.from_numpy(x)
            peer = lambda theirs=theirs, t=t: theirs(torch, t)  # noqa: E731
        rows.append(
            beside(
                f"{name} noise, 128 x 784, float32 (PyTorch)",
                lambda noise=noise: noise.corrupt(x, rng, out=out),
                peer,
                seconds=0.5 if quick else seconds,
            )
        )
    for optimizer in ("SGD", "Adam"):
        what = f"a denoising step, 784-500-784, {optimizer} (peer: the step without noise)"
        denoising, plain = (npae_step(Case("784-500-784", kind, optimizer)) for kind in ("denoising", "plain"))
        rows.append(beside(what, denoising, plain, seconds=0.5 if quick else seconds))
    return rows


def weights():
    """Return W (inputs, outputs) of 784-400-(20, 20) and 20-400-784, the same for both libraries."""
    rng = np.random.default_rng(1)
    shapes = ((D, H), (H, 2 * K), (K, H), (H, D))
    return [(rng.standard_normal(shape) / shape[0] ** 0.5).astype(np.float32) for shape in shapes]


def vae_step():
    """Return npae's step: value and gradient of the bound with a fresh draw of the code, and Adam."""
    layers = [npae.Dense(*W.shape, npae.ReLU() if i in (0, 2) else npae.Identity()) for i, W in enumerate(weights())]
    for layer, W in zip(layers, weights()):
        layer.W = W
    code, loss = npae.GaussianCode(K), npae.BernoulliCrossEntropy()
    network = VariationalNetwork([*layers[:2], code], layers[2:], loss=loss, dtype=np.float32, rng=0)
    step, x = npae.Adam(LR).start(network.theta), np.random.default_rng(0).random((N, D)).astype(np.float32)

    def run():
        network._value_and_grad(x, x)
        step(network.grad)

    return run


def torch_vae_steps():
    """Return {configuration: step}: PyTorch eager, each implementation of Adam."""
    if not installed("torch"):
        return {}
    import torch

    def make(variant):
        x = torch.from_numpy(np.random.default_rng(0).random((N, D)).astype(np.float32))
        Ws = [torch.from_numpy(W.T.copy()).requires_grad_() for W in weights()]
        bs = [torch.zeros(len(W), requires_grad=True) for W in Ws]
        optimizer, F = torch.optim.Adam([*Ws, *bs], lr=LR, **variant), torch.nn.functional

        def run():
            optimizer.zero_grad()
            mu, s = F.linear(F.relu(F.linear(x, Ws[0], bs[0])), Ws[1], bs[1]).split(K, 1)
            h = mu + torch.exp(s / 2) * torch.randn_like(mu)
            a = F.linear(F.relu(F.linear(h, Ws[2], bs[2])), Ws[3], bs[3])
            L = F.binary_cross_entropy_with_logits(a, x, reduction="sum")
            omega = 0.5 * torch.sum(mu * mu + torch.exp(s) - 1 - s)
            ((L + omega) / N).backward()
            optimizer.step()

        return run

    return {f"{name}={value}": make({name: value}) for name, value in (("foreach", True), ("fused", True))}


def vae_rows(quick):
    """Return rows: a step of a variational autoencoder, 784-400-20, batch 100, Adam; its matrix products alone."""
    theirs = torch_vae_steps()
    for step in theirs.values():
        warm_up(step)
    best = min(theirs, key=lambda name: min(once(theirs[name]) for _ in range(7)), default=None)
    what, seconds = "step of a variational autoencoder, 784-400-20-400-784, 100, Adam", 1.0 if quick else 6.0
    rows = [beside(f"{what} (PyTorch, {best})", vae_step(), theirs.get(best), seconds=seconds)]
    return [*rows, beside(f"{what} (peer: its matrix products by NumPy)", vae_step(), products(), seconds=seconds)]


def products():
    """Return the matrix products of the step alone."""
    rng, calls = np.random.default_rng(0), []
    for i, W in enumerate(weights()):
        x, da = (rng.standard_normal((N, n)).astype(np.float32) for n in W.shape)
        calls += [(x, W, da.copy()), (x.T, da, W.copy())] + ([(da, W.T, x.copy())] if i else [])
    return multiply(np.dot, calls)


def main(quick=False):
    """Return a Markdown table."""
    return table(HEADER, noise_rows(quick) + vae_rows(quick))


if __name__ == "__main__":
    print(main())
