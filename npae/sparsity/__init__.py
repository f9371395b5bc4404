"""Sparse codes: how sparse they are, which units work, what a sparse code costs, and what its filters look like.

    npae.sparsity.l0(model, X).mean(), npae.sparsity.dead_units(model, X)

`measures` of codes, `filters` as images; parts that training takes: `UnitRows`, a decoder layer that L1 cannot be
cheated by; `AuxiliaryTopK`, which brings dead units back.
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
    "AuxiliaryTopK",
    "UnitRows",
    "coherence",
    "dead_units",
    "density",
    "density_histogram",
    "frontier",
    "l0",
    "localized_and_oriented",
    "mean_activation",
    "spread",
    "top_samples",
    "unexplained_variance",
]
