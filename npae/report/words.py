"""Sentences that follow their numbers: what is below what, by how much, and whether the seeds agree on it."""

import numpy as np

CLOSE = 0.1  # numbers that differ by less need several seeds
SEEDS = 5
STUDENT = 2.776  # 97.5 % of Student's t with 4 degrees of freedom: five seeds


def close(ours, theirs):
    """Whether two numbers differ by less than 10 %."""
    return abs(ours - theirs) < CLOSE * abs(theirs)


def compared(ours, theirs, below="below", above="above", of="seeds"):
    """How one number stands to another, in words: "14 % below", or with one number a seed "3 % (± 1 %, 5 seeds) below".

    ours and theirs are numbers, or arrays (S,) paired by seed, or by whatever `of` names; one of them may be a number.
    Where the mean difference is less than it would be by chance (Student's t, 95 %) the words say that the two are not
    told apart.
    Raises ValueError for numbers closer than 10 % without five seeds: such a sentence would rest on luck.
    """
    ratio = np.atleast_1d(np.asarray(ours, float) / np.asarray(theirs, float) - 1)
    mean, n = float(ratio.mean()), len(ratio)
    way = below if mean < 0 else above
    if n < SEEDS:
        if abs(mean) < CLOSE:
            raise ValueError(f"compared: got {ours} and {theirs} of {n} seeds, expected {SEEDS} for less than 10 %")
        return f"{percent(abs(mean))} {way}"
    spread = float(ratio.std(ddof=1))
    if abs(mean) <= STUDENT * spread / n**0.5:
        return f"not told apart by {n} {of} ({percent(mean, sign='+')} &plusmn; {percent(spread)})"
    return f"{percent(abs(mean))} (&plusmn; {percent(spread)}, {n} {of}) {way}"


def stands(run, name, other, column):
    """How a member of a run stands to another, in words that end before the other's name; `compared` by five seeds.

    A quick run does not train the seeds, and leaves undecided what they would have to decide.
    """
    if run.quick and close(run.held_out(name, column), run.held_out(other, column)):
        return "within 10 %, undecided by one seed, of"
    return compared(*run.pair(name, other, column))


def percent(value, sign=""):
    """0.143 as "14 %", and one decimal more below 10 %."""
    return f"{100 * value:{sign}.{0 if abs(value) >= 0.0995 else 1}f} %"


def said(holds, if_so, if_not):
    """The words for what holds."""
    return if_so if holds else if_not


def joined(names):
    """ "a", "a and b", "a, b and c"; "none" for no name."""
    names = list(names)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "none"


def mean_and_spread(values, form=".0f"):
    """ "57 &plusmn; 1" of one number a seed, the standard deviation over seeds."""
    return f"{np.mean(values):{form}} &plusmn; {np.std(values, ddof=1):{form}}"


def crossing(x, ours, theirs):
    """The x from which on ours is below theirs, by lines between the points; the first x if always, None if never."""
    x, difference = np.asarray(x, float), np.asarray(ours, float) - np.asarray(theirs, float)
    if difference[-1] >= 0:
        return None
    above = np.flatnonzero(difference >= 0)
    if not len(above):
        return float(x[0])
    i = above[-1]
    return float(x[i] + (x[i + 1] - x[i]) * difference[i] / (difference[i] - difference[i + 1]))
