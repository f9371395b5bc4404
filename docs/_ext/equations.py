r"""Equations of both directions in LaTeX, by object; the site shows them under the docstring of the object.

Samples are rows; dz is dJ/dz. The sign is += if several parts add to the same gradient.
"""

EQUATIONS = {
    "npae.objective.network.Network": [
        ("forward", r"J(\theta) = \frac1N \sum_n L\big(x_n,\; g(f(\tilde x_n))\big) + \sum_i \Omega_i"),
        (
            "backward",
            r"""\begin{aligned}
da &= \frac{\partial L}{\partial a} && \text{at the decoder's output} \\
(dW_l, db_l, dx_l) &= \text{backward}(dh_l), \quad dh_{l-1} = dx_l && \text{layer by layer to the first} \\
dh_l,\, da_l,\, dW_l &\mathrel{+}= \frac{\partial\, \Omega_i}{\partial (\cdot)} && \text{where a penalty has left it}
\end{aligned}""",
        ),
    ],
    "npae.objective.layers.Dense": [
        ("forward", r"a = x W + b, \qquad h = \varphi(a)"),
        (
            "backward",
            r"""da = dh \odot \varphi'(a), \qquad dW = x^\top da, \qquad db = \sum_n da_n, \qquad dx = da\, W^\top""",
        ),
    ],
    "npae.objective.layers.Tied": [
        ("forward", r"a = x W_{\text{dense}}^\top + b, \qquad h = \varphi(a)"),
        (
            "backward",
            r"""da = dh \odot \varphi'(a), \qquad dW_{\text{dense}} \mathrel{+}= (x^\top da)^\top, \qquad
db = \sum_n da_n, \qquad dx = da\, W_{\text{dense}}""",
        ),
    ],
    "npae.objective.layers.Stack": [
        ("forward", r"h_0 = x, \qquad h_l = \varphi_l(h_{l-1} W_l + b_l), \quad l = 1, \dots, L"),
        ("backward", r"dh_{l-1} = \big(dh_l \odot \varphi_l'(a_l)\big) W_l^\top, \quad l = L, \dots, 1"),
    ],
    "npae.objective.activations.Identity": [
        ("forward", r"h = a"),
        ("backward", r"da = dh, \qquad \varphi' = 1, \qquad \varphi'' = 0"),
    ],
    "npae.objective.activations.Sigmoid": [
        ("forward", r"h = \frac{1}{1 + e^{-a}}"),
        ("backward", r"da = dh \odot h (1 - h), \qquad \varphi'' = h (1 - h)(1 - 2h)"),
    ],
    "npae.objective.activations.Tanh": [
        ("forward", r"h = \tanh a"),
        ("backward", r"da = dh \odot (1 - h^2), \qquad \varphi'' = -2 h (1 - h^2)"),
    ],
    "npae.objective.activations.ReLU": [
        ("forward", r"h = \max(a, 0)"),
        ("backward", r"da = dh \odot [h > 0], \qquad \varphi'' = 0"),
    ],
    "npae.objective.activations.Softplus": [
        ("forward", r"h = \log(1 + e^{a})"),
        ("backward", r"da = dh \odot (1 - e^{-h}), \qquad \varphi'' = (1 - e^{-h})\, e^{-h}"),
    ],
    "npae.objective.activations.TopK": [
        ("forward", r"h_j = a_j \;\text{if}\; a_j \;\text{is among the}\; k \;\text{largest of its row, else}\; 0"),
        ("backward", r"da_j = dh_j \;\text{where}\; h_j \;\text{was kept, else}\; 0"),
    ],
    "npae.objective.losses.SquaredError": [
        (
            "forward",
            r"L = \frac1N \sum_n \tfrac12 \|a_n - x_n\|^2 = -\frac1N \sum_n \log N(x_n \mid a_n, I) + \text{const}",
        ),
        ("backward", r"da = \frac{1}{N} (a - x)"),
    ],
    "npae.objective.losses.BernoulliCrossEntropy": [
        (
            "forward",
            r"""L = \frac1N \sum_{nd} \log(1 + e^{a_{nd}}) - x_{nd}\, a_{nd}
= -\frac1N \sum_{nd} x_{nd} \log \sigma(a_{nd}) + (1 - x_{nd}) \log(1 - \sigma(a_{nd}))""",
        ),
        ("backward", r"da = \frac1N \big(\sigma(a) - x\big)"),
    ],
    "npae.objective.penalties.WeightDecay": [
        ("forward", r"\Omega = \frac\lambda2 \sum_l \|W_l\|_F^2"),
        ("backward", r"dW_l \mathrel{+}= \lambda W_l"),
    ],
    "npae.objective.penalties.L1Sparsity": [
        ("forward", r"\Omega = \frac\lambda N \sum_{nj} |h_{nj}|"),
        ("backward", r"dh \mathrel{+}= \frac\lambda N\, \mathrm{sign}(h)"),
    ],
    "npae.objective.penalties.KLSparsity": [
        (
            "forward",
            r"""\Omega = \beta \sum_j \rho \log\frac{\rho}{\hat\rho_j} + (1 - \rho) \log\frac{1-\rho}{1-\hat\rho_j},
\qquad \hat\rho_j = \frac1N \sum_n h_{nj}""",
        ),
        (
            "backward",
            r"dh_{nj} \mathrel{+}= \frac\beta N \Big(\frac{1-\rho}{1-\hat\rho_j} - \frac{\rho}{\hat\rho_j}\Big)",
        ),
    ],
    "npae.objective.contraction.Contractive": [
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
    "npae.objective.contraction.deep_contraction": [
        (
            "forward",
            r"""\Omega = \lambda \sum_n \langle A_n, G A_n \rangle, \qquad G = W_1^\top W_1, \qquad
A_n = S_1 W_2 S_2 \cdots W_L S_L, \qquad S_l = \mathrm{diag}\,\varphi_l'(a_{nl})""",
        ),
        (
            "backward",
            r"""dA_n = 2 \lambda\, G A_n, \qquad dW_1 \mathrel{+}= 2 \lambda\, W_1 \sum_n A_n A_n^\top, \qquad
\text{then back through}\; A^{(l)} = A^{(l-1)} W_l S_l:\; dW_l,\; ds_l,\;
da_l \mathrel{+}= ds_l \odot \varphi_l''(a_l)""",
        ),
    ],
    "npae.objective.contraction.HigherOrderContractive": [
        (
            "forward",
            r"""\Omega = \frac\lambda N \sum_n \|J(x_n)\|_F^2
+ \frac{\gamma}{N M} \sum_{nm} \|J(x_n + \sigma \varepsilon_{mn}) - J(x_n)\|_F^2""",
        ),
        (
            "backward",
            r"""dJ(x_n + \sigma\varepsilon_{mn}) =
\frac{2\gamma}{N M} \big(J(x_n + \sigma\varepsilon_{mn}) - J(x_n)\big)
= -\,dJ(x_n), \qquad \text{through both Jacobians as in Contractive}""",
        ),
    ],
    "npae.objective.contraction.ReconstructionContractive": [
        (
            "forward",
            r"\Omega = \frac\lambda N \sum_n \left\| \frac{\partial\, g(f(x_n))}{\partial x} \right\|_F^2",
        ),
        ("backward", r"\text{as in Contractive, over the layers of encoder and decoder together}"),
    ],
    "npae.objective.distributions.ContinuousBernoulli": [
        (
            "forward",
            r"L = \frac1N \sum_{nd} \log\frac{2 \sinh(a_{nd}/2)}{a_{nd}} - \big(x_{nd} - \tfrac12\big)\, a_{nd}",
        ),
        ("backward", r"da = \frac1N \Big(\tfrac12 + \tfrac12 \coth\frac a2 - \frac1a - x\Big)"),
    ],
    "npae.objective.distributions.Gaussian": [
        (
            "forward",
            r"""L = \frac{1}{2N} \sum_{nd} \frac{(x_{nd} - m_{nd})^2}{v_{nd}} + \log v_{nd} + \log 2\pi,
\qquad a = (m, \log v)""",
        ),
        (
            "backward",
            r"dm = \frac{m - x}{N\, v}, \qquad d\log v = \frac{1}{2N} \Big(1 - \frac{(x - m)^2}{v}\Big)",
        ),
    ],
    "npae.objective.distributions.Laplace": [
        ("forward", r"L = \frac1N \sum_{nd} \frac{|a_{nd} - x_{nd}|}{b} + \log 2b"),
        ("backward", r"da = \frac{1}{N b}\, \mathrm{sign}(a - x)"),
    ],
    "npae.objective.distributions.Categorical": [
        (
            "forward",
            r"L = -\frac1N \sum_n \sum_c x_{nc} \log p_{nc}, \qquad p = \mathrm{softmax}(a) \;\text{in each group}",
        ),
        ("backward", r"da = \frac1N (p - x)"),
    ],
    "npae.probe.SoftmaxCrossEntropy": [
        ("forward", r"L = \frac1N \sum_n \Big(\log \sum_c e^{a_{nc}} - a_{n y_n}\Big)"),
        ("backward", r"da_{nc} = \frac1N \big(p_{nc} - [c = y_n]\big), \qquad p = \mathrm{softmax}(a)"),
    ],
    "npae.objective.learnt_variance.LearntVariance": [
        ("forward", r"h = (x,\; b) \;\text{with}\; b = \log v"),
        ("backward", r"dx = dh_{1:D}, \qquad db = \sum_n dh_{n,\,D+1:2D}"),
    ],
    "npae.objective.unit_rows.UnitRows": [
        ("forward", r"W_k = \frac{V_k}{\|V_k\|}, \qquad h = \varphi(x W + b)"),
        (
            "backward",
            r"dW, db, dx \;\text{as in Dense}, \qquad dV_k = \frac{dW_k - \langle dW_k, W_k\rangle\, W_k}{\|V_k\|}",
        ),
    ],
    "npae.objective.revival.AuxiliaryTopK": [
        (
            "forward",
            r"""\Omega = \frac{\lambda}{2N} \sum_n \|u_n\|^2, \qquad u = r + e - x, \quad e = z W_d, \quad
z = \text{the}\; k \;\text{largest}\; a \;\text{among silent units}""",
        ),
        (
            "backward",
            r"""du = \frac\lambda N u, \qquad dr \mathrel{+}= du, \qquad dW_d \mathrel{+}= z^\top du, \qquad
da \mathrel{+}= du\, W_d^\top \;\text{where}\; z \;\text{was kept}""",
        ),
    ],
    "npae.generative.variational_network.GaussianCode": [
        (
            "forward",
            r"h = \mu + e^{s/2} \odot \varepsilon, \qquad x = (\mu, s), \quad \varepsilon \sim N(0, I) \;\text{given}",
        ),
        ("backward", r"d\mu = dh, \qquad ds = \tfrac12\, dh \odot e^{s/2} \odot \varepsilon"),
    ],
    "npae.generative.variational_network.KLToStandardNormal": [
        ("forward", r"\Omega = \frac{\beta}{2N} \sum_{nk} \mu_{nk}^2 + e^{s_{nk}} - 1 - s_{nk}"),
        ("backward", r"d\mu \mathrel{+}= \frac\beta N \mu, \qquad ds \mathrel{+}= \frac{\beta}{2N} (e^{s} - 1)"),
    ],
    "npae.generative.variational_network.VariationalNetwork": [
        (
            "forward",
            r"""J = \frac1N \sum_n -\log p(x_n \mid h_n) + \mathrm{KL}\big(q(h \mid x_n) \,\|\, N(0, I)\big), \qquad
h_n = \mu(x_n) + e^{s(x_n)/2} \varepsilon_n""",
        ),
        (
            "backward",
            r"""\text{as in Network; the code layer turns}\; dh \;\text{into}\; (d\mu, ds),
\;\text{the penalty adds its own}""",
        ),
    ],
    "npae.generative.linear_gaussian.LinearGaussian": [
        (
            "encode",
            r"q(h \mid x) = N\big((x - m) \Psi^{-1} W^\top P,\; P\big), \qquad P = (I + W \Psi^{-1} W^\top)^{-1}",
        ),
        ("decode", r"p(x \mid h) = N(m + h W, \Psi), \qquad p(x) = N(m,\; W^\top W + \Psi)"),
    ],
    "npae.generative.rbm.BoltzmannNetwork": [
        (
            "encode and decode",
            r"p(h_k = 1 \mid x) = \sigma(x W + b)_k, \qquad p(x_d = 1 \mid h) = \sigma(h W^\top + c)_d",
        ),
        (
            "gradient",
            r"""dW = -\frac1N \sum_n x_n^\top p(h \mid x_n) - x_n'^\top p(h \mid x_n'), \qquad
x_n' \;\text{by Gibbs sampling}""",
        ),
    ],
    "npae.objective.corruption.GaussianNoiseRange": [
        ("forward", r"\tilde x_n = x_n + s_n \varepsilon_n, \qquad s_n \sim U(\text{low}, \text{high})"),
    ],
    "npae.denoising.score.score_field": [
        (
            "value",
            r"\frac{r(x) - x}{\sigma^2} \approx \nabla \log p_\sigma(x), \qquad p_\sigma = p * N(0, \sigma^2 I)",
        ),
    ],
    "npae.denoising.linear.linear_denoiser": [
        ("Gaussian noise", r"r(\tilde x) = \mu + (\tilde x - \mu)(S + \sigma^2 I)^{-1} S"),
    ],
    "npae.objective.corruption.GaussianNoise": [
        ("forward", r"\tilde x = x + \sigma \varepsilon, \qquad \varepsilon \sim N(0, I)"),
    ],
    "npae.objective.corruption.MaskingNoise": [
        ("forward", r"\tilde x_d = 0 \;\text{with probability}\; p, \;\text{else}\; x_d"),
    ],
    "npae.objective.corruption.SaltAndPepper": [
        ("forward", r"\tilde x_d = 0 \;\text{or}\; 1, \;\text{each with probability}\; p/2, \;\text{else}\; x_d"),
    ],
    "npae.training.optimizers.SGD": [
        (
            "step",
            r"""v \leftarrow \mu v + g, \qquad \theta \leftarrow \theta - \eta v
\qquad (\text{Nesterov:}\; \theta \leftarrow \theta - \eta (g + \mu v))""",
        ),
    ],
    "npae.training.optimizers.RMSProp": [
        (
            "step",
            r"v \leftarrow \rho v + (1 - \rho) g^2, \qquad \theta \leftarrow \theta - \eta\, g / (\sqrt v + \epsilon)",
        ),
    ],
    "npae.training.optimizers.Adam": [
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
            r"""W_e = W_d^\top = V_k^\top\, \mathrm{diag}(w), \qquad w_i^2 =
\max\Big(0,\; 1 - \frac{N \lambda}{\sigma_i^2}\Big)""",
        ),
    ],
    "npae.manifold.contraction_ratio": [
        ("value", r"\frac{1}{N M} \sum_{nm} \frac{\|f(x_n + r u_{nm}) - f(x_n)\|}{r}, \qquad \|u_{nm}\| = 1"),
    ],
    "npae.estimators.autoencoder.Autoencoder": [
        ("transform", r"h = f(x)"),
        ("reconstruct", r"\hat x = g(f(x)) \;\text{through the mean of the loss's distribution}"),
        ("minimized", r"J(\theta) = \frac1N \sum_n L\big(x_n,\; g(f(\tilde x_n))\big) + \sum_i \Omega_i"),
    ],
    "npae.generative.variational_autoencoder.VariationalAutoencoder": [
        ("transform", r"h = \mu(x), \qquad q(h \mid x) = N\big(\mu(x), \mathrm{diag}\, e^{s(x)}\big)"),
        ("elbo", r"E_q[\log p(x \mid h)] - \beta\, \mathrm{KL}\big(q(h \mid x) \,\|\, N(0, I)\big) \le \log p(x)"),
    ],
    "npae.training.schedules.StepDecay": [
        ("step", r"\eta_t = \eta\, \gamma^{\lfloor t / m \rfloor}, \qquad \gamma = \text{factor}, \; m = \text{every}"),
    ],
    "npae.training.schedules.Cosine": [
        (
            "step",
            r"""\eta_t = \eta_T + (\eta - \eta_T)\, \frac{1 + \cos(\pi t / T)}{2}, \qquad
T = \text{number of steps}, \; \eta_T = \text{final}""",
        ),
    ],
    "npae.training.schedules.WarmUp": [("step", r"\eta_t = \min\big(1,\, (t + 1) / T\big)\, \eta")],
    "npae.training.callbacks.EarlyStopping": [
        ("rule", r"\text{stop after patience epochs without}\; J_t < (1 - \text{tol}) \min_{s < t} J_s"),
    ],
}
