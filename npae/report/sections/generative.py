"""Show generative models as autoencoders: a table, and a variational autoencoder with two code units."""

from typing import Any

import numpy as np

from npae import plots
from npae.experiments.generative import binarized, digit_models, watch_vae
from npae.generative import form_table
from npae.plots import generative
from npae.report.page import claim, equation, figure, formula, quote, table, text

ORDER = 80
EXTENT, SIDE = 2.0, 15


def build(run):
    train, test = binarized(run.train), binarized(run.test)
    small = train.shape[1] < 100
    epochs = (6 if run.quick else 60) if small else (1 if run.quick else 12)
    watched = watch_vae(train, test, hidden=(128,) if small else (300,), epochs=epochs, random_state=run.seed)
    model = watched.model
    axis = np.linspace(-EXTENT, EXTENT, SIDE, dtype=np.float32)
    plane = np.stack(np.meshgrid(axis, axis[::-1]), axis=-1).reshape(-1, 2)
    head, *forms = form_table()
    numbers, gap = _numbers(run)
    rows = {"drawn, mean": model.sample(12, run.seed, mean=True), "held out": test[:12]}
    rows["its code decoded"] = model.reconstruct(test[:12])
    blocks = [
        quote("""Nearly any generative model with latent variables and an inference procedure (for computing latent
            representations given input) may be viewed as a particular form of autoencoder."""),
        text("""Inference is the encoder; the conditional distribution of x given the code is the decoder. Then the
            logarithm of the likelihood has the two parts of a regularized autoencoder:"""),
        equation(r"-\log p(x)\leq L+\Omega,\qquad L=-E_q[\log p(x\,|\,h)],\qquad\Omega=KL(q(h\,|\,x)\,\|\,p(h)),"),
        text("""where q is the encoder&rsquo;s distribution of h. If q is the exact posterior, the two sides are equal.
            The models of this table differ in five places:"""),
        table(["model", *map(formula, head[1:])], [[name, *map(formula, cells)] for name, *cells in forms]),
        text("""All models are fitted to digits (8 &times; 8) and measured on held-out digits, in nats per sample. Do
            not compare densities of grey values with probabilities of bits. The grey values are spread over their
            intervals, so that a density has an upper limit. For sparse coding the sum is its objective."""),
        table(["model", "of", "L", "&Omega;", "sum"], numbers),
        text(f"""A variational autoencoder learns its inference. The encoder returns the mean and the logarithm of the
            variance of each code unit, the code is drawn, and the gradient of the bound goes through the draw, h =
            &mu;(x) + exp(s(x)/2) &epsilon;. Here the code has two units, so that a picture can show the whole code. The
            network was trained for {epochs} epochs on the images of this page, as zeros and ones:"""),
        figure(generative.bound_parts(watched),
            "The negative bound on held-out images by epoch, and its two parts, on a logarithmic axis.",
            "Three curves by epoch: the sum, and below the sum the reconstruction cost and the length of the code."),
        figure(generative.code_plane(model.inverse_transform(plane), run.image_shape, extent=EXTENT),
            "The code plane, decoded on a grid. Neighbouring codes have similar images.",
            "A square of 15 by 15 small digits. From place to place one digit changes into another."),
        figure(plots.code_scatter({"codes of held-out images, each drawn as its digit": model.transform(test)[:500]},
                               run.test_target[:500]),
            "The encoder learnt without labels. The labels only set the digits and colours of the plot.",
            "A scatter plot of small digits in ten colours; equal digits lie together, neighbouring classes overlap."),
        figure(plots.image_rows(rows, run.image_shape),
            "New images, decoded from codes that were drawn from the prior; held-out images; and held-out images "
            "decoded from their two numbers.",
            "Three rows of twelve digits: soft new digits, black and white held-out digits, soft versions of these."),
        claim(f"""With linear encoder and decoder the bound is exact at its optimum, which is probabilistic PCA: on the
            digits the two differ by {gap:.1e} nats. The two-unit autoencoder of this page has a bound of
            {watched.elbo[-1]:.1f} nats per held-out image. The length of the code contributes {watched.kl[-1]:.1f}
            nats. Importance weighting with 50 samples gives {model.importance_weighted_bound(test):.1f}."""),
    ]  # fmt: skip
    return "Generative models as autoencoders", blocks


def _numbers(run):
    """Return rows of L, Omega and their sum, and the gap between the linear bound and probabilistic PCA."""
    rows: list[list[str]] = []
    grey: dict[str, Any] = {}
    for kind, fitted in zip(("grey values", "bits"), digit_models(quick=run.quick, random_state=run.seed)):
        for name, (model, X) in fitted.items():
            rows.append([name, kind, *form_table({name: model}, X)[1][-3:]])
            grey.setdefault(name, (model, X))
    linear, X = grey["linear VAE"]
    return rows, abs(linear.elbo(X) - grey["probabilistic PCA"][0].score(X))
