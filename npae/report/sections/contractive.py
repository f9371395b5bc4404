"""Show contractive autoencoders: a penalty on the derivative of the code."""

import numpy as np

from npae import datasets, manifold
from npae.experiments.family import error, mean_jacobian_norm
from npae.experiments.manifolds import distances_to_turned, image_codes, turning_walks
from npae.experiments.motions import KINDS, N_DIMS, effective_directions, motion_study
from npae.plots import manifolds as manifold_plots
from npae.report.page import claim, equation, figure, list_numbers, quote, sources, table, text
from npae.report.words import choose, compare, mean_and_spread

ORDER = 70
SHOWN = 3  # walks in the figure


def build(run):
    small = run.test.shape[1] < 100  # a decomposition of 128 x D for each image, and training at D
    X = run.test[: (30 if run.quick else 200) if small else 8 if run.quick else 40].astype(np.float64)
    n_steps = (120 if small else 100) if run.quick else (1500 if small else 700)
    codes = image_codes(run.train, X, n_steps=n_steps, lr=1e-2, random_state=run.seed)
    effective = {name: np.median(effective_directions(sigma)) for name, sigma in codes.sigma.items()}
    near = {name: ratio[0] for name, ratio in codes.ratios.items()}
    model, shown = codes.models["contractive"], X[:8]
    true = datasets.transform_tangents(shown, run.image_shape, ("shift_x", "rotation"))
    tangents = {"learnt": manifold.tangent_space(model, shown, 3), "shift": true[:, :1], "rotation": true[:, 1:]}
    n_study = 14 if run.quick else 1500  # after 1000 the penalty has not done its work, and units seem not to matter
    study, baselines = motion_study(seeds=5, n_steps=n_study, n_test=20 if run.quick else 200, random_state=run.seed)
    start = X[:8] if run.quick else X[:20]
    paths, lines = turning_walks(run.train[:1000], start, run.image_shape, n_steps=n_steps, random_state=run.seed)
    blocks = [
        quote("""CAE is trained to map a neighborhood of input points to a smaller neighborhood of output points, by
            adding a derivative penalty into the cost function."""),
        equation(r"\Omega(h)=\dfrac{\lambda}{N}\sum_n\left\Vert\dfrac{\partial f(x_n)}{\partial x}\right\Vert_F^2"
            r"=\dfrac{\lambda}{N}\sum_n\sum_j \varphi'(a_{nj})^2\,\Vert W_{:j}\Vert^2"),
        text("""The second form holds for one layer; the penalty of deeper encoders is exact, too. Weights are tied
            here, so that the decoder cannot grow while the encoder shrinks. The reconstruction needs the directions in
            which images differ; the penalty shrinks all directions. Only the directions that the reconstruction needs
            most survive."""),
        claim(sentence_on_norms(run)),
        text("""Three autoencoders with 128 tied sigmoids differ only in their regularizer. They are measured at
            held-out images:"""),
        figure(manifold_plots.spectra(codes.sigma, normalize=True),
            "Singular values of the encoder's Jacobian, divided by the largest of each image; median and quartiles.",
            "Three falling curves on a logarithmic axis, each in a band: the plain, denoising and contractive "
            "encoder."),
        figure(manifold_plots.contraction_curves(codes.radii, codes.ratios, spacing=codes.spacing),
            "Distance between codes / distance between inputs, by size of a random displacement.",
            "Three curves over a logarithmic axis, and an upright line at the distance of nearest neighbours."),
        claim(f"""Effective number of directions that move the code, (&Sigma;&sigma;&sup2;)&sup2; /
            &Sigma;&sigma;<sup>4</sup>: {list_numbers(effective, ".0f")}. Contraction ratio close to the data:
            {list_numbers(near, ".2f")}."""),
        text("""Which directions are these? If an image is shifted or rotated, its true tangent is known by
            differentiation. If the code follows such motions, these tangents lie in its tangent space."""),
        figure(manifold_plots.tangent_images(shown, tangents, run.image_shape),
            "Images, the three strongest tangents of the contractive code, and the true tangents of two motions. "
            "Mid-grey is no change, darker is more ink, lighter less ink.",
            "Six rows of eight images. The learnt tangents have dark and light strokes. The true tangents have finer "
            "outlines."),
        text(f"""The table shows the median angle between a motion and the {N_DIMS} strongest tangents, on digits of
            8 &times; 8, after {n_study} steps of training, over five seeds. Penalty and noise are chosen for about the
            same norm of the Jacobian. Three baselines need no network: PCA, the same for every image; PCA of each
            image&rsquo;s 40 nearest neighbours; and random directions."""),
        table(["", "units", "&#8214;J&#8214;", "directions", "error", "shift x", "shift y", "rotation"],
              [*_rows(study), *([name, *["&ndash;"] * 4, *(f"{angle:.0f}" for angle in angles.values())]
                                for name, angles in baselines.items())]),
        claim(f"""{sentence_on_motions(study, baselines)}
            {"These codes have hardly been trained; the full run shows the effect of more units." if run.quick
             else sentence_on_units(study)}"""),
        text("""A step along a tangent leaves the manifold a little. The reconstruction brings the image back, and the
            next step takes the new tangent. An autoencoder that was trained on rotated images can walk along a rotation
            in this way. The baseline is the straight line in pixel space with the same first direction."""),
        figure(manifold_plots.walks(paths[:, :SHOWN], lines[:, :SHOWN], run.image_shape),
            "Walks along tangents, and straight lines.",
            "Three pairs of rows of eleven images. In the walks a digit changes its slant or shape and stays clean. On "
            "the straight lines light and dark ghosts grow."),
        claim(sentence_on_walks(*_walk_distances(paths, lines, start, run.image_shape))),
        sources("note 14, contractive autoencoders", "book 14.7", "rifai2011contractive", "simard1991"),
    ]  # fmt: skip
    return "Contractive autoencoders", blocks


