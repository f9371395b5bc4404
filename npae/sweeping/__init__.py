"""Many fits: every setting of a grid on every fold, with scores that are equal bit for bit on every executor.

`grid` makes the tasks, `job` does one, `workers` hands them out, `record` stores them, `sweep` is the loop.
"""

from npae.sweeping.results import SweepResults
from npae.sweeping.sweep import sweep

__all__ = ["SweepResults", "sweep"]
