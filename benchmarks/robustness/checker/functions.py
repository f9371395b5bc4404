"""Functions that return a value and a gradient, as people write them: flat theta, dicts, lists, a model's method."""

import numpy as np

CASES = {}  # name -> (function or class, the point, real: whether it refuses or loses complex input)


def case(point, real=False):
    """Register a function of one argument, or a class whose instance has `loss(point)`, with the point to check at."""

    def register(thing):
        CASES[thing.__name__] = (thing, point, real)
        return thing

    return register


def rng(seed=0):
    return np.random.default_rng(seed)


N, D, K, M = 6, 5, 4, 3
X = rng(1).standard_normal((N, D))
X01 = rng(2).uniform(0.05, 0.95, (N, D))
Y = rng(3).standard_normal((N, M))
LABELS = rng(4).integers(0, M, N)
ONE_HOT = np.eye(M)[LABELS]
BINARY = (rng(5).random(N) < 0.5).astype(float)
SIGNS = 2 * BINARY - 1
NOISE = rng(6).standard_normal((N, K))
RATED = rng(7).random((D, K)) < 0.6
RATINGS = rng(8).standard_normal((D, K))


def normal(*shape, seed=0):
    return rng(seed).standard_normal(shape)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@case(normal(D))
def linear_regression(theta):
    m = len(BINARY)
    error = X @ theta - BINARY
    J = (error**2).sum() / (2 * m)
    grad = X.T @ error / m
    return J, grad


@case(normal(D))
def ridge(theta):
    lam = 0.7
    residual = X @ theta - BINARY
    J = 0.5 * residual @ residual + 0.5 * lam * theta @ theta
    grad = X.T @ residual + lam * theta
    return J, grad


@case(normal(D))
def logistic_regression(theta):
    m = len(BINARY)
    h = sigmoid(X @ theta)
    J = -(BINARY * np.log(h) + (1 - BINARY) * np.log(1 - h)).sum() / m
    grad = X.T @ (h - BINARY) / m
    return J, grad


@case(normal(D))
def logistic_regression_regularized(theta):
    m, lam = len(BINARY), 1.5
    h = sigmoid(X @ theta)
    J = (-BINARY @ np.log(h) - (1 - BINARY) @ np.log(1 - h)) / m + lam / (2 * m) * (theta[1:] ** 2).sum()
    grad = X.T @ (h - BINARY) / m
    grad[1:] = grad[1:] + lam / m * theta[1:]
    return J, grad


@case(normal(D), real=True)
def hinge_loss_by_loops(w):
    loss, dw, C = 0.0, np.zeros(D), 0.4
    for i in range(N):
        margin = 1 - SIGNS[i] * float(X[i] @ w)
        if margin > 0:
            loss += margin * margin
            dw += -2 * margin * SIGNS[i] * X[i]
    return loss / N + C * float(w @ w), dw / N + 2 * C * w


@case(normal(D, M))
def softmax_regression(W):
    scores = X @ W
    scores = scores - scores.max(axis=1, keepdims=True).real
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(N), LABELS]).mean() + 0.05 * (W * W).sum()
    dscores = p.copy()
    dscores[np.arange(N), LABELS] -= 1
    dW = X.T @ dscores / N + 2 * 0.05 * W
    return loss, dW


@case(normal(D, M), real=True)
def multiclass_svm(W):
    scores = np.asarray(X @ W, dtype=float)
    correct = scores[np.arange(N), LABELS][:, None]
    margins = np.maximum(0, scores - correct + 1)
    margins[np.arange(N), LABELS] = 0
    loss = margins.sum() / N + 0.1 * np.sum(W * W)
    mask = (margins > 0).astype(float)
    mask[np.arange(N), LABELS] = -mask.sum(axis=1)
    return loss, X.T @ mask / N + 2 * 0.1 * W


