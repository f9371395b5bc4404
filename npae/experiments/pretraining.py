"""Pretrain a classifier layer by layer without labels, then fine-tune it with few labels.

Each layer is the encoder of an autoencoder of the codes of the layer below. A softmax output on top is trained alone;
then the labels train the whole network. Bengio et al. (2007), Greedy layer-wise training of
deep networks; Vincent et al. (2010), Stacked denoising autoencoders; Rifai et al. (2011), Contractive auto-encoders.
"""

import copy
from typing import Any

import numpy as np

from npae.estimators.autoencoder import Autoencoder
from npae.experiments.capacity import labelled_split
from npae.experiments.cosine import fixed_length, train_epochs
from npae.objective.activations import Sigmoid
from npae.objective.contraction import Contractive
from npae.objective.corruption import GaussianNoise
from npae.objective.layers import Dense
from npae.objective.penalties import KLSparsity
from npae.probe import Classifier, LinearProbe

KINDS: dict[str, dict[str, Any]] = {
    "random": {},
    "sparse (KL)": {"penalties": [KLSparsity(0.3, 0.05)]},
    "denoising": {"corruption": GaussianNoise(0.5)},
    "contractive": {"penalties": [Contractive(0.1)], "tied": True},
}


def pretrained_layers(kind, X, widths, *, epochs=30, seed=0):
    """Return Dense sigmoid layers D -> widths[0] -> ...: each the encoder of an autoencoder of that kind.

    'random' layers are not trained. Adam begins at 3e-3, in batches of 100.
    """
    layers: list[Dense] = []
    sizes = [X.shape[1], *widths]
    for i, (n_in, width) in enumerate(zip(sizes, widths)):
        if kind == "random":
            layers.append(Dense(n_in, width, Sigmoid(), rng=np.random.default_rng([seed, i])))
            continue
        how = fixed_length(len(X), lr=3e-3, epochs=epochs, batch_size=100) | KINDS[kind]
        state = np.random.SeedSequence([seed, i])  # the output is a sigmoid, because inputs and codes are in [0, 1]
        model = Autoencoder(width, output_activation="sigmoid", random_state=state, **how).fit(X)
        layers.append(copy.deepcopy(model.network_.encoder.layers[0]))
        X = model.transform(X)
    return layers


def fine_tuned(layers, X, y, *, n_steps=500, lam=0.1, seed=0):
    """Return a `Classifier` on copies of the layers: its output is fitted as a `LinearProbe`, then all layers by Adam.

    Adam takes that many steps on batches of 25, from 1e-3, the same for pretrained and random layers.
    """
    network = Classifier(layers, 10, dtype=np.float32, rng=seed)
    output, probe = network.decoder.layers[0], LinearProbe(lam, tol=1e-4).fit(network.encode(X), y)
    output.W[:, probe.classes_], output.b[probe.classes_] = probe.W_, probe.b_
    size = min(25, len(X))
    epochs = max(1, n_steps * size // len(X))
    return train_epochs(network, X, lr=1e-3, epochs=epochs, batch_size=size, target=y, rng=seed)


def few_labels(
    dataset, *, n_test=1000, widths=(500, 500), labels=(50, 200, 1000), kinds=tuple(KINDS), epochs=30, n_steps=500,
    seed=0, log=None,
):  # fmt: skip
    """Return {(kind, number of labels): accuracy on held-out images} for one seed.

    Every kind has the same split, the same labelled images and the same number of steps. Pretraining sees all images
    that are not held out, without labels.
    """
    X, y, chosen = labelled_split(dataset, n_test, labels, seed)
    accuracy = {}
    for kind in kinds:
        layers = pretrained_layers(kind, X[n_test:], widths, epochs=epochs, seed=seed)
        for n, i in chosen.items():
            network = fine_tuned(layers, X[i], y[i], n_steps=n_steps, seed=seed)
            accuracy[kind, n] = network.score(X[:n_test], y[:n_test])
        if log:
            log(f"seed {seed}, {kind}: " + ", ".join(f"{n} labels {accuracy[kind, n]:.3f}" for n in labels))
    return accuracy
