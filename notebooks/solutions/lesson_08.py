# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---


# %% [markdown]
# # Answers to lesson 8
#
# Each is given in words and formulas, then in code that asserts it.

# %%
import numpy as np

import npae
from npae.denoising import energy_distance
from npae.experiments.claims import below, same
from npae.experiments.generative import binarized, dequantized, watch_vae
from npae.generative import GaussianCode, LinearGaussian, MixtureOfGaussians, ProbabilisticPCA
from npae.objective.distributions import ContinuousBernoulli

digits = npae.datasets.load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
train, test = order[450:], order[:450]
grey = dequantized(digits.data)
bits = binarized(digits.data).astype(np.float32)

# %% [markdown]
# ## 1. What a plain autoencoder lacks
#
# **Answer.** A distribution of codes. Nothing in its objective says where codes lie, so a code from $N(0, I)$ is
# anyone's, and the decoder was never asked about it. $\Omega$ draws the codes of all images together towards $N(0, I)$,
# and the noise in the code makes the decoder answer for what lies between them.

# %%
vae = watch_vae(bits[train], bits[test], epochs=40, random_state=0).model
plain = npae.Autoencoder(
    2, hidden_layer_sizes=(128,), activation=("relu", "identity"), loss="bernoulli", max_iter=40, n_iter_no_change=40,
    optimizer=npae.Adam(npae.Cosine(3e-3, 40 * 14)), batch_size=100, random_state=0,
).fit(bits[train])  # fmt: skip
h = rng.standard_normal((450, 2)).astype(np.float32)
far = {
    name: energy_distance((rng.random((450, 64)) < model.inverse_transform(h)).astype(float), bits[test])
    for name, model in {"variational": vae, "plain": plain}.items()
}
print(f"energy distance of samples to digits, variational against plain: {below(far['variational'], far['plain'])}")
spread = {name: model.transform(bits[test]).std() for name, model in {"variational": vae, "plain": plain}.items()}
print({name: f"spread of the codes {value:.2f}" for name, value in spread.items()})
assert abs(spread["variational"] - 1) < 0.25

# %% [markdown]
# ## 2. How large $\Omega$ can be
#
# **Answer.** $KL(r \| w) = \sum_k r_k \log r_k - \sum_k r_k \log w_k$. The first sum is at most 0, and with $w_k = 1/K$
# the second is $\log K$: to say which of $K$ costs $\log K$ nats, no more. (With unequal weights, the logarithm of the
# rarest.) $KL(q \| N(0, I))$ has no bound, for a mean can be anywhere; but $\Omega \le -\log p(x) - L$ at an exact
# encoder, and where $L$ has a least value so has $\Omega$ a largest.

# %%
mixture = MixtureOfGaussians(10, random_state=0).fit(grey[train])
r, w = mixture.transform(grey[test]), mixture.weights_
omega = (r * np.log(np.maximum(r, 1e-300) / w)).sum(axis=1)
same(omega.mean(), mixture.parts(grey[test])[1], 1e-9)
print(f"Omega by sample: at most {omega.max():.3f}; log of the rarest {-np.log(w.min()):.3f}, log K {np.log(10):.3f}")
assert omega.max() <= -np.log(w.min()) + 1e-9
far_off = npae.generative.variational_network.kl_to_standard_normal(np.array([[100.0, 0.0]]))
print(f"a mean of 100 costs {far_off[0]:.0f} nats")
assert far_off[0] == 5000

# %% [markdown]
# ## 3. A diagonal $q$ that is exact
#
# **Answer.** For a linear decoder the posterior's covariance is $P = (I + W \psi^{-1} W^\top)^{-1}$, the same for every
# $x$, and diagonal if the rows of $W$ are orthogonal. Turning the code, $W \to Q W$, changes no density of $x$, so a
# solution with orthogonal rows is always among the best, and there a diagonal $q$ is exact. If the decoder is turned,
# the best diagonal variances are $1/(P^{-1})_{kk}$, and the bound loses $\frac12 \big(\sum_k \log (P^{-1})_{kk} -
# \log\det P^{-1}\big)$, which is not negative (Hadamard). A deep decoder's posterior is no Gaussian at all.

# %%
model = ProbabilisticPCA(4).fit(grey[train]).model_
Q, _ = np.linalg.qr(rng.standard_normal((4, 4)))
turned = LinearGaussian(Q @ model.W, model.mean, model.psi)
same(turned.log_likelihood(grey[test]), model.log_likelihood(grey[test]), 1e-11)
lost = {}
for name, each in {"orthogonal": model, "turned": turned}.items():
    precision = np.eye(4) + each.W / each.psi @ each.W.T
    lost[name] = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
    print(f"{name}: a diagonal q loses {lost[name]:.2e} nats")