@case({"W1": normal(D, K), "b1": normal(K, seed=1), "W2": normal(K, M, seed=2), "b2": normal(M, seed=3)})
def two_layer_net(params):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    hidden = np.maximum(0, X @ W1 + b1)
    scores = hidden @ W2 + b2
    p = np.exp(scores)
    p = p / p.sum(axis=1, keepdims=True)
    loss = -np.log(p[range(N), LABELS]).sum() / N
    grads = {}
    dscores = (p - ONE_HOT) / N
    grads["W2"] = hidden.T @ dscores
    grads["b2"] = dscores.sum(axis=0)
    dhidden = dscores @ W2.T
    dhidden = dhidden * (hidden > 0)
    grads["W1"] = X.T @ dhidden
    grads["b1"] = dhidden.sum(axis=0)
    return loss, grads


@case([normal(D, K), normal(K, seed=1), normal(K, D, seed=2), normal(D, seed=3)])
def autoencoder_in_a_list(params):
    W, b, V, c = params
    h = np.tanh(X @ W + b)
    r = h @ V + c
    loss = ((r - X) ** 2).sum() / N
    dr = 2 * (r - X) / N
    dV = h.T @ dr
    dc = dr.sum(axis=0)
    dh = dr @ V.T
    da = dh * (1 - h**2)
    return loss, [X.T @ da, da.sum(axis=0), dV, dc]


@case(normal(D * K + K + K * D + D))
def sparse_autoencoder_flat(theta):
    W1, rest = theta[: D * K].reshape(D, K), theta[D * K :]
    b1, W2, b2 = rest[:K], rest[K : K + K * D].reshape(K, D), rest[K + K * D :]
    lam, beta, rho = 0.1, 0.5, 0.2
    a2 = sigmoid(X01 @ W1 + b1)
    a3 = sigmoid(a2 @ W2 + b2)
    rho_hat = a2.mean(axis=0)
    kl = (rho * np.log(rho / rho_hat) + (1 - rho) * np.log((1 - rho) / (1 - rho_hat))).sum()
    cost = ((a3 - X01) ** 2).sum() / (2 * N) + lam / 2 * ((W1**2).sum() + (W2**2).sum()) + beta * kl
    delta3 = (a3 - X01) * a3 * (1 - a3)
    sparsity = beta * (-rho / rho_hat + (1 - rho) / (1 - rho_hat))
    delta2 = (delta3 @ W2.T + sparsity) * a2 * (1 - a2)
    W1grad = X01.T @ delta2 / N + lam * W1
    W2grad = a2.T @ delta3 / N + lam * W2
    b1grad = delta2.mean(axis=0)
    b2grad = delta3.mean(axis=0)
    return cost, np.concatenate([W1grad.ravel(), b1grad, W2grad.ravel(), b2grad])


@case({"W": normal(D, K), "b": normal(K, seed=1)})
def contractive_penalty(p):
    W, b = p["W"], p["b"]
    h = sigmoid(X @ W + b)
    s = h * (1 - h)
    norms = (W**2).sum(axis=0)
    value = (s**2 @ norms).sum() / N
    da = 2 * s**2 * (1 - 2 * h) * norms / N
    dW = X.T @ da + 2 * W * (s**2).sum(axis=0) / N
    return value, {"W": dW, "b": da.sum(axis=0)}


@case({"W": normal(D, K), "b": normal(K, seed=1), "c": normal(D, seed=3)})
def tied_denoising_autoencoder(p):
    noisy = X01 + 0.1 * NOISE[:, :1]
    h = sigmoid(noisy @ p["W"] + p["b"])
    a = h @ p["W"].T + p["c"]
    loss = (np.log1p(np.exp(-a)) + a - X01 * a).sum() / N
    delta = (sigmoid(a) - X01) / N
    dh = delta @ p["W"]
    hidden = dh * h * (1 - h)
    return loss, {"W": noisy.T @ hidden + delta.T @ h, "b": hidden.sum(axis=0), "c": delta.sum(axis=0)}


@case({"mu": normal(N, K), "logvar": normal(N, K, seed=1)})
def vae_kl(p):
    mu, logvar = p["mu"], p["logvar"]
    kl = -0.5 * (1 + logvar - mu**2 - np.exp(logvar)).sum()
    return kl, {"mu": mu, "logvar": 0.5 * (np.exp(logvar) - 1)}


