"""The methods, their default tolerances, and the keywords that every check shares."""

from dataclasses import dataclass

import numpy as np

RTOL = {"complex": 1e-10, "richardson": 1e-7, "central": 1e-6}
NAMES = {"complex": "complex step", "richardson": "Richardson extrapolation", "central": "central difference"}


@dataclass
class Options:
    """The keywords that every check shares; ValueError for what they cannot be."""

    method: str = "auto"
    rtol: float | None = None
    directions: int | None = None
    coordinates: int | None = None
    n_samples: int | None = None

    def __post_init__(self):
        if self.method not in ("auto", *RTOL):
            raise ValueError(f"got method={self.method!r}, expected one of {('auto', *RTOL)}")
        if self.rtol is not None and not 0 < self.rtol < 1:
            raise ValueError(f"got rtol={self.rtol!r}, expected a number between 0 and 1")
        for name in ("directions", "coordinates", "n_samples"):
            number = getattr(self, name)
            if number is not None and (not isinstance(number, (int, np.integer)) or number < 1):
                raise ValueError(f"got {name}={number!r}, expected a whole number >= 1")
        if self.directions and self.coordinates:
            raise ValueError("got directions= and coordinates=, expected one of them")
