"""Independent random streams from one `random_state`."""

import numpy as np


def streams(random_state, n):
    """Return n independent Generators from None, an int, a SeedSequence, a Generator or a RandomState.

    They are the same for the same int or SeedSequence; a Generator or RandomState moves on by one draw. Raises
    TypeError or ValueError for anything else.
    """
    root = seed_sequence(random_state)
    # spawned by key, not by root.spawn(), which would count up in the caller's object
    seeds = [np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, i)) for i in range(n)]
    return list(map(np.random.default_rng, seeds))


def seed_sequence(random_state):
    """Return the SeedSequence of a random_state; one of fresh entropy for None."""
    if isinstance(random_state, np.random.Generator):
        random_state = int(random_state.integers(2**63))
    elif isinstance(random_state, np.random.RandomState):
        random_state = int(random_state.randint(2**31))
    numbers, others = (int, np.integer), (type(None), np.random.SeedSequence)
    if isinstance(random_state, bool) or not isinstance(random_state, numbers + others):
        raise TypeError(f"random_state: got {random_state!r}, expected None, an int, a SeedSequence or a Generator")
    if isinstance(random_state, numbers) and random_state < 0:
        raise ValueError(f"random_state: got {random_state!r}, expected a whole number >= 0")
    return random_state if isinstance(random_state, np.random.SeedSequence) else np.random.SeedSequence(random_state)
