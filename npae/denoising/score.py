"""The vector field of a denoiser, and the score that it estimates."""

from npae.validation import check_array, check_number


def score_field(model, X, sigma):
    """(r(x) - x) / sigma^2 at X (N, D): the score as estimated by a denoiser trained with Gaussian noise, (N, D).

    Among all functions the conditional mean r(x~) = E[x | x~] has the least squared error, and for x~ = x + sigma e

        E[x | x~] = x~ + sigma^2 d log p_sigma(x~) / dx~,    p_sigma the data's density smoothed by N(0, sigma^2 I),

    which is exact for every sigma. Robbins (1956), An empirical Bayes approach to statistics; Alain and Bengio (2014),
    JMLR 15; Vincent (2011), A connection between score matching and denoising autoencoders.

    model: a Network, a fitted estimator, or a function x -> r(x). ValueError unless sigma > 0 and X is finite (N, D).
    """
    X = check_array(X, owner="score_field")
    check_number(sigma, "sigma", "score_field", include_low=False)
    field = reconstruction(model, "score_field")(X) - X
    field /= float(sigma) ** 2
    return field


def reconstruction(model, owner):
    """Return the function x -> r(x) of a Network, an estimator or a function; raise TypeError for anything else."""
    if hasattr(model, "reconstruct"):
        return model.reconstruct
    if callable(model) and not isinstance(model, type):
        return model
    raise TypeError(f"{owner}: got {model!r}, expected a Network, a fitted estimator or a function x -> r(x)")
