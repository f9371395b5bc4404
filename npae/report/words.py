"""Write sentences that follow their numbers: which number is below which, by how much, and whether the seeds agree."""

import numpy as np

from npae.experiments.claims import N_SEEDS, beyond_chance, needs_seeds


def compare(ours, theirs, below="below", above="above", of="seeds"):
    """Return in words how two numbers compare: "14 % below", or with a number per seed "3 % (± 1 %, 5 seeds) below".

    ours and theirs are numbers, or arrays (S,) paired by seed, or by whatever `of` names; one of them may be a number.
    If the mean difference could be chance (`npae.experiments.claims`), the words say that the numbers do not differ
    clearly.
    Raises ValueError for numbers closer than 10 % with fewer than five seeds.
    """
    ratio = np.atleast_1d(np.asarray(ours, float) / np.asarray(theirs, float) - 1)
    mean, n = float(ratio.mean()), len(ratio)
    way = below if mean < 0 else above
    if n < N_SEEDS:
        if needs_seeds(1 + mean, 1):
            raise ValueError(f"compare: got {ours} and {theirs} of {n} seeds, expected {N_SEEDS} for less than 10 %")
        return f"{percent(abs(mean))} {way}"
    spread = percent(float(ratio.std(ddof=1)))
    if not beyond_chance(ratio):
        return f"not told apart by {n} {of} ({percent(mean, sign='+')} &plusmn; {spread})"
    return f"{percent(abs(mean))} (&plusmn; {spread}, {n} {of}) {way}"


def compare_members(run, name, other, column):
    """Return how two members of a run compare, in words that end before the other's name; `compare` by five seeds.

    A quick run trains one seed, so it leaves members within 10 % undecided.
    """
    if run.quick and needs_seeds(run.held_out(name, column), run.held_out(other, column)):
        return "within 10 %, undecided by one seed, of"
    return compare(*run.pair(name, other, column))


def percent(value, sign=""):
    """Return 0.143 as "14 %", with one more decimal below 10 %."""
    return f"{100 * value:{sign}.{0 if abs(value) >= 0.0995 else 1}f} %"


def choose(condition, yes, no=""):
    """Return `yes` if the condition holds, `no` if not."""
    return yes if condition else no


def enumerate_words(names):
    """Return "a", "a and b", "a, b and c"; "none" for no name."""
    names = list(names)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "none"


def mean_and_spread(values, form=".0f"):
    """Return "57 &plusmn; 1" of one number per seed; the spread is the standard deviation."""
    return f"{np.mean(values):{form}} &plusmn; {np.std(values, ddof=1):{form.replace('+', '')}}"


def crossing(x, ours, theirs):
    """Return the x beyond which ours is below theirs, by lines between the points; the first x if always, or None."""
    x, difference = np.asarray(x, float), np.asarray(ours, float) - np.asarray(theirs, float)
    if difference[-1] >= 0:
        return None
    above = np.flatnonzero(difference >= 0)
    if not len(above):
        return float(x[0])
    i = above[-1]
    return float(x[i] + (x[i + 1] - x[i]) * difference[i] / (difference[i] - difference[i + 1]))
