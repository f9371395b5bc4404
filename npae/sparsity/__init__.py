"""Sparse codes: their sparsity, their dead units, their reconstruction error, and the shape of their filters.

    npae.sparsity.l0(model, X).mean(), npae.sparsity.dead_units(model, X)

`measures` takes codes, `filters` takes weights as images. Two parts serve in training: `UnitRows`, a decoder layer
with rows of norm 1, so that rescaling cannot lower an L1 penalty, and `AuxiliaryTopK`, which revives dead units.
"""

from npae.objective.revival import AuxiliaryTopK
from npae.objective.unit_rows import UnitRows
from npae.sparsity.filters import coherence, localized_and_oriented, spread
from npae.sparsity.measures import (
    dead_units,
    density,
    density_histogram,
    frontier,
    l0,
    mean_activation,
    top_samples,
    unexplained_variance,
)

__all__ = [
    "AuxiliaryTopK", "UnitRows", "coherence", "dead_units", "density", "density_histogram", "frontier", "l0",
    "localized_and_oriented", "mean_activation", "spread", "top_samples", "unexplained_variance",
]  # fmt: skip
