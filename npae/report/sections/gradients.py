"""Show a gradient check of a network with all penalties."""

import numpy as np

from npae.gradcheck import check_network
from npae.objective.activations import Sigmoid
from npae.objective.contraction import Contractive
from npae.objective.layers import Dense, mirrored
from npae.objective.network import Network
from npae.objective.penalties import KLSparsity, WeightDecay
from npae.report.page import claim, equation, preformatted, sources, text

ORDER = 90


def build(run):
    rng = np.random.default_rng(run.seed)
    encoder = [Dense(8, 5, Sigmoid()), Dense(5, 3, Sigmoid())]
    penalties = [WeightDecay(0.1), KLSparsity(0.5, 0.1), Contractive(0.3)]
    network = Network(encoder, mirrored(encoder), penalties=penalties)
    network.theta[:] = rng.uniform(-1, 1, network.theta.size)
    report = check_network(network, rng.random((6, 8)))
    blocks = [
        text("""Every forward and backward pass here is written by hand. So every gradient is compared with a derivative
            that uses only the forward pass. The complex step has no subtraction, so nothing cancels, and it is exact to
            the last digits:"""),
        equation(
            r"\dfrac{\partial J}{\partial\theta_i}=\dfrac{\mathrm{Im}\,J(\theta+i\,h\,e_i)}{h}+O(h^2),\qquad h=10^{-30}"
        ),
        text("""This is the check of a deep autoencoder with weight decay, KL sparsity and the exact contraction
            penalty, made while this page was built:"""),
        preformatted(str(report)),
        claim(f"Largest relative error of any parameter array: {report.max_error:.1e}."),
        sources("martins2003"),
    ]
    return "How we know that the gradients are right", blocks
