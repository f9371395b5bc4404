"""Is this gradient the derivative of this value? For any function, layer, loss, penalty or network.

    report = check_gradient(f, x)        # f(x) -> (value, gradient)
    print(report)                        # one row an array: relative error, worst entry, diagnosis

Why by relative error per array and at unit scale: at tiny weights and absolute tolerances wrong gradients pass.

What to read: `numeric` the difference formulas and what is not analytic, `engine` how one is chosen and trusted,
`verdicts` right or wrong, `diagnosis` the patterns of known mistakes, `report` the table, `subjects` networks, layers,
losses, penalties, and `parameters` where anyone's layer keeps its gradients.
"""

from npae.gradcheck.check import assert_gradient, check_gradient, numerical_gradient, taylor_slope
from npae.gradcheck.report import GradientError, GradientReport, Row
from npae.gradcheck.subjects import check_layer, check_loss, check_network, check_penalty

__all__ = [
    "GradientError", "GradientReport", "Row", "assert_gradient", "check_gradient", "check_layer", "check_loss",
    "check_network", "check_penalty", "numerical_gradient", "taylor_slope",
]  # fmt: skip
