"""Revival of dead units: an auxiliary term in which they reconstruct the remaining error of the others."""

from dataclasses import dataclass

import numpy as np

from npae.objective.activations import Identity
from npae.objective.kernels import largest
from npae.objective.layers import Dense, check_not_empty
from npae.validation import check_number


@dataclass(frozen=True)
class AuxiliaryTopK:
    """Omega = lam / N sum_n 1/2 ||x_n - r_n - e_n||^2: e is the silent units' addition to the reconstruction r.

        e = z W_d,    z = the k largest pre-activations a = x W + b among the silent units, 0 elsewhere

    A unit is silent if its h was 0 for the last `patience` samples or more. A unit that never gets among the k largest
    of TopK has no gradient; here the silent units compete among themselves for the remaining error u = r + e - x:

        du = lam / N u,    dr += du,    dW_d += z^T du,    da = du W_d^T where z was kept

    Without silent units the term is 0. x is the network's input, x~ if the input is corrupted.

    `state` holds the counts of samples since each unit was active. They are constant in the objective and updated by
    `after_step`, which `npae.training.loop.train` calls after each step; they begin at 0 and are not compared, printed
    or saved; give every network its own penalty. Gao et al. (2024), Scaling and evaluating sparse autoencoders,
    appendix A.2, with lam = 1/32 and r taken as constant in this term; here r moves too. How many units revive, and
    the gain: `python -m benchmarks.claims.sparse_codes revival`.

    Raises ValueError unless lam >= 0 and k and patience are whole numbers >= 1, and unless the code layer is Dense and
    the decoder one linear layer.
    """

    lam: float
    k: int
    patience: int = 1000

    def __post_init__(self):
        check_number(self.lam, "lam", "AuxiliaryTopK")
        check_number(self.k, "k", "AuxiliaryTopK", low=1, integer=True)
        check_number(self.patience, "patience", "AuxiliaryTopK", low=1, integer=True)
        object.__setattr__(self, "state", {})

    def check(self, encoder, decoder):
        """Raise ValueError unless the code layer is Dense and the decoder is one linear layer."""
        check_not_empty("AuxiliaryTopK", encoder)
        if not isinstance(encoder.layers[-1], Dense):
            raise ValueError(f"AuxiliaryTopK: got {encoder.layers[-1]!r} as code layer, expected a Dense layer")
        if len(decoder) != 1 or not hasattr(decoder.layers[0], "W") or decoder.layers[0].activation != Identity():
            raise ValueError(f"AuxiliaryTopK: got {list(decoder.layers)!r} as decoder, expected one linear layer")

    @property
    def silent(self):
        """The indices of the units that are silent now, in ascending order."""
        return np.flatnonzero(self.state.get("since", np.zeros(0)) >= self.patience)  # type: ignore[attr-defined]

    def __call__(self, encoder, decoder):
        """Return the value; if units are silent, add dh and dW to the decoder and da to the code layer."""
        code, output = encoder.layers[-1], decoder.layers[0]
        state = self.state  # type: ignore[attr-defined]
        if len(state.get("since", ())) != code.n_out:
            state["since"] = np.zeros(code.n_out, int)
        state["active"], state["n_samples"] = (code.h != 0).any(axis=0), len(code.h)
        silent = self.silent
        if not len(silent):
            return 0.0
        z = code.x @ code.W[:, silent] + code.b[silent]  # (N, n_silent)
        kept = largest(z, min(self.k, len(silent)))
        z = np.where(kept, z, 0)
        W = output.W[silent]
        u = output.h + z @ W
        u -= encoder.x
        du = self.lam / len(u) * u
        dW, da = np.zeros_like(output.W), np.zeros_like(code.h)
        dW[silent] = z.T @ du
        da[:, silent] = np.where(kept, du @ W.T, 0)
        output.pending.add("dh", du)
        output.pending.add("dW", dW)
        code.pending.add("da", da)
        return self.lam / (2 * len(u)) * np.dot(u.ravel(), u.ravel())

    def after_step(self):
        """Count the samples of the batch last seen for the units that were active on none of them."""
        state = self.state  # type: ignore[attr-defined]
        state["since"] = np.where(state["active"], 0, state["since"] + state["n_samples"])
