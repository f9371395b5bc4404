"""The Kullback-Leibler penalty for small batches: it holds a mean activation that runs on from batch to batch."""

from dataclasses import dataclass

import numpy as np

from npae.penalties import KLSparsity, mean_activation, relative_entropy
from npae.validation import check_number


@dataclass(frozen=True)
class RunningKLSparsity(KLSparsity):
    """KLSparsity whose rho_hat is a running mean, because the mean over a small batch is mostly chance.

        rho_hat = decay r + (1 - decay) 1/N sum_n p_n,    r <- rho_hat after each step
        Omega = beta sum_j (KL(rho || rho_hat_j) - decay KL(rho || r_j)) / (1 - decay)
        dh_nj = beta / N dKL(rho || rho_hat_j) / drho_hat_j, times the slope of the map from h to p

    so that the gradient has the strength that KLSparsity has on all samples at once, and Omega is KLSparsity's where
    the batch's mean is r. r is constant in the objective, which is therefore a function of theta that a gradient check
    can check: only `after_step`, which `npae.training.train` calls after each step, moves it on. It is kept in
    `state`, which begins empty (the first batch counts in full) and does not compare, print or go into files; give
    every network a penalty of its own. Ng (2011), CS294A lecture notes, section 3, has the mean over all samples.

    Raises ValueError as KLSparsity does, and unless decay is in [0, 1).
    """

    decay: float = 0.9

    def __post_init__(self):
        super().__post_init__()
        check_number(self.decay, "decay", type(self).__name__, high=1, include_high=False)
        object.__setattr__(self, "state", {})

    def __call__(self, encoder, decoder=None):
        """The value; adds dh, one number a unit, to the code layer."""
        rho_hat, slope = mean_activation(encoder)
        past, decay = self.state.get("rho_hat"), self.decay  # type: ignore[attr-defined]
        if past is None or past.shape != rho_hat.shape:
            past, decay = rho_hat, 0.0
        rho_hat = decay * past.astype(rho_hat.dtype, copy=False) + (1 - decay) * rho_hat
        self.state["next"] = rho_hat.real  # type: ignore[attr-defined]
        value, derivative = relative_entropy(self.rho, rho_hat)
        if decay:
            value = (value - decay * relative_entropy(self.rho, np.asarray(past))[0]) / (1 - decay)
        encoder.layers[-1].pending.add("dh", self.beta * slope / len(encoder.h) * derivative)
        return self.beta * value

    def after_step(self):
        """Take the mean of the batch last seen into the running mean."""
        self.state["rho_hat"] = self.state.pop("next")  # type: ignore[attr-defined]
