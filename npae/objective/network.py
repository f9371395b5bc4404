"""The objective J and its gradient: an encoder, a decoder, a loss and penalties over one flat vector theta.

J(theta) = 1/N sum_n L(x_n, g(f(x~_n))) + Omega
"""

import copy
import inspect
from functools import partial
from typing import Any

import numpy as np

from npae.objective.kernels import Buffers
from npae.objective.layers import Stack, check_bottleneck, named_layers
from npae.objective.losses import SquaredError, with_buffer
from npae.objective.theta import FlatParameters
from npae.objective.user_defined import check_parts, looks_like_part, takes
from npae.validation import NotFittedError, check_array


class Network:
    """x^ = g(f(x)) with its objective and gradient; every W, b, dW, db is a view of `theta` or `grad`.

    encoder, decoder: Stack or list of layers. loss: such as SquaredError(). penalties: such as [WeightDecay(1e-3)].
    Each may be user-defined: docs/your_own_part.md. dtype: of theta, by default the layers' own (float64). Networks may
    share layers. `theta` (P,), `grad` (P,); `parameters` and `gradients` name their pieces, such as 'encoder.0.W'.

    Raises ValueError if widths do not fit, if a penalty does not fit the encoder, if a layer appears twice or a tied
    layer does not come after the layer whose weights it shares, and if a user-defined part fails its check on random
    samples; TypeError for a wrong dtype.
    """

    _reconstructs = True  # as many outputs as inputs
    part_values: Any = ()  # the terms of J last computed: the loss, then each penalty

    def __init__(self, encoder, decoder, *, loss=SquaredError(), penalties=(), dtype=None):
        self.encoder = encoder if isinstance(encoder, Stack) else Stack(encoder)
        self.decoder = decoder if isinstance(decoder, Stack) else Stack(decoder)
        self.loss = loss
        check_bottleneck(self.encoder, self.decoder, loss if self._reconstructs else None)
        self.penalties = penalties
        self._bind(dtype)
        check_parts(self.encoder, self.decoder, loss, self.penalties, self._theta.dtype)

    @property
    def loss(self):
        """L, a loss such as SquaredError()."""
        return self._given_loss

    @loss.setter
    def loss(self, loss):
        if not looks_like_part(loss, "check_target", 2):
            raise TypeError(f"Network: got loss={loss!r}, expected a loss such as SquaredError()")
        self._given_loss, self._loss = loss, with_buffer(loss)

    @property
    def penalties(self):
        """Omega, a tuple of penalties such as WeightDecay(1e-3)."""
        return self._given_penalties

    @penalties.setter
    def penalties(self, penalties):
        if not isinstance(penalties, (list, tuple)):
            raise TypeError(f"Network: got penalties={penalties!r}, expected a list such as [WeightDecay(1e-3)]")
        for penalty in penalties:
            if not looks_like_part(penalty, "check", 1):
                raise TypeError(f"Network: got penalty {penalty!r}, expected one such as WeightDecay(1e-3)")
            if hasattr(penalty, "check"):
                penalty.check(*(self.encoder, self.decoder)[: 1 + takes(penalty.check, "decoder")])
        self._given_penalties = tuple(penalties)
        self._penalties = [partial(each, array=Buffers()) if takes(each, "array") else each for each in penalties]

    def _bind(self, dtype=None):
        self._flat = flat = FlatParameters(named_layers(self.encoder, self.decoder), dtype)
        self._theta, self._grad = flat.theta, flat.grad
        self.parameters, self.gradients = flat.parameters, flat.gradients

    def __getstate__(self):
        return {name: getattr(self, name) for name in ("encoder", "decoder", "loss", "penalties")}

    def __setstate__(self, state, dtype=None):
        for name, value in state.items():
            setattr(self, name, value)
        self._bind(dtype)

    def __copy__(self):
        return copy.deepcopy(self)

    def astype(self, dtype):
        """Return an independent copy whose theta has the given dtype."""
        other = object.__new__(type(self))
        other.__setstate__(copy.deepcopy(self.__getstate__()), dtype)
        return other

    @property
    def theta(self):
        """All parameters, (P,); assigning copies into it."""
        self._flat.take_layers()
        return self._theta

    @theta.setter
    def theta(self, value):
        if np.shape(value) != self._theta.shape:
            raise ValueError(f"Network: got theta of shape {np.shape(value)}, expected {self._theta.shape}")
        np.copyto(self.theta, value, casting="same_kind")

    @property
    def grad(self):
        """dJ/dtheta of the last `value_and_grad`, (P,)."""
        return self._grad

    def value_and_grad(self, x, target=None):
        """Return J for the batch x (N, D), possibly corrupted, and the clean target (default x); leave dJ in grad.

        Raises ValueError or TypeError if x is not a finite (N, D) array, and for targets that the loss refuses.
        """
        return self._value_and_grad(*self._check_batch(x, target))

    def value(self, x, target=None):
        """Return J alone, for the same arguments."""
        return self._forward(*self._check_batch(x, target))[0]

    def _value_and_grad(self, x, target):
        value, da = self._forward(x, target)
        self.encoder.backward(self.decoder.backward(da), need_dx=False)
        self._flat.copy_reassigned()
        return value

    def _forward(self, x, target):
        a = self.decoder.forward(self.encoder.forward(x))
        value, da = self._loss(a, target)
        self.part_values = [value, *(penalty(self.encoder, self.decoder) for penalty in self._penalties)]
        return np.asarray(sum(self.part_values)).item(), da

    def _check_batch(self, x, target):
        x = self._check(x, "x")
        target = x if target is None else self._check(target, "target")
        if len(target) != len(x):
            raise ValueError(f"Network: got {len(x)} samples in x and {len(target)} in target, expected as many")
        self.check_target(target.real)
        return x, target

    def check_target(self, target):
        """Raise ValueError for targets (N, D) that the loss refuses, if it has such a check."""
        if hasattr(self.loss, "check_target"):
            self.loss.check_target(target)

    def _check(self, x, name, n_features=None):
        dtype, n = self.theta.dtype, n_features or self.encoder.layers[0].n_in
        is_complex = dtype.kind == "c"
        return check_array(x, name=name, owner="Network", dtype=dtype, n_features=n, allow_complex=is_complex)

    def encode(self, x):
        """Return the code h = f(x): (N, D) -> (N, K)."""
        return self.encoder(self._check(x, "x"))

    def decode(self, h):
        """Return the reconstruction x^ = E[x | g(h)]: (N, K) -> (N, D)."""
        a = self.decoder(self._check(h, "h", self.decoder.layers[0].n_in))
        return self.loss.mean(a) if hasattr(self.loss, "mean") else a

    def reconstruct(self, x):
        """Return x^ = decode(encode(x)): (N, D) -> (N, D)."""
        return self.decode(self.encode(x))

    def __repr__(self):
        parts = f"{list(self.encoder.layers)!r}, {list(self.decoder.layers)!r}, loss={self.loss!r}"
        return f"Network({parts}, penalties={list(self.penalties)!r}, dtype={str(self._theta.dtype)!r})"


def network_of(model, owner):
    """Return the Network itself or the `network_` of a fitted estimator; `owner` is named in errors.

    Raises NotFittedError for an estimator before its fit, one whose class says `network_: ...`; TypeError for a model
    without a network.
    """
    network = getattr(model, "network_", model)
    if isinstance(network, Network):
        return network
    if any("network_" in inspect.get_annotations(each) for each in type(model).__mro__):
        raise NotFittedError(f"{owner}: got a {type(model).__name__} that is not fitted, expected fit(X) first")
    raise TypeError(f"{owner}: got {model!r}, expected a Network or an estimator that holds one as network_")


def checked_inputs(model, X, owner):
    """Return the Network of a model, as `network_of`, and X (N, D), as `check_array`, in the network's dtype."""
    network = network_of(model, owner)
    dtype, D = network.theta.dtype, network.encoder.layers[0].n_in
    return network, check_array(X, owner=owner, dtype=dtype, n_features=D)