@case({"mu": normal(N, K), "logvar": normal(N, K, seed=1), "V": normal(K, D, seed=2)})
def vae_loss(p):
    std = np.exp(0.5 * p["logvar"])
    z = p["mu"] + std * NOISE
    q = sigmoid(z @ p["V"])
    bce = -(X01 * np.log(q + 1e-8) + (1 - X01) * np.log(1 - q + 1e-8)).sum() / N
    kl = -0.5 * (1 + p["logvar"] - p["mu"] ** 2 - np.exp(p["logvar"])).sum() / N
    dq = -(X01 / (q + 1e-8) - (1 - X01) / (1 - q + 1e-8)) / N
    da = dq * q * (1 - q)
    dz = da @ p["V"].T
    dmu = dz + p["mu"] / N
    dlogvar = 0.5 * dz * NOISE * std - 0.5 * (1 - np.exp(p["logvar"])) / N
    return bce + kl, {"mu": dmu, "logvar": dlogvar, "V": z.T @ da}


@case({"U": normal(D, M), "V": normal(K, M, seed=1)})
def matrix_factorization(p):
    error = RATED * (p["U"] @ p["V"].T - RATINGS)
    cost = 0.5 * (error**2).sum() + 0.5 * 0.3 * ((p["U"] ** 2).sum() + (p["V"] ** 2).sum())
    dU = error @ p["V"] + 0.3 * p["U"]
    dV = error.T @ p["U"] + 0.3 * p["V"]
    return cost, {"U": dU, "V": dV}


@case({"center": normal(K), "outside": normal(K, seed=1), "negatives": normal(3, K, seed=2)})
def negative_sampling(p):
    v, u, negatives = p["center"], p["outside"], p["negatives"]
    loss = -np.log(sigmoid(u @ v)) - np.log(sigmoid(-negatives @ v)).sum()
    g = sigmoid(u @ v) - 1
    gn = sigmoid(negatives @ v)
    return loss, {"center": g * u + negatives.T @ gn, "outside": g * v, "negatives": np.outer(gn, v)}


@case({"word": normal(D, M), "context": normal(D, M, seed=1), "bw": normal(D, seed=2), "bc": normal(D, seed=3)})
def glove(p):
    counts = 1 + np.arange(D * D).reshape(D, D)
    weight = np.minimum(1, (counts / 20) ** 0.75)
    diff = p["word"] @ p["context"].T + p["bw"][:, None] + p["bc"] - np.log(counts)
    loss = (weight * diff**2).sum()
    g = 2 * weight * diff
    return loss, {"word": g @ p["context"], "context": g.T @ p["word"], "bw": g.sum(axis=1), "bc": g.sum(axis=0)}


@case(normal(N, M), real=True)
def huber(a):
    delta = 0.8
    r = np.asarray(a - Y, dtype=float)
    small = np.abs(r) <= delta
    value = np.where(small, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)).sum() / N
    return value, np.where(small, r, delta * np.sign(r)) / N


@case(normal(N, M), real=True)
def l1_loss(a):
    return np.abs(a - Y).mean(), np.sign(a - Y) / a.size


@case(normal(N, M))
def log_cosh(a):
    return np.log(np.cosh(a - Y)).mean(), np.tanh(a - Y) / a.size


@case(normal(N, M))
def pinball(a):
    tau = 0.3
    r = Y - a
    value = np.maximum(tau * r, (tau - 1) * r).sum()
    return value, np.where(r > 0, -tau, 1 - tau)


@case(normal(D))
def poisson_regression(theta):
    counts = np.arange(N)
    eta = X @ theta
    nll = (np.exp(eta) - counts * eta).mean()
    grad = X.T @ (np.exp(eta) - counts) / N
    return nll, grad


@case({"mu": normal(M), "log_sigma": normal(M, seed=1)})
def gaussian_likelihood(p):
    sigma = np.exp(p["log_sigma"])
    z = (Y - p["mu"]) / sigma
    nll = 0.5 * (z**2).sum() + N * p["log_sigma"].sum()
    dmu = -(z / sigma).sum(axis=0)
    dlog = N - (z**2).sum(axis=0)
    return nll, {"mu": dmu, "log_sigma": dlog}


