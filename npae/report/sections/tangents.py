"""Show tangent planes that are learnt on manifolds with known planes."""

from typing import Any

import numpy as np

from npae import manifold
from npae.experiments.manifolds import known_manifold
from npae.plots import manifolds as manifold_plots
from npae.report.page import claim, equation, figure, sources, table, text

ORDER = 65
NEIGHBOURS = (25, 50, 100, 200, 400, 800)


def build(run):
    sizes: dict[str, Any] = {"n_samples": 4000, "n_test": 400, "n_steps": 1000, "neighbours": NEIGHBOURS}
    if run.quick:
        sizes |= {"n_samples": 2000, "n_test": 150, "n_steps": 80, "neighbours": (50, 100), "width": 64}
    n_samples, n_steps, width = sizes["n_samples"], sizes["n_steps"], sizes.setdefault("width", 128)
    results = [known_manifold(name, **sizes, random_state=run.seed) for name in ("circle", "sphere")]
    rows, gaps = [], []
    for each in results:
        best, local = min(each.local_pca.items(), key=lambda item: item[1])
        angles = {label: np.median(degrees) for label, degrees in each.angles.items()}
        rows.append([each.name, f"{angles['contractive']:.1f}", f"{local:.1f} ({best})", f"{angles['plain']:.0f}"])
        sigma = each.sigma["contractive"]
        gaps.append(f"{each.name} {np.median(sigma[:, each.n_dims - 1] / sigma[:, each.n_dims]):.1f}")
    circle, sphere = results
    blocks = [
        text(f"""On a circle and a sphere the tangent planes are known. {n_samples} points of each train a contractive
            autoencoder (20-{width}-{width}-6-20). The points have noise of 2 % of the extent and are rotated at random
            into 20 dimensions. The directions to which the code responds,"""),
        equation(r"J(x)=\dfrac{\partial f}{\partial x}=U\,\mathrm{diag}(\sigma)\,V^T,"),
        text("""are the right-singular vectors with large &sigma;. The figures show held-out points in the plane of the
            circle and the space of the sphere."""),
        figure(tangents_of_circle(circle),
            "Learnt and true tangents at 40 held-out points of the circle.",
            "A grey circle with dots near it. Short black lines lie on wider orange lines, all along the circle."),
        figure(planes_of_sphere(sphere),
            "Learnt tangent planes at 150 held-out points of the sphere; darker planes have a larger angle to the true "
            "plane.",
            "A ball of small squares that lie flat on its surface. Most squares are light."),
        figure(manifold_plots.spectra(sphere.sigma, n_dims=2),
            "Singular values on the sphere, median and quartiles.",
            "Two curves on a logarithmic axis, for the plain and the contractive encoder, and an upright line after "
            "the second value."),
        table(["median angle, degrees", "contractive", "local PCA (neighbours)", "plain"], rows),
        claim(f"""The singular values before and after the dimension of the manifold differ by a median factor of:
            {", ".join(gaps)}. Local PCA, with the best of {len(sizes["neighbours"])} neighbourhood sizes, needs all
            training points; the autoencoder needs only its weights. More points and a longer training make the angles
            smaller: these angles are for {n_samples} points and {n_steps} steps."""),
        sources("note 14, learning manifolds with autoencoders", "book 14.6", "rifai2011tangent"),
    ]  # fmt: skip
    return "Tangent planes", blocks


def tangents_of_circle(result):
    """Return the figure of learnt and true tangents of a circle."""
    some, model = result.test.subset(slice(0, 40)), result.models["contractive"]
    T = manifold.tangent_space(model, some.data, 1)
    curve = result.test.chart(np.linspace(0, 2 * np.pi, 200)[:, None])
    return manifold_plots.tangents_on_curve(some.data, T, some.tangents, some.embedding, curve=curve)


def planes_of_sphere(result):
    """Return the figure of learnt tangent planes of a sphere."""
    some, model = result.test.subset(slice(0, 150)), result.models["contractive"]
    T = manifold.tangent_space(model, some.data, 2)
    angles = manifold.tangent_angles(T, some.tangents)
    return manifold_plots.tangents_on_surface(some.data, T, some.embedding, angles, cloud=result.test.data)
