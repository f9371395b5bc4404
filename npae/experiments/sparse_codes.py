"""Train sparse codes of whitened 8 x 8 patches: the cost of sparsity, a cheat of L1, the revival of dead units."""

from typing import Any

import numpy as np

from npae import sparsity
from npae.datasets import load_patches
from npae.experiments.cosine import train_epochs
from npae.experiments.family import error
from npae.objective.activations import ReLU, TopK
from npae.objective.layers import Dense
from npae.objective.network import Network
from npae.objective.penalties import L1Sparsity
from npae.sparsity import AuxiliaryTopK, UnitRows

LAMS = (0.03, 0.1, 0.3, 1.0, 3.0)
KS = (2, 4, 8, 16, 32)
REVIVAL = AuxiliaryTopK(1.0, 16, patience=2000)


def patches(n_train=10_000, n_test=2000, *, seed=0):
    """Return (X_train, X_test): patches of the whitened photographs, float32, with unit variance per pixel."""
    X = load_patches(n_train + n_test, whitened=True, rng=seed).data.astype(np.float32)
    return X[:n_train], X[n_train:]


def sparse_coder(X, activation, penalties=(), *, n_components=128, decoder=UnitRows, seed=0, **how):
    """Return a trained network D-K-D with that code and a linear decoder; `how` goes to `train_epochs`."""
    rng = np.random.default_rng(seed)
    D = X.shape[1]
    encoder, outer = Dense(D, n_components, activation, rng=rng), decoder(n_components, D, rng=rng)
    network = Network([encoder], [outer], penalties=penalties, dtype=X.dtype)
    return train_epochs(network, X, **{"lr": 3e-3, "epochs": 30, "batch_size": 200, **how}, rng=rng)


def frontiers(X_train, X_test, *, lams=LAMS, ks=KS, log=None, **how):
    """Return {method: [(lam or k, mean L0, fraction of variance unexplained, dead units)]}, L0 and fraction held out.

    The methods are L1 on ReLU units, and TopK without and with the auxiliary term. All decoders are `UnitRows`.
    """
    methods: dict[str, list[Any]] = {"L1": [], "top k": [], "top k, revived": []}

    def add(method, strength, *arguments):
        network = sparse_coder(X_train, *arguments, **how)
        l0 = float(sparsity.l0(network, X_test).mean())
        dead = len(sparsity.dead_units(network, X_train))
        methods[method].append((strength, l0, sparsity.unexplained_variance(network, X_test), dead))
        if log:
            log(f"{method:<15}{strength:>6g}  L0 {l0:6.2f}  unexplained {methods[method][-1][2]:.4f}  dead {dead}")

    for lam in lams:
        add("L1", lam, ReLU(), [L1Sparsity(lam)])
    for k in ks:
        add("top k", k, TopK(k))
        add("top k, revived", k, TopK(k), [_clone(REVIVAL)])
    return methods


def _clone(penalty):
    """Return the same penalty with a new state."""
    return AuxiliaryTopK(penalty.lam, penalty.k, penalty.patience)


def unexplained_at(points, l0):
    """Return the fraction of variance unexplained at that L0, by lines between the points, both axes logarithmic."""
    found = np.array(sorted((p[1], p[2]) for p in points))
    return float(np.exp(np.interp(np.log(l0), *np.log(found).T)))


def cheat(X, *, lam=0.3, epochs=100, **how):
    """Return {decoder: rows (epoch, lam mean |h|_1, mean norm of the decoder's rows, error, mean L0)}.

    A free decoder grows, so that the code shrinks and pays less; a decoder with unit rows cannot. Both have the same
    seed, the same lam and the same schedule.
    """
    histories = {}
    for name, decoder in (("free decoder", Dense), ("unit rows", UnitRows)):
        rows: list[Any] = []

        def on_epoch_end(network, history, rows=rows):
            h, W = network.encode(X), network.decoder.layers[0].W
            penalty, norm = lam * np.abs(h).sum(axis=1).mean(), np.linalg.norm(W, axis=1).mean()
            rows.append((len(history["loss"]), penalty, norm, error(network.decode(h), X), (h > 0).sum(axis=1).mean()))

        penalties = [L1Sparsity(lam)]
        sparse_coder(X, ReLU(), penalties, decoder=decoder, epochs=epochs, final=3e-3, callbacks=[on_epoch_end], **how)
        histories[name] = np.array(rows)
    return histories


def revival(X, *, k=4, epochs=30, **how):
    """Return {name: (dead units by epoch, network)}, without and with the auxiliary term."""
    found = {}
    for name, penalties in (("without", ()), ("with the auxiliary term", [_clone(REVIVAL)])):
        counts: list[int] = []

        def on_epoch_end(network, history, counts=counts):
            counts.append(len(sparsity.dead_units(network, X)))

        network = sparse_coder(X, TopK(k), penalties, epochs=epochs, callbacks=[on_epoch_end], **how)
        found[name] = np.array(counts), network
    return found