@case({"pi": normal(M), "mu": normal(M, D, seed=1)})
def gaussian_mixture(p):
    logits = p["pi"] - np.log(np.exp(p["pi"]).sum())
    d = X[:, None, :] - p["mu"]
    logp = logits - 0.5 * (d**2).sum(axis=2)
    likelihood = np.exp(logp).sum(axis=1)
    gamma = np.exp(logp) / likelihood[:, None]
    dpi = -(gamma.sum(axis=0) - N * np.exp(logits))
    dmu = -(gamma[:, :, None] * d).sum(axis=0)
    return -np.log(likelihood).sum(), {"pi": dpi, "mu": dmu}


@case({"anchor": normal(D), "positive": normal(D, seed=1), "negative": normal(D, seed=2)}, real=True)
def triplet_loss(p):
    a, q, n = p["anchor"], p["positive"], p["negative"]
    loss = max(0.0, float(((a - q) ** 2).sum() - ((a - n) ** 2).sum() + 9.0))
    on = 1.0 if loss > 0 else 0.0
    return loss, {"anchor": on * 2 * (n - q), "positive": on * -2 * (a - q), "negative": on * 2 * (a - n)}


@case({"u": normal(D), "v": normal(D, seed=1)}, real=True)
def cosine_similarity(p):
    nu, nv = np.linalg.norm(p["u"]), np.linalg.norm(p["v"])
    cos = p["u"] @ p["v"] / (nu * nv)
    du = p["v"] / (nu * nv) - cos * p["u"] / nu**2
    dv = p["u"] / (nu * nv) - cos * p["v"] / nv**2
    return cos, {"u": du, "v": dv}


@case(normal(N, M))
def focal_loss(a):
    p = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    pt = (p * ONE_HOT).sum(axis=1)
    loss = -((1 - pt) ** 2 * np.log(pt)).sum()
    dpt = 2 * (1 - pt) * np.log(pt) - (1 - pt) ** 2 / pt
    da = dpt[:, None] * pt[:, None] * (ONE_HOT - p)
    return loss, da


@case(rng(9).uniform(0.1, 0.9, (N, M)))
def dice_loss(p):
    top, bottom = 2 * (p * ONE_HOT).sum() + 1, p.sum() + ONE_HOT.sum() + 1
    return 1 - top / bottom, top / bottom**2 - 2 * ONE_HOT / bottom


@case(normal(N, M))
def label_smoothing(a):
    target = 0.9 * ONE_HOT + 0.1 / M
    logp = a - np.log(np.exp(a).sum(axis=1, keepdims=True))
    return -(target * logp).sum() / N, (np.exp(logp) - target) / N


@case(normal(N, M))
def softmax_with_temperature(a):
    T = 2.5
    p = np.exp(a / T) / np.exp(a / T).sum(axis=1, keepdims=True)
    return (p * Y).sum(), p * (Y - (p * Y).sum(axis=1, keepdims=True)) / T


@case(normal(N, 2))
def tsne(y):
    P = np.exp(-((X[:, None] - X) ** 2).sum(axis=2) / 20)
    np.fill_diagonal(P, 0)
    P = P / P.sum()
    d = y[:, None] - y
    num = 1 / (1 + (d**2).sum(axis=2))
    num = num * (1 - np.eye(N))
    Q = num / num.sum()
    kl = (P * np.log((P + 1e-12) / (Q + 1e-12))).sum()
    grad = 4 * ((P - Q) * num)[:, :, None] * d
    return kl, grad.sum(axis=1)


@case({"Wx": normal(D, K), "Wh": 0.5 * normal(K, K, seed=1), "b": normal(K, seed=2), "Wy": normal(K, M, seed=3)})
def rnn_through_time(p):
    xs, h = X[:4], np.zeros(K)
    hs, loss = [h], 0
    for x in xs:
        h = np.tanh(x @ p["Wx"] + h @ p["Wh"] + p["b"])
        hs.append(h)
    y = [h @ p["Wy"] for h in hs[1:]]
    loss = sum(((y_t - t) ** 2).sum() for y_t, t in zip(y, Y)) / 2
    grads = {name: np.zeros(array.shape) * loss for name, array in p.items()}
    dnext = 0
    for t in reversed(range(4)):
        dy = y[t] - Y[t]
        grads["Wy"] = grads["Wy"] + np.outer(hs[t + 1], dy)
        dh = dy @ p["Wy"].T + dnext
        da = (1 - hs[t + 1] ** 2) * dh
        grads["Wx"] = grads["Wx"] + np.outer(xs[t], da)
        grads["Wh"] = grads["Wh"] + np.outer(hs[t], da)
        grads["b"] = grads["b"] + da
        dnext = da @ p["Wh"].T
    return loss, grads


