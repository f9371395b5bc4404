"""What is added to a layer's gradients besides what flows back through it: terms of penalties, and of tied weights."""

from typing import Any

import numpy as np


class Pending:
    """Terms that a layer's next backward adds; a forward pass begins with none.

    dh (at the activations), da (before them): arrays that broadcast to (N, K), or None. W_scale: dW += W * W_scale, a
    scalar or one number a column. gradients: lists of whole arrays by name, such as {"dW": [(D, K)], "db": [(K,)]}.
    """

    def __init__(self):
        self.dh: Any = None
        self.da: Any = None
        self.W_scale: Any = None
        self.gradients: dict[str, list[np.ndarray]] = {}

    def add(self, name, value):
        """Add `value` to 'dh', 'da', 'W_scale', or the gradient of a parameter, such as 'dW'; ValueError otherwise."""
        if name in ("dh", "da", "W_scale"):
            before = getattr(self, name)
            setattr(self, name, value if before is None else before + value)
        elif name[:1] == "d":
            self.gradients.setdefault(name, []).append(value)
        else:
            raise ValueError(f"pending: got {name!r}, expected 'dh', 'da', 'W_scale', or 'd' and a parameter's name")

    def terms(self):
        """(name, term) of all that was added."""
        named = [(name, getattr(self, name)) for name in ("dh", "da", "W_scale")]
        named += [(name, term) for name, terms in self.gradients.items() for term in terms]
        return [(name, term) for name, term in named if term is not None]
