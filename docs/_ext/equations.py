r"""The equations of both directions, by the object they belong to, in LaTeX: the site shows them under its docstring.

Samples are rows; dz is dJ/dz. Where a part adds to a gradient that others add to as well, the sign is +=.
"""

EQUATIONS = {
    "npae.network.Network": [
        ("forward", r"J(\theta) = \frac1N \sum_n L\big(x_n,\; g(f(\tilde x_n))\big) + \sum_i \Omega_i"),
        (
            "backward",
            r"""\frac{\partial J}{\partial \theta}:\quad
da_L \;\text{from}\; L, \qquad (dW_l, db_l, dx_l) \;\text{from}\; dh_l = dx_{l+1},\quad l = L, \dots, 1,
\qquad \text{each}\; \Omega_i \;\text{adds at}\; dh_l,\, da_l,\, dW_l""",
        ),
    ],
    "npae.layers.Dense": [
        ("forward", r"a = x W + b, \qquad h = \varphi(a)"),
        (
            "backward",
            r"""da = dh \odot \varphi'(a), \qquad dW = x^\top da, \qquad db = \sum_n da_n, \qquad dx = da\, W^\top""",
        ),
    ],
    "npae.layers.Tied": [
        ("forward", r"a = x W_{\text{dense}}^\top + b, \qquad h = \varphi(a)"),
        (
            "backward",
            r"""da = dh \odot \varphi'(a), \qquad dW_{\text{dense}} \mathrel{+}= (x^\top da)^\top, \qquad
db = \sum_n da_n, \qquad dx = da\, W_{\text{dense}}""",
        ),
    ],
    "npae.layers.Stack": [
        ("forward", r"h_0 = x, \qquad h_l = \varphi_l(h_{l-1} W_l + b_l), \quad l = 1, \dots, L"),
        ("backward", r"dh_{l-1} = \big(dh_l \odot \varphi_l'(a_l)\big) W_l^\top, \quad l = L, \dots, 1"),
    ],
    "npae.activations.Identity": [
        ("forward", r"h = a"),
        ("backward", r"da = dh, \qquad \varphi' = 1, \qquad \varphi'' = 0"),
    ],
    "npae.activations.Sigmoid": [
        ("forward", r"h = \frac{1}{1 + e^{-a}}"),
        ("backward", r"da = dh \odot h (1 - h), \qquad \varphi'' = h (1 - h)(1 - 2h)"),
    ],
    "npae.activations.Tanh": [
        ("forward", r"h = \tanh a"),
        ("backward", r"da = dh \odot (1 - h^2), \qquad \varphi'' = -2 h (1 - h^2)"),
    ],
    "npae.activations.ReLU": [
        ("forward", r"h = \max(a, 0)"),
        ("backward", r"da = dh \odot [h > 0], \qquad \varphi'' = 0"),
    ],
    "npae.activations.Softplus": [
        ("forward", r"h = \log(1 + e^{a})"),
        ("backward", r"da = dh \odot (1 - e^{-h}), \qquad \varphi'' = (1 - e^{-h})\, e^{-h}"),
    ],
    "npae.activations.TopK": [
        ("forward", r"h_j = a_j \;\text{if}\; a_j \;\text{is among the}\; k \;\text{largest of its row, else}\; 0"),
        ("backward", r"da_j = dh_j \;\text{where}\; h_j \;\text{was kept, else}\; 0"),
    ],
    "npae.losses.SquaredError": [
        ("forward", r"L = \frac1N \sum_n \tfrac12 \|a_n - x_n\|^2 = -\frac1N \sum_n \log N(x_n \mid a_n, I) + \text{const}"),
        ("backward", r"da = \frac{1}{N} (a - x)"),
    ],
    "npae.losses.BernoulliCrossEntropy": [
        (
            "forward",
            r"""L = \frac1N \sum_{nd} \log(1 + e^{a_{nd}}) - x_{nd}\, a_{nd}
= -\frac1N \sum_{nd} x_{nd} \log \sigma(a_{nd}) + (1 - x_{nd}) \log(1 - \sigma(a_{nd}))""",
        ),
        ("backward", r"da = \frac1N \big(\sigma(a) - x\big)"),
    ],
    "npae.penalties.WeightDecay": [
        ("forward", r"\Omega = \frac\lambda2 \sum_l \|W_l\|_F^2"),
        ("backward", r"dW_l \mathrel{+}= \lambda W_l"),
    ],
    "npae.penalties.L1Sparsity": [
        ("forward", r"\Omega = \frac\lambda N \sum_{nj} |h_{nj}|"),
        ("backward", r"dh \mathrel{+}= \frac\lambda N\, \mathrm{sign}(h)"),
    ],
    "npae.penalties.KLSparsity": [
        (
            "forward",
            r"""\Omega = \beta \sum_j \rho \log\frac{\rho}{\hat\rho_j} + (1 - \rho) \log\frac{1-\rho}{1-\hat\rho_j},
\qquad \hat\rho_j = \frac1N \sum_n h_{nj}""",
        ),
        ("backward", r"dh_{nj} \mathrel{+}= \frac\beta N \Big(\frac{1-\rho}{1-\hat\rho_j} - \frac{\rho}{\hat\rho_j}\Big)"),
    ],
    "npae.penalties.Contractive": [
        (
            "forward",
            r"""\Omega = \frac\lambda N \sum_n \left\| \frac{\partial f(x_n)}{\partial x} \right\|_F^2
\;\overset{L = 1}{=}\; \frac\lambda N \sum_{nj} \varphi'(a_{nj})^2\, \|W_{:j}\|^2""",
        ),
        (
            "backward",
            r"""da_{nj} \mathrel{+}= \frac{2\lambda}N \|W_{:j}\|^2\, \varphi'(a_{nj})\, \varphi''(a_{nj}), \qquad
dW_{:j} \mathrel{+}= \frac{2\lambda}N \Big(\sum_n \varphi'(a_{nj})^2\Big) W_{:j}""",
        ),
    ],
    "npae.contraction.norms.deep_contraction": [
        (
            "forward",
            r"""\Omega = \lambda \sum_n \langle A_n, G A_n \rangle, \qquad G = W_1^\top W_1, \qquad
A_n = S_1 W_2 S_2 \cdots W_L S_L, \qquad S_l = \mathrm{diag}\,\varphi_l'(a_{nl})""",
        ),
        (
            "backward",
            r"""dA_n = 2 \lambda\, G A_n, \qquad dW_1 \mathrel{+}= 2 \lambda\, W_1 \sum_n A_n A_n^\top, \qquad
\text{then back through}\; A^{(l)} = A^{(l-1)} W_l S_l:\; dW_l,\; ds_l,\; da_l \mathrel{+}= ds_l \odot \varphi_l''(a_l)""",
        ),
    ],
    "npae.contraction.family.HigherOrderContractive": [
        (
            "forward",
            r"""\Omega = \frac\lambda N \sum_n \|J(x_n)\|_F^2
+ \frac{\gamma}{N M} \sum_{nm} \|J(x_n + \sigma \varepsilon_{mn}) - J(x_n)\|_F^2""",
        ),
        (
            "backward",
            r"""dJ(x_n + \sigma\varepsilon_{mn}) = \frac{2\gamma}{N M} \big(J(x_n + \sigma\varepsilon_{mn}) - J(x_n)\big)
= -\,dJ(x_n), \qquad \text{through both Jacobians as in Contractive}""",
        ),
    ],
    "npae.contraction.family.ReconstructionContractive": [
        (
            "forward",
            r"\Omega = \frac\lambda N \sum_n \left\| \frac{\partial\, g(f(x_n))}{\partial x} \right\|_F^2",
        ),
        ("backward", r"\text{as in Contractive, over the layers of encoder and decoder together}"),
    ],
    "npae.corruption.GaussianNoise": [
        ("forward", r"\tilde x = x + \sigma \varepsilon, \qquad \varepsilon \sim N(0, I)"),
    ],
    "npae.corruption.MaskingNoise": [
        ("forward", r"\tilde x_d = 0 \;\text{with probability}\; p, \;\text{else}\; x_d"),
    ],
    "npae.corruption.SaltAndPepper": [
        ("forward", r"\tilde x_d = 0 \;\text{or}\; 1, \;\text{each with probability}\; p/2, \;\text{else}\; x_d"),
    ],
    "npae.optimizers.SGD": [
        (
            "step",
            r"""v \leftarrow \mu v + g, \qquad \theta \leftarrow \theta - \eta v
\qquad (\text{Nesterov:}\; \theta \leftarrow \theta - \eta (g + \mu v))""",
        ),
    ],
    "npae.optimizers.RMSProp": [
        ("step", r"v \leftarrow \rho v + (1 - \rho) g^2, \qquad \theta \leftarrow \theta - \eta\, g / (\sqrt v + \epsilon)"),
    ],
    "npae.optimizers.Adam": [
        (
            "step",
            r"""m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \qquad
\theta \leftarrow \theta - \eta \, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}""",
        ),
    ],
    "npae.pca.pca.PCA": [
        ("encode", r"h = (x - \mu) V_k^\top"),
        ("decode", r"\hat x = \mu + h V_k, \qquad X - \mu = U \Sigma V"),
    ],
    "npae.pca.theory.linear_autoencoder_optimum": [
        (
            "optimum",
            r"W_e = W_d^\top = V_k^\top\, \mathrm{diag}(w), \qquad w_i^2 = \max\Big(0,\; 1 - \frac{N \lambda}{\sigma_i^2}\Big)",
        ),
    ],
    "npae.manifold.contraction_ratio": [
        ("value", r"\frac{1}{N M} \sum_{nm} \frac{\|f(x_n + r u_{nm}) - f(x_n)\|}{r}, \qquad \|u_{nm}\| = 1"),
    ],
}
