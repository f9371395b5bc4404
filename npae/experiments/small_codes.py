"""Deep autoencoders with a code of a few numbers: D-128-32-k-32-128-D, for maps and for turning knobs."""

from npae.training.optimizers import Adam
from npae.training.schedules import Cosine


def small_code(run, k):
    """Trained on the run's images, once a run: tanh, a linear code of k numbers, sigmoid output."""
    return run.once(f"code of {k}", lambda: _fit(run, k))


def _fit(run, k):
    epochs = max(10, run.epochs // 2)
    return run.autoencoder(
        k,
        hidden_layer_sizes=(128, 32),
        activation=("tanh", "tanh", "identity"),
        optimizer=Adam(Cosine(5e-3, epochs * -(-len(run.train) // run.settings.narrow.batch_size))),
        max_iter=epochs,
    ).fit(run.train)
