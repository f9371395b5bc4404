"""Train deep autoencoders with a code of a few numbers, D-128-32-k-32-128-D, for maps and sliders."""

from npae.experiments.cosine import fixed_length


def small_code(run, k):
    """Return the autoencoder of the run's images with k code units: tanh, a linear code, sigmoid output."""
    return run.cached(f"code of {k}", lambda: _fit(run, k))


def _fit(run, k):
    epochs, batch_size = max(10, run.epochs // 2), run.settings.narrow.batch_size
    how = fixed_length(len(run.train), lr=5e-3, epochs=epochs, batch_size=batch_size)
    activation = ("tanh", "tanh", "identity")
    return run.autoencoder(k, hidden_layer_sizes=(128, 32), activation=activation, **how).fit(run.train)
