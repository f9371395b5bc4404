"""Train for a fixed number of epochs by Adam, with a learning rate that falls along half a cosine."""

from npae.training.loop import train
from npae.training.optimizers import Adam
from npae.training.schedules import Cosine


def adam(n_samples, *, lr, epochs, batch_size, final=0.0):
    """Return Adam with a learning rate that falls from lr to `final` within that many epochs."""
    return Adam(Cosine(lr, epochs * -(-n_samples // batch_size), final))


def fixed_length(n_samples, *, lr, epochs, batch_size):
    """Return the arguments with which an estimator trains for exactly that many epochs, by `adam`."""
    optimizer = adam(n_samples, lr=lr, epochs=epochs, batch_size=batch_size)
    return {
        "optimizer": optimizer, "batch_size": batch_size, "max_iter": epochs, "tol": 0.0, "n_iter_no_change": epochs,
    }  # fmt: skip


def train_epochs(network, X, *, lr, epochs, batch_size, final=0.0, **how):
    """Train a network on X (N, D) by `adam` and return it; `how` holds further arguments of `train`."""
    optimizer = adam(len(X), lr=lr, epochs=epochs, batch_size=batch_size, final=final)
    train(network, X, optimizer.start(network.theta), batch_size=batch_size, max_iter=epochs, **how)
    return network
