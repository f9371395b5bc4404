"""Show the three steps of the training procedure, and the distribution p_reconstruct(x | x~) that they learn."""

import numpy as np

from npae import plots
from npae.denoising import ReconstructionDistribution, learn_reconstruction_distribution, sample
from npae.experiments.generative import binarized
from npae.objective.activations import Tanh
from npae.objective.corruption import SaltAndPepper
from npae.objective.layers import Dense
from npae.objective.losses import BernoulliCrossEntropy
from npae.objective.network import Network
from npae.report.page import claim, equation, figure, quote, text

ORDER = 52
P = 0.4


def build(run):
    train, test = binarized(run.train), binarized(run.test)
    D, small = train.shape[1], train.shape[1] < 100
    n_steps = (200 if run.quick else 1500) if small else (40 if run.quick else 300)

    width = 128 if small else 400
    encoder, decoder = Dense(D, width, Tanh(), rng=run.seed), Dense(width, D, rng=run.seed + 1)
    network, noise = Network([encoder], [decoder], loss=BernoulliCrossEntropy(), dtype=np.float32), SaltAndPepper(P)
    noisy, p = noise.corrupt(test, run.seed + 2), ReconstructionDistribution(network)
    before = p.log_likelihood(test, noisy).mean()
    learn_reconstruction_distribution(network, train, noise, n_steps=n_steps, rng=run.seed)
    after = p.log_likelihood(test, noisy).mean()
    rows = {"x, held out": test[:12], "x̃ ~ C(x̃ | x)": noisy[:12], "mean": p.mean(noisy[:12])}
    rows |= {f"sample {i}": p.sample(noisy[:12], run.seed + i) for i in (1, 2, 3)}
    chain = sample(network, noisy[:6], noise, 48, rng=run.seed)
    walks = {f"start {i + 1}": chain[3::4, i] for i in range(6)}
    blocks = [
        quote("""DAE learns a reconstruction distribution as follows: 1. sample a training example x from the training
            data; 2. sample a corrupted version x&#771; from C(x&#771; | x); 3. use (x, x&#771;) as a training example
            for estimating the reconstruction distribution."""),
        equation(r"p_{reconstruct}(x\,|\,\tilde{x})=p_{decoder}(x\,|\,h),\qquad h=f(\tilde{x})"),
        text(f"""The functions of <code>npae.denoising.steps</code> have the names of these steps. Here x is an image of
            zeros and ones, and {P:.0%} of the pixels of x&#771; are replaced by random bits. The decoder returns the
            logit of a Bernoulli distribution for every pixel. So p<sub>reconstruct</sub> has a mean, can be sampled,
            and gives the likelihood of held-out pairs."""),
        figure(plots.image_rows(rows, run.image_shape),
            "p(x | x&#771;) for held-out pairs: its mean and three samples. If x&#771; leaves a pixel uncertain, the "
            "mean is grey and the samples differ.",
            "Six rows of twelve small images: black digits on white, the same with random dots, soft grey digits, and "
            "three rows of black and white digits with a few stray dots."),
        figure(plots.image_rows(walks, run.image_shape),
            "Corruption and reconstruction alternate in a Markov chain. A row shows every fourth state of one chain.",
            "Six rows of twelve small black and white digits. Along a row the shape changes from image to image."),
        claim(f"""{n_steps} repetitions of the three steps raise the mean log p<sub>reconstruct</sub>(x | x&#771;) of
            held-out pairs from {before:.1f} to {after:.1f} nats."""),
    ]  # fmt: skip
    return "The reconstruction distribution", blocks
