"""Many fits: every setting of a grid on every fold, on one machine or on many, with the same scores to the bit.

    results = npae.sweep(Autoencoder(), {"n_components": [8, 16, 32]}, X, random_state=0)

`grid` says what there is to do, `job` does it; `engines` are where it is done (`processes`, `dask_engine`); `record` is
the file of results, `results` what comes back, `sweep` the loop.
"""

from npae.sweeping.results import SweepResults
from npae.sweeping.sweep import sweep

__all__ = ["SweepResults", "sweep"]
