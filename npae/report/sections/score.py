"""Show that denoising estimates the score of the smoothed density."""

import numpy as np

from npae.denoising import langevin, score_field
from npae.experiments.denoising import langevin_quality, learn_score, small_noise_rows
from npae.plots import generative
from npae.report.page import claim, equation, figure, table, text

ORDER = 54


def build(run):
    n_langevin, n_draws = (60, 8) if run.quick else (300, 60)
    training = {"n_steps": 120, "n_samples": 2000} if run.quick else {"n_steps": 1500, "n_samples": 20_000}
    results = [learn_score(name, **training, random_state=run.seed) for name in ("mixture", "ring")]
    chains = {"n_samples": 300 if run.quick else 1000, "n_steps": n_langevin, "random_state": run.seed}
    rows = []
    for each in results:
        distances = [f"{distance:.4f}" for distance in langevin_quality(each, **chains)]
        name = f"{each.name}, &sigma; = {each.sigma:g}"
        rows.append([name, f"{each.cosine:.3f}", f"{each.relative_error:.1%}", *distances])
    ring = results[1]
    quotients, limit = small_noise_rows(ring.model, ring.data.data[:200], (0.4, 0.2, 0.1), n_draws=n_draws)
    cells = ", ".join(f"{value:.3f} at &sigma; = {sigma:g}" for sigma, value in quotients)
    blocks = [
        text("""The function of x&#771; with the least squared error is the mean of x given x&#771;. For Gaussian noise
            this mean is known: it moves x&#771; uphill on the logarithm of the density of the noisy data,"""),
        equation(r"E[x\,|\,\tilde{x}]=\tilde{x}+\sigma^2\,\nabla\log p_\sigma(\tilde{x}),\qquad"
                 r"\dfrac{r(x)-x}{\sigma^2}\approx\nabla\log p_\sigma(x)."),
        text("""So a trained denoising autoencoder r estimates the gradient of a log-density that nobody computed. This
            gradient is called the score. Here the densities, eight Gaussians and a ring, are known, and so is the exact
            score."""),
        *(figure(score_fields(each), f"The {each.name}, smoothed by the noise (grey): exact and learnt score, on one "
                 "scale.", "Two panels with the same grey hills and orange dots on them. In both, blue arrows point "
                 "uphill. They are long on steep slopes and vanish on the crest.")
          for each in results),
        figure(langevin_clouds(results[0], n_langevin, run.seed),
            "Langevin steps along the learnt score move points from any start to the data: the start, after 20 and "
            f"{n_langevin} steps, and new samples of the smoothed density for comparison.",
            "Four panels of black dots: a round cloud, the cloud after contraction, and two clouds with the shape of "
            "the density."),
        table(["held-out points", "cosine", "relative error", "energy distance, Langevin", "new samples"], rows),
        text(f"""In the limit of small noise, denoising adds two terms to the cost: a contraction of the reconstruction,
            and a term with the Laplacian of r, which is often left out. For the ring&rsquo;s network,
            (E L &minus; L<sub>0</sub>) / &sigma;&sup2; is {cells}. The contraction alone would give
            {limit.contraction:.3f}, both terms {limit.total:.3f}."""),
        equation(r"\dfrac{E\,L-L_0}{\sigma^2}\to\dfrac{1}{2}\|\partial r/\partial x\|_F^2+"
                 r"\dfrac{1}{2}\,(r-x)\cdot\Delta r"),
        claim(f"""At points with a density above 5 % of its peak, learnt and exact score point in the same direction
            (mean cosine {results[0].cosine:.3f} on the mixture, {ring.cosine:.3f} on the ring). They differ by
            {results[0].relative_error:.1%} and {ring.relative_error:.1%}, root mean square."""),
    ]  # fmt: skip
    return "What denoising estimates: the score", blocks


def score_fields(result, limit=1.9):
    """Return the figure of the exact and the learnt score of a `LearntScore`."""
    edge, arrows = np.linspace(-limit, limit, 61), np.linspace(-1.6, 1.6, 15)
    points, grid = (np.stack(np.meshgrid(a, a), axis=-1).reshape(-1, 2) for a in (edge, arrows))
    density = np.exp(result.data.log_density(points, result.sigma)).reshape(61, 61)
    grid = grid[np.exp(result.data.log_density(grid, result.sigma)) > 0.02 * density.max()]
    fields = {
        "exact score": result.data.score(grid, result.sigma),
        "(r(x) - x) / sigma²": score_field(result.model, grid, result.sigma),
    }
    return generative.score_fields(fields, grid, (edge, density), data=result.data.data[:400])


def langevin_clouds(result, n_steps, seed):
    """Return the figure of Langevin samples along the learnt score, and of new samples."""
    start = 1.2 * np.random.default_rng(seed).standard_normal((700, 2))
    sigma = result.sigma
    chain = langevin(lambda x: score_field(result.model, x, sigma), start, sigma**2 / 10, n_steps, rng=seed)
    shown = {"start": start, "20 steps": chain[19], f"{n_steps} steps": chain[-1], "new samples": result.X[:700]}
    return generative.clouds(shown, limit=3.0)