assert abs(lost["orthogonal"]) < 1e-10 < 0.01 < lost["turned"]

# %% [markdown]
# ## 4. $\beta$
#
# **Answer.** $\beta$ weighs what the code may cost. With 4 the code says less, $\Omega$ falls and $L$ rises; with 0.25
# the reverse. The bound itself takes $\beta = 1$, so either is worse than training with 1 by that measure.

# %%
parts = {
    beta: watch_vae(bits[train], bits[test], epochs=40, beta=beta, random_state=0).model.parts(bits[test])
    for beta in (0.25, 4.0)
}
parts[1.0] = vae.parts(bits[test])
for beta, (L, omega) in sorted(parts.items()):
    print(f"beta {beta:<4}: L {L:.2f}, Omega {omega:.2f}, bound {-(L + omega):.2f} nats")
print(f"Omega: {below(parts[4.0][1], parts[1.0][1])}, {below(parts[1.0][1], parts[0.25][1])}")
print(f"L: {below(parts[1.0][0], parts[4.0][0])}")
assert sum(parts[1.0]) < min(sum(parts[4.0]), sum(parts[0.25]))

# %% [markdown]
# ## 5. A log variance for a log deviation
#
# **Answer.** If forward and backward agree, $h = \mu + e^s \varepsilon$ and $ds = dh\, e^s \varepsilon$, the check
# passes: the gradient is that of the value. But the code drawn has the variance $e^{2s}$, while $\Omega$ is that of
# $e^s$, so $L + \Omega$ is no bound. A test of the *value* finds it: the variance of many draws, or a model whose
# likelihood is known.


# %%
class WrongCode(GaussianCode):
    """Draws with e^s for the standard deviation."""

    def forward(self, x):
        K = self.n_out
        self.h = super().forward(x)
        if self.noise is not None:
            self._shift = np.exp(x[:, K:]) * self.noise
            self.h = x[:, :K] + self._shift
        return self.h

    def backward(self, dh):
        dx = super().backward(dh)
        dx[:, self.n_out :] *= 2  # ds = dh e^s e
        return dx


found = {}
for kind in (GaussianCode, WrongCode):
    net = npae.generative.VariationalNetwork(
        [npae.Dense(6, 4, rng=1), kind(2)], [npae.Dense(2, 6, rng=3)], loss=npae.BernoulliCrossEntropy()
    )
    net.noise = rng.standard_normal((7, 2))
    ok = npae.gradcheck.check_network(net, rng.random((7, 6))).ok
    code = kind(1)
    code.noise = rng.standard_normal((100_000, 1))
    found[kind.__name__] = ok, code.forward(np.tile([0.0, 1.0], (100_000, 1))).var() / np.e
print(
    {
        name: f"check {'ok' if ok else 'WRONG'}, variance of draws over e^s {ratio:.2f}"
        for name, (ok, ratio) in found.items()
    }
)
assert all(ok for ok, _ in found.values()) and abs(found["GaussianCode"][1] - 1) < 0.03 < 1 < found["WrongCode"][1]

# %% [markdown]
# ## 6. Grey values
#
# **Answer.** Only the second. The cross entropy of grey values is short of its normalizing constant, which depends on
# $a$ (lesson 10), so it is no $-\log p$ and its bound bounds nothing; it is also positive, where densities on $[0, 1]$
# may have negative ones. Read as continuous Bernoulli, the first model's outputs have a likelihood, which is lower than
# that of the model that was trained for it.

# %%
images = grey.astype(np.float32)
models = {
    loss: watch_vae(images[train], images[test], epochs=40, loss=loss, random_state=0).model
    for loss in ("continuous_bernoulli",)
}
crossed = npae.VariationalAutoencoder(
    2, hidden_layer_sizes=(128,), activation="relu", loss="bernoulli", max_iter=40, n_iter_no_change=40, batch_size=100,
    optimizer=npae.Adam(npae.Cosine(3e-3, 40 * 14)), random_state=0,
).fit(images[train])  # fmt: skip
nats = {}
for name, model in (models | {"bernoulli": crossed}).items():
    a = model.network_.decoder(model.transform(images[test]))
    nats[name] = float(ContinuousBernoulli().log_likelihood(a, images[test]).mean())
a = crossed.network_.decoder(crossed.transform(images[test]))
print(f"log p(x | h) as continuous Bernoulli: {below(nats['bernoulli'], nats['continuous_bernoulli'])}")
print(f"minus the cross entropy, no likelihood: {-npae.BernoulliCrossEntropy()(a, images[test])[0]:.1f}")
assert npae.BernoulliCrossEntropy()(a, images[test])[0] > 0 > -nats["continuous_bernoulli"]
