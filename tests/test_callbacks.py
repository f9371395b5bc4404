"""Callbacks as records, and a fitted model in words."""

import numpy as np
import pytest

import npae
from npae import SGD, Autoencoder, EarlyStopping
from npae.training.loop import train


@pytest.fixture(scope="module")
def X():
    return npae.datasets.load_digits().data[:100]


class Scripted:
    """A network's history as it is told: what early stopping looks at, without a training."""

    def __init__(self, values, monitor):
        self.values, self.monitor, self.epoch = values, monitor, 0

    def epochs(self, callback):
        look, history = callback.start(self), {self.monitor: []}
        for value in self.values:
            self.epoch += 1
            history[self.monitor].append(value)
            if look(None, history):
                return self.epoch
        return None


@pytest.mark.parametrize(
    ("values", "patience", "tol", "ends"),
    [
        ([5, 4, 3, 2, 1], 1, 0.0, None),
        ([5, 5], 1, 0.0, 2),
        ([5, 4, 4, 4, 4], 2, 0.0, 4),
        ([5, 4, 4.5, 3.9, 4.2, 4.1], 2, 0.0, 6),
        ([5, 4.9, 4.8, 4.7], 2, 0.1, 3),  # a fall of less than a tenth is none
        ([np.nan, np.nan, np.nan], 2, 0.0, 2),
        ([-1, -2, -2.01], 1, 0.1, 3),  # of a loss below 0 it is a tenth of its size
        ([0, -1], 1, 0.5, None),
    ],
)
def test_early_stopping_waits_for_a_fall(values, patience, tol, ends):
    assert Scripted(values, "loss").epochs(EarlyStopping("loss", patience, tol)) == ends


def test_early_stopping_ends_a_fit_as_the_estimators_own_does(X):
    settings = {"max_iter": 200, "early_stopping": True, "optimizer": SGD(0.1), "random_state": 0}
    own = Autoencoder(3, n_iter_no_change=3, tol=0.01, **settings).fit(X)
    by_record = Autoencoder(3, n_iter_no_change=200, callbacks=EarlyStopping(patience=3, tol=0.01), **settings).fit(X)
    assert 5 < by_record.n_iter_ == own.n_iter_ < 200
    assert np.array_equal(by_record.network_.theta, own.network_.theta)


def test_early_stopping_names_what_there_is_to_watch(X):
    with pytest.raises(
        ValueError, match=r"EarlyStopping: got monitor='validation_loss', expected one of \['gradient_norm'"
    ):
        Autoencoder(3, callbacks=[EarlyStopping()]).fit(X)
    for arguments in ({"patience": 0}, {"tol": -1}):
        with pytest.raises(ValueError, match="EarlyStopping: got"):
            EarlyStopping(**arguments)


def test_what_a_callback_starts_is_called_after_each_step_each_epoch_and_at_the_end(X):
    calls = []

    class Watch:
        def start(self, run):
            self.run = run
            return self

        def __call__(self, network, history):
            calls.append(("epoch", self.run.epoch))

        def after_step(self):
            calls.append(("step", self.run.batch))

        def end(self):
            calls.append("end")

    network = npae.Network([npae.Dense(64, 3)], [npae.Dense(3, 64)])
    train(network, X, SGD(0.01).start(network.theta), batch_size=50, max_iter=2, callbacks=[Watch()])
    assert calls == [("step", 1), ("step", 2), ("epoch", 1), ("step", 1), ("step", 2), ("epoch", 2), "end"]


def test_one_callback_needs_no_list_and_a_generator_is_refused(X):
    epochs = []
    Autoencoder(2, max_iter=3, callbacks=lambda network, history: epochs.append(1)).fit(X)
    assert len(epochs) == 3
    with pytest.raises(TypeError, match="expected a callable or a list of them"):
        Autoencoder(2, callbacks=(each for each in [print])).fit(X)


def test_a_summary_counts_every_weight_once_and_tells_the_last_epoch(X):
    model = Autoencoder(8, hidden_layer_sizes=(30,), tied=True, penalties=[npae.Contractive(0.1)], max_iter=2)
    assert model.summary() == f"{model!r}\nnot fitted yet" and "not fitted yet" in model._repr_html_()
    text = model.fit(X).summary()
    counts = [int(line.split()[3].replace(",", "")) for line in text.splitlines() if line.startswith(("enc", "dec"))]
    assert sum(counts) == model.network_.theta.size and f"{sum(counts):,} in float64" in text
    assert f"loss {model.loss_curve_[-1]:.5g}" in text and "2 epochs" in text and "Contractive(lam=0.1)" in text


def test_a_notebook_shows_the_summary_escaped(X):
    shown = npae.VariationalAutoencoder(2, max_iter=1).fit(X)._repr_html_()
    assert shown.startswith("<details") and "GaussianCode" in shown and "KLToStandardNormal" in shown
    own = Autoencoder(2, max_iter=1, penalties=[lambda encoder, decoder: 0.0]).fit(X)
    assert "&lt;function" in own._repr_html_() and "<function" not in own._repr_html_()