@case({"W": normal(D, 4 * M), "U": normal(M, 4 * M, seed=1), "b": normal(4 * M, seed=2)})
def lstm_step(p):
    h0, c0 = 0.3 * Y, 0.5 * Y
    z = X @ p["W"] + h0 @ p["U"] + p["b"]
    i, f, o, g = sigmoid(z[:, :M]), sigmoid(z[:, M : 2 * M]), sigmoid(z[:, 2 * M : 3 * M]), np.tanh(z[:, 3 * M :])
    c = f * c0 + i * g
    h = o * np.tanh(c)
    loss = (h**2).sum() / 2
    do = h * np.tanh(c)
    dc = h * o * (1 - np.tanh(c) ** 2)
    di, df, dg = dc * g, dc * c0, dc * i
    dz = np.concatenate([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)], axis=1)
    return loss, {"W": X.T @ dz, "U": h0.T @ dz, "b": dz.sum(axis=0)}


@case({"Q": normal(N, M), "K": normal(N, M, seed=1), "V": normal(N, M, seed=2)})
def attention(p):
    scale = 1 / np.sqrt(M)
    S = p["Q"] @ p["K"].T * scale
    A = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    out = A @ p["V"]
    dout = out - Y
    dV = A.T @ dout
    dA = dout @ p["V"].T
    dS = A * (dA - (dA * A).sum(axis=1, keepdims=True))
    dQ = dS @ p["K"] * scale
    dK = dS.T @ p["Q"] * scale
    return ((out - Y) ** 2).sum() / 2, {"Q": dQ, "K": dK, "V": dV}


@case(normal(D))
def rosenbrock(x):
    value = (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
    grad = np.zeros(D) * value
    grad[:-1] += -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    grad[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return value, grad


@case(normal(D))
def kernel_regression(alpha):
    gram = np.exp(-((X[:D, None] - X[:D]) ** 2).sum(axis=2) / 8)
    r = gram @ alpha - BINARY[:D]
    return 0.5 * r @ r + 0.05 * alpha @ gram @ alpha, gram @ r + 0.1 * gram @ alpha


@case(normal(D, K))
def reconstruction_ica(W):
    a = X @ W
    s = np.sqrt(a**2 + 1e-2)
    r = a @ W.T - X
    value = s.sum() / N + 0.5 * (r**2).sum() / N
    dr = r / N
    da = a / s / N + dr @ W
    return value, X.T @ da + dr.T @ a


@case({"W": normal(D, K), "b": normal(K, seed=1), "c": normal(D, seed=2)})
def rbm_free_energy(p):
    a = X01 @ p["W"] + p["b"]
    value = (-X01 @ p["c"] - np.log(1 + np.exp(a)).sum(axis=1)).mean()
    h = sigmoid(a)
    return value, {"W": -X01.T @ h / N, "b": -h.mean(axis=0), "c": -X01.mean(axis=0)}


@case({"W": normal(D, K), "b": normal(K, seed=1)}, real=True)
class Regressor:
    """A model that keeps its parameters and has a method that returns loss and gradients."""

    def __init__(self):
        self.cache = None

    def forward(self, p):
        self.cache = np.asarray(X @ p["W"] + p["b"], dtype=float)
        return np.maximum(0.1 * self.cache, self.cache)

    def loss(self, p):
        out = self.forward(p)
        dout = 2 * (out - NOISE) / N
        da = np.where(self.cache > 0, dout, 0.1 * dout)
        return ((out - NOISE) ** 2).sum() / N, {"dW": X.T @ da, "db": da.sum(axis=0)}
