"""The gradient checker beside PyTorch's on one network, and its directions on a large one."""

import numpy as np

import npae
from benchmarks import peers
from benchmarks.report import cell, table
from benchmarks.timing import interleave
from npae.gradcheck import check_network


def main():
    rows = []
    network, x = _sigmoid_network(64, 25), np.random.default_rng(1).random((100, 64))
    functions = {"npae": lambda: check_network(network, x)}
    if peers.installed("torch"):
        functions["torch"] = _torch_gradcheck(network, x)
    t = interleave(functions, seconds=6, burst=0)
    ratio = cell(t["npae"].ratio(t["torch"]), mark=True) if "torch" in t else "not installed (extra: bench)"
    rows.append(["64-25-64, batch 100, all 3,289 parameters, complex step", f"{t['npae'].median:.3f}", ratio])
    large, x = _sigmoid_network(784, 500), np.random.default_rng(1).random((100, 784))
    t = interleave({"npae": lambda: check_network(large, x)}, seconds=3, burst=0)
    rows.append(["784-500-784, batch 100, random directions", f"{t['npae'].median:.3f}", "-"])
    return table(["check", "seconds", "torch.autograd.gradcheck / npae"], rows)


def _sigmoid_network(D, K):
    rng = np.random.default_rng(0)
    network = npae.Network([npae.Dense(D, K, npae.Sigmoid(), rng=rng)], [npae.Dense(K, D, rng=rng)])
    network.theta[:] = rng.uniform(-1, 1, network.theta.size) / K**0.5
    return network


def _torch_gradcheck(network, batch):
    import torch

    x = torch.from_numpy(batch)
    parameters = [torch.tensor(view, requires_grad=True) for view in network.parameters.values()]

    def objective(W, b, V, c):
        return 0.5 * torch.sum((torch.sigmoid(x @ W + b) @ V + c - x) ** 2) / len(x)

    return lambda: torch.autograd.gradcheck(objective, parameters)


if __name__ == "__main__":
    print(main())
