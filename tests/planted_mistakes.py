"""What students get wrong: each Mistake is planted into the solution of one question of one sheet.

`says` is the part of the visible check's message that tells what is wrong, `where` the part that tells where it is.
"""

from sheets import Mistake

MISTAKES = [
    # -- 1. back-propagation
    Mistake("01", "sigmoid", "an unstable sigmoid", "1 / (1 + np.exp(-a))", "np.exp(a) / (1 + np.exp(a))",
            "NaN or infinite; look for an exp that overflows"),
    Mistake("01", "sigmoid", "the sign of a", "np.exp(-a)", "np.exp(a)", "this is sigmoid(-a)"),
    Mistake("01", "layer", "db averaged over the batch", "da.sum(axis=0)", "da.mean(axis=0)",
            "analytic = numeric / 7, and 7 is the batch size N: the value sums where the gradient averages"),
    Mistake("01", "layer", "db summed over the wrong axis", "da.sum(axis=0)", "da.sum(axis=1)",
            where="gradient of b: got shape (7,), expected (4,)"),
    Mistake("01", "layer", "dW transposed", "self.x.T @ da", "da.T @ self.x", "it looks transposed"),
    Mistake("01", "layer", "the slope of the activation forgotten", "dh * (1 - self.h**2) ** 1.5", "dh",
            where="WRONG (20 of 20)"),
    Mistake("01", "loss", "a sum over the samples for the mean", "(np.logaddexp(0, a) - x * a).sum() / len(a)",
            "(np.logaddexp(0, a) - x * a).sum()",
            "got = 7 x expected, and 7 is N: a sum where the mean over N belongs"),
    Mistake("01", "loss", "a mean over the features as well", "(np.logaddexp(0, a) - x * a).sum() / len(a)",
            "(np.logaddexp(0, a) - x * a).mean()", "and 5 is D: a mean where the sum over D belongs"),
    Mistake("01", "loss", "the sign of da", "(1 / (1 + np.exp(-a)) - x) / len(a)",
            "(x - 1 / (1 + np.exp(-a))) / len(a)", "the sign is wrong"),
    Mistake("01", "difference", "a one-sided difference", "(f(x + step) - f(x - step)) / (2 * eps)",
            "(f(x + step) - f(x)) / eps", "2 belongs to a one-sided difference"),
    Mistake("01", "difference", "eps for 2 eps", "/ (2 * eps)", "/ eps",
            "got = 2 x expected: a factor 1/2 is forgotten"),
    Mistake("01", "pass", "a bias in the decay", "db = da.sum(axis=0)", "db = da.sum(axis=0) + lam * b",
            "a weight decay is in the gradient, not in the value"),
    Mistake("01", "pass", "the biases in the decay, value and gradient", "lam / 2 * ((W**2).sum()",
            "lam / 2 * ((b**2).sum() + (c**2).sum() + (W**2).sum()", "the biases are in the decay"),
    Mistake("01", "pass", "no decay in the gradient", "x.T @ da + lam * W", "x.T @ da",
            "the gradient of a weight decay is missing"),
    Mistake("01", "pass", "the half of the loss forgotten in the gradient", "dxhat = e / N", "dxhat = 2 * e / N",
            "analytic = 2 x numeric: a factor 1/2 of the value is forgotten in the gradient"),
    Mistake("01", "pass", "a loop over the samples", "h = np.tanh(x @ W + b)",
            "h = np.array([np.tanh(row @ W + b) for row in x])", "there is a loop over the samples"),
    Mistake("01", "descent", "uphill", "network.theta -= ", "network.theta += ", "the step goes uphill"),
]  # fmt: skip
