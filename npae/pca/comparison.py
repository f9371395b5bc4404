"""Compare a trained autoencoder with PCA: the angles between two subspaces, and two reconstruction errors."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae.pca.angles import principal_angles, projector_distance
from npae.pca.fit_linear import decoder_matrix, why_not_affine
from npae.pca.moments import spectrum
from npae.validation import check_array


@dataclass(frozen=True, eq=False)
class PCAComparison:
    """A model compared with PCA of as many components; `print` it for a table, `.plot()` it for a picture.

    angles                (r,) principal angles between decoder and principal subspace, radians, ascending; None if
                          the decoder is not affine, because it then spans no subspace
    projector_distance    ||P_decoder - P_PCA||_F, or None
    reconstruction_error  mean over samples of 1/2 ||x^ - x||^2
    pca_error             the same for PCA: no affine decoder of a code of this width has a smaller error
    excess                (reconstruction_error - pca_error) / pca_error; a nonlinear decoder can get below 0
    note                  a remark on the numbers, or ""
    """

    n_components: int
    angles: np.ndarray | None
    projector_distance: float | None
    reconstruction_error: float
    pca_error: float
    excess: float
    note: str = ""

    def __str__(self) -> str:
        rows = [
            ("components", f"{self.n_components}"),
            ("reconstruction error", f"{self.reconstruction_error:.10g}"),
            ("error of PCA", f"{self.pca_error:.10g}"),
            ("relative excess", f"{self.excess:.3e}"),
        ]
        if self.angles is not None and self.angles.size:
            rows += [
                ("largest angle, rad", f"{self.angles[-1]:.3e}"),
                ("median angle, rad", f"{np.median(self.angles):.3e}"),
                ("projector distance", f"{self.projector_distance:.3e}"),
            ]
        table = "\n".join(f"{name:<22}{value:>18}" for name, value in rows)
        return f"{table}\n{self.note}" if self.note else table

    def plot(self) -> Any:
        """Return a matplotlib Figure: every angle on a log axis, or the two errors if the decoder is not affine."""
        from matplotlib.ticker import MaxNLocator

        from npae.plots.autoencoders import bars
        from npae.plots.style import new_axes

        if self.angles is None:
            errors = {"PCA": self.pca_error, "autoencoder": self.reconstruction_error}
            figure = bars(errors, ylabel="mean ½‖x̂ − x‖²", width=6)
        else:
            figure, axis = new_axes(6, 3.4)
            number = np.arange(1, len(self.angles) + 1)
            axis.plot(number, np.maximum(self.angles, 1e-17), "ko-", markersize=4, linewidth=0.8)
            axis.set(yscale="log", ylim=(1e-17, 10), xlabel="number of the angle", ylabel="principal angle, rad")
            axis.axhline(np.pi / 2, color="#666666", linewidth=0.8, linestyle="--")
            axis.annotate("right angle", (1, np.pi / 2), (2, -3), textcoords="offset points", va="top", fontsize=8)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.axes[0].set_title(f"k = {self.n_components}, relative excess error {self.excess:.1e}", fontsize=10)
        return figure


def compare_with_pca(model: Any, X: Any, *, pca: Any = None, rank_rtol: float | None = None) -> PCAComparison:
    """Compare a network, or an estimator that holds one as `network_`, with PCA of X (N, D) at the same code width k.

    PCA subtracts the mean of X; the decoder's directions are the rows of W_1 ... W_L (k, D) and do not depend on the
    biases. Weight decay switches units off: directions below `rank_rtol` (by default rounding) times the decoder's
    largest singular value are left out. A nonlinear decoder spans no subspace: then only the errors are compared, and
    `note` says why. `pca` is a fitted `PCA`; if X is held out, fit it to the training data.
    Everything is evaluated in float64. Raises ValueError for a bad X or a `pca` of fewer than k components.
    Bourlard and Kamp (1988), Biological Cybernetics 59; Baldi and Hornik (1989), Neural Networks 2.
    """
    x = check_array(X, owner="compare_with_pca", dtype=np.float64)
    network = getattr(model, "network_", model)
    eps = float(np.finfo(network.theta.dtype).eps)
    network = network.astype(np.float64)
    k = network.encoder.layers[-1].n_out
    if pca is None:
        mean, variance, V, rounding = spectrum(x)
    else:
        mean, variance, V, rounding = pca.mean_, pca.explained_variance_, pca.components_, pca.rounding_
        if len(V) < min(k, pca.n_samples_, pca.n_features_in_):
            raise ValueError(f"compare_with_pca: got a PCA of {len(V)} components, expected at least {k}")
    P, centred = V[:k], x - mean
    error = _half_mse(network.reconstruct(x) - x)
    pca_error = _half_mse(centred @ P.T @ P - centred)
    scale = max(pca_error, eps * _half_mse(centred))  # PCA may be perfect: no 0 / 0
    excess = (error - pca_error) / scale if scale > 0 else np.inf
    if scale == 0 and error <= eps**2 * _half_mse(x):  # no variance: PCA is perfect, and so is the model
        excess = 0.0
    reason = why_not_affine(network, "decoder")
    if reason:
        return PCAComparison(k, None, None, error, pca_error, excess, f"No angles: {reason}.")
    W = decoder_matrix(network)
    _, sigma, Q = np.linalg.svd(W, full_matrices=False)
    Q = Q[sigma > (max(W.shape) * eps if rank_rtol is None else rank_rtol) * sigma[0]]
    P = P[variance[:k] > rounding]
    notes = [f"The decoder has rank {len(Q)}."] * (len(Q) < k) + [f"The data have rank {len(P)}."] * (len(P) < k)
    if k < len(variance) and variance[k] > rounding and variance[k - 1] - variance[k] <= 1e-9 * variance[k]:
        notes.append(f"Variances {k} and {k + 1} are equal: the principal subspace is not unique.")
    angles, distance = principal_angles(Q.T, P.T), float(projector_distance(Q.T, P.T))
    return PCAComparison(k, angles, distance, error, pca_error, excess, " ".join(notes))


def _half_mse(residual: np.ndarray) -> float:
    return float(np.vdot(residual, residual) / (2 * len(residual)))
