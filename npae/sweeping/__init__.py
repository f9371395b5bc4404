"""Many fits: every setting of a grid on every fold, with scores that are equal bit for bit on every executor."""

from npae.sweeping.sweep import SweepResults, sweep

__all__ = ["SweepResults", "sweep"]
