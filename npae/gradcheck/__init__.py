"""Check that a gradient is the derivative of a value: of any function, layer, loss, penalty or network.

    report = check_gradient(f, x)        # f(x) -> (value, gradient)
    print(report)                        # one row per array: relative error, worst entry, diagnosis

The error is relative, per array, and should be measured at unit scale: with tiny weights or an absolute tolerance,
wrong gradients pass.

Modules: `numeric`, the difference formulas, and operations that are not analytic; `engine`, how a formula is chosen and
confirmed; `verdicts`, right or wrong; `diagnosis`, the patterns of known mistakes; `report`, the table; `subjects`,
networks, layers, losses, penalties; `parameters`, how the gradients of a user-defined layer are found.
"""

from npae.gradcheck.check import assert_gradient, check_gradient, numerical_gradient, taylor_slope
from npae.gradcheck.report import GradientError, GradientReport, Row
from npae.gradcheck.subjects import check_layer, check_loss, check_network, check_penalty

__all__ = [
    "GradientError", "GradientReport", "Row", "assert_gradient", "check_gradient", "check_layer", "check_loss",
    "check_network", "check_penalty", "numerical_gradient", "taylor_slope",
]  # fmt: skip
