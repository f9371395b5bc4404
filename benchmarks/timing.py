"""Interleaved timing: call the functions in turn, round after round, so that all meet the noise of the machine."""

import os
import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Seconds per call: the median over rounds, and the rounds themselves."""

    rounds: np.ndarray

    @property
    def median(self):
        return float(np.median(self.rounds))

    def ratio(self, other):
        """Return median and quartiles over rounds of other's time / this time; above 1 this one is faster."""
        ratios = other.rounds / self.rounds
        return tuple(float(q) for q in np.quantile(ratios, (0.5, 0.25, 0.75)))


REST = 0.06  # seconds asleep before a burst: OpenBLAS's threads spin on for 26 ms, on a core that the next one needs
WARM = 0.1  # seconds of calls before a burst that are not timed: caches fill, and threads find a core each
QUIET = 0.1  # of a core: what other processes may take in a round
PATIENCE = 10.0  # seconds to wait for a quiet machine before a measurement, and again during it


def interleave(functions, *, seconds=2.0, burst=0.03, warm=WARM, rest=REST):
    """Return {name: Timing} of {name: function without arguments}.

    A round goes through the functions in a random order: it rests, warms a function up, times its calls for `burst`
    seconds (0: one call, not warmed up) and keeps the median. Rounds in which other processes took more than QUIET of a
    core are dropped, because a threaded matrix product that waits for a core takes fifty times as long. If patience
    ends before three quiet rounds, the less disturbed half is kept, and DISTURBANCE records it.
    """
    functions = {name: f for name, f in functions.items() if f is not None}
    _wait_for_quiet()
    for f in functions.values():
        f()
        if burst:
            f()
    calls = {name: max(1, min(1000, int(burst / quickest(f)))) if burst else 1 for name, f in functions.items()}
    names, rng = list(functions), np.random.default_rng(0)
    rounds: list[tuple[float, dict[str, float]]] = []
    n_quiet, start, elapsed = 0, time.perf_counter(), 0.0
    while len(rounds) < 3 or elapsed < seconds or (n_quiet < 3 and elapsed < seconds + PATIENCE):
        rng.shuffle(names)
        before, began = _others(), time.perf_counter()
        medians = {name: _burst(functions[name], calls[name], warm if burst else 0, rest) for name in names}
        rounds.append(((_others() - before) / (time.perf_counter() - began), medians))
        if rounds[-1][0] <= QUIET:
            n_quiet += 1
        else:
            _wait_for_quiet()
        elapsed = time.perf_counter() - start
    kept = sorted(rounds, key=lambda r: r[0])[: n_quiet if n_quiet >= 3 else max(3, len(rounds) // 2)]
    DISTURBANCE.append(kept[-1][0])
    return {name: Timing(np.array([medians[name] for _, medians in kept])) for name in functions}


def _wait_for_quiet():
    """Wait until other processes are quiet for a fifth of a second, or until patience ends."""
    start = time.perf_counter()
    while time.perf_counter() - start < PATIENCE:
        before, began = _others(), time.perf_counter()
        time.sleep(0.2)
        if (_others() - before) / (time.perf_counter() - began) <= QUIET:
            return


DISTURBANCE: list[float] = []  # of every measurement: the share of a core that others took in its worst kept round


def once(f):
    """Return the seconds of one call."""
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def quickest(f, n=3):
    """Return the seconds of the quickest of n calls."""
    return max(1e-7, min(once(f) for _ in range(n)))


def warm_up(f, seconds=WARM, rest=REST):
    """Let other threads fall asleep, then call f for that long, at least once."""
    time.sleep(rest)
    end = time.perf_counter() + seconds
    f()
    while time.perf_counter() < end:
        f()


def _burst(f, n, warm, rest):
    warm_up(f, warm, rest)
    return float(np.median([once(f) for _ in range(n)]))


def _others():
    """Return the processor seconds of other processes so far; 0 if the system does not report them."""
    try:
        with open("/proc/stat") as stat:
            user, nice, system, _idle, _wait, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    except OSError:
        return 0.0
    own = os.times()
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK") - own.user - own.system