def sentence_on_norms(run):
    """Return norm and error of the contractive member, of the same network without the penalty, and of denoising."""
    plain = run.autoencoder(run.settings.n_components, tied=True).fit(run.train)
    norm, norms = mean_jacobian_norm(plain, run.test[:500]), run.held_out("contractive", "mean ||J||_F")
    loss = error(plain.reconstruct(run.test), run.test)
    return f"""Mean &#8214;J&#8214;<sub>F</sub> at held-out images, with {run.settings.n_components} tied sigmoids, is
        {norm:.2f} without the penalty and {norms:.2f} with the penalty, at held-out errors of {loss:.3f} and
        {run.held_out("contractive"):.3f}. The denoising member with the same number of units, untied, has
        {run.held_out("denoising", "mean ||J||_F"):.2f} at {run.held_out("denoising"):.3f}: noise contracts, too."""


def _rows(study):
    return [
        [each.name, each.units, f"{each.norm.mean():.2f}", f"{each.directions.mean():.0f}", f"{each.error.mean():.2f}",
         *(mean_and_spread(each.angles[kind]) for kind in KINDS)]
        for each in study
    ]  # fmt: skip


def codes_of_width(study, n_units):
    """Return the contractive and the denoising code with that many units."""
    kinds = ("contractive", "denoising")
    return [next(code for code in study if code.units == n_units and code.name.startswith(kind)) for kind in kinds]


def sentence_on_motions(study, baselines):
    """Return which tangents are closer to motions at about one Jacobian norm, and how PCA compares with the codes."""
    contractive, denoising = codes_of_width(study, 128)
    parts = [f"{kind.replace('_', ' ')} {compare(denoising.angles[kind], contractive.angles[kind])}" for kind in KINDS]
    pca = baselines["PCA, the same for all"]
    behind = [each for each in study if all(each.angles[kind].mean() >= pca[kind] for kind in KINDS)]
    local = baselines["local PCA, 40 neighbours"]
    best = all(local[kind] <= min(each.angles[kind].mean() for each in study) for kind in KINDS)
    norms = f"{denoising.norm.mean():.2f}, {contractive.norm.mean():.2f}"
    return f"""With 128 units and Jacobian norms of {norms} the angles of the {denoising.name} code,
        compared with the {contractive.name} code, are: {"; ".join(parts)}. The {N_DIMS} directions of one PCA for all
        images are at least as close to every motion as {len(behind)} of the {len(study)} codes.
        {choose(best, "Local PCA is closer than all codes.", "Local PCA is not closer than all codes.")}"""


def sentence_on_units(study):
    """Return the effect of more units: the contractive code responds to more directions."""
    few, many = (codes_of_width(study, n) for n in (128, 512))
    gaps = [np.mean([c.angles[k].mean() - d.angles[k].mean() for k in KINDS]) for c, d in (few, many)]
    counts = [pair[0].directions.mean() for pair in (few, many)]
    why = choose(
        gaps[1] < gaps[0] / 2 and counts[1] > counts[0],
        """So the difference was mostly a matter of units. The penalty is smallest if units saturate, and the few
        other units have to carry the code.""",
        "So the number of units alone does not explain the difference.",
    )
    return f"""On average over the three motions, the contractive code is behind by {gaps[0]:.1f} degrees with 128
        units, when it responds to {counts[0]:.0f} directions, and by {gaps[1]:.1f} with 512, when it responds to
        {counts[1]:.0f}. {why}"""


def _walk_distances(paths, lines, X, image_shape):
    """Return distances (N,) to the nearest rotated image, from the walk's end and from the line; the mean way."""
    way = np.linalg.norm(paths[-1] - paths[0], axis=1, keepdims=True)
    direction = lines[1] - lines[0]
    straight = paths[0] + way * direction / np.linalg.norm(direction, axis=1, keepdims=True)
    return distances_to_turned(paths[-1], X, image_shape), distances_to_turned(straight, X, image_shape), way.mean()


def sentence_on_walks(walk, line, way):
    """Return the distance between the end of a walk and the nearest rotated image, compared with a straight line."""
    return f"""On average over {len(walk)} walks, the end is {way:.2f} away from the start. The nearest rotated version
        of the first image is {np.mean(walk):.2f} away from the end of the walk, and {np.mean(line):.2f} from the point
        of the straight line at the same distance. The walk&rsquo;s distance compared with the line&rsquo;s:
        {compare(walk, line, of="images")}."""
