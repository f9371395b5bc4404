"""The summary of a fitted estimator: its layers, its training and its last numbers, as text and HTML."""

import html

from npae.system.printing import text_columns


def summary(model):
    """Return lines of text: the layers with their weights, the objective, the training and its last numbers."""
    network = getattr(model, "network_", None)
    if network is None:
        return f"{model!r}\nnot fitted yet"
    rows = [("layer", "in", "out", "weights", "")]
    for side in ("encoder", "decoder"):
        for i, layer in enumerate(getattr(network, side).layers):
            n = sum(getattr(layer, name).size for name in layer.parameters)
            rows.append((f"{side}.{i}", f"{layer.n_in:,}", f"{layer.n_out:,}", f"{n:,}", _about(layer)))
    facts = (f"{name}: {text}" for name, text in _facts(model, network))
    return "\n".join([type(model).__name__, *text_columns(rows, "<>>><"), *facts])


def as_html(model):
    """Return the summary as HTML for a notebook, under the repr of the model."""
    text = summary(model) if hasattr(model, "network_") else "not fitted yet"
    head, body = html.escape(repr(model)), html.escape(text)
    return f"<details open><summary><code>{head}</code></summary><pre>{body}</pre></details>"


def _about(layer):
    kind, activation = type(layer).__name__, getattr(layer, "activation", None)
    name = type(activation).__name__ if activation is not None else ""
    return kind if name.startswith("_") or not name else f"{kind}, {activation!r}".removesuffix("()")


def _facts(model, network):
    yield "weights", f"{network.theta.size:,} in {network.theta.dtype}, {network.theta.nbytes / 1e6:.3g} MB"
    penalties = ", ".join(repr(each) for each in network.penalties) or "none"
    yield "objective", f"{network.loss!r}, penalties: {penalties}"
    optimizer = getattr(getattr(model, "_step", None), "optimizer", model._optimizer())
    yield "optimizer", f"{optimizer!r}, batches of {model.batch_size}"
    history = model.history_
    if history["loss"]:
        last = ", ".join(f"{name} {values[-1]:.5g}" for name, values in history.items() if name != "seconds")
        yield "trained", f"{len(history['loss'])} epochs in {history['seconds'][-1]:.3g} s"
        yield "last epoch", last
