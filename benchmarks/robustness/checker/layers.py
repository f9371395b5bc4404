"""Layers as people write them: names, lists and dicts of gradients, loops and einsum, state, indices for input."""

import numpy as np

CASES = {}  # name -> (class, input, {parameter: gradient} by paths)
N, D, K = 5, 4, 3


def rng(seed=0):
    return np.random.default_rng(seed)


def normal(*shape, seed=0):
    return rng(seed).standard_normal(shape)


def case(x, **places):
    """Register a layer class with an input, and where it keeps its parameters and their gradients."""

    def register(thing):
        CASES[thing.__name__] = (thing, x, places)
        return thing

    return register


@case(normal(N, D, seed=1), W="dW", b="db")
class Affine:
    def __init__(self):
        self.W, self.b = normal(D, K), normal(K, seed=2)

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout):
        dx = np.dot(dout, self.W.T)
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return dx


@case(normal(N, D, seed=1), weights="grad_weights", bias="grad_bias")
class FullyConnected:
    def __init__(self):
        self.weights, self.bias = normal(D, K), normal(1, K, seed=2)
        self.grad_weights, self.grad_bias = np.zeros((D, K)), np.zeros((1, K))

    def forward(self, inputs):
        self.inputs = inputs
        self.outputs = np.tanh(inputs @ self.weights + self.bias)
        return self.outputs

    def backward(self, grad_output):
        delta = grad_output * (1 - self.outputs**2)
        self.grad_weights += self.inputs.T @ delta
        self.grad_bias += delta.sum(axis=0, keepdims=True)
        return delta @ self.weights.T


@case(normal(N, D, seed=1), **{"params.0": "grads.0", "params.1": "grads.1"})
class SigmoidLayer:
    def __init__(self):
        self.params = [normal(D, K), normal(K, seed=2)]
        self.grads = [np.zeros((D, K)), np.zeros(K)]

    def forward(self, x):
        W, b = self.params
        self.x, self.y = x, 1 / (1 + np.exp(-(x @ W + b)))
        return self.y

    def backward(self, dout):
        W, _ = self.params
        dz = dout * self.y * (1 - self.y)
        self.grads[0][...] = self.x.T @ dz
        self.grads[1][...] = dz.sum(axis=0)
        return dz @ W.T


@case(normal(N, D, seed=1), **{"parameters.W": "gradients.dW", "parameters.b": "gradients.db"})
class DenseOfDicts:
    def __init__(self):
        self.parameters, self.gradients = {"W": normal(D, K), "b": normal(K, seed=2)}, {}

    def forward(self, x):
        self.x, self.z = x, x @ self.parameters["W"] + self.parameters["b"]
        return np.where(self.z > 0, self.z, 0)

    def backward(self, dh):
        dz = dh * (self.z > 0)
        self.gradients["dW"] = self.x.T @ dz
        self.gradients["db"] = dz.sum(axis=0)
        return dz @ self.parameters["W"].T


class Parameter:
    def __init__(self, data):
        self.data, self.grad = data, np.zeros_like(data)


@case(normal(N, D, seed=1), **{"weight.data": "weight.grad", "bias.data": "bias.grad"})
class Linear:
    def __init__(self):
        self.weight, self.bias = Parameter(normal(K, D)), Parameter(normal(K, seed=2))

    def forward(self, x):
        self.x = x
        return x @ self.weight.data.T + self.bias.data

    def backward(self, grad):
        self.weight.grad += grad.T @ self.x
        self.bias.grad += grad.sum(axis=0)
        return grad @ self.weight.data


@case(normal(N, D, seed=1), W="dW", U="dU", b="db")
class Highway:
    def __init__(self):
        self.W, self.U, self.b = normal(D, D), normal(D, D, seed=2), normal(D, seed=3)

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W)
        self.t = 1 / (1 + np.exp(-(x @ self.U + self.b)))
        return self.t * self.h + (1 - self.t) * x

    def backward(self, dy):
        dh = dy * self.t * (1 - self.h**2)
        dt = dy * (self.h - self.x) * self.t * (1 - self.t)
        self.dW = self.x.T @ dh
        self.dU = self.x.T @ dt
        self.db = dt.sum(axis=0)
        return dh @ self.W.T + dt @ self.U.T + dy * (1 - self.t)


@case(normal(N, D, seed=1), W="dW", V="dV")
class Residual:
    def __init__(self):
        self.W, self.V = normal(D, K), normal(K, D, seed=2)

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W)
        return x + self.h @ self.V

    def backward(self, dy):
        self.dV = self.h.T @ dy
        dz = (dy @ self.V.T) * (1 - self.h * self.h)
        self.dW = self.x.T @ dz
        return dy + dz @ self.W.T


@case(normal(N, D, seed=1))
class LeakyReLU:
    def forward(self, x):
        self.mask = x < 0
        return np.where(self.mask, 0.1 * x, x)

    def backward(self, dout):
        dx = dout.copy()
        dx[self.mask] *= 0.1
        return dx


@case(normal(N, D, seed=1))
class ELU:
    def forward(self, x):
        self.x, self.y = x, np.where(x > 0, x, 1.3 * (np.exp(np.minimum(x, 0)) - 1))
        return self.y

    def backward(self, dout):
        return dout * np.where(self.x > 0, 1, self.y + 1.3)


@case(normal(N, D, seed=1))
class Swish:
    def forward(self, x):
        self.x, self.s = x, 1 / (1 + np.exp(-x))
        return x * self.s

    def backward(self, dout):
        return dout * (self.s + self.x * self.s * (1 - self.s))


@case(normal(N, D, seed=1))
class GELU:
    def forward(self, x):
        self.x = x
        self.t = np.tanh(0.7978845608 * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + self.t)

    def backward(self, dout):
        dt = (1 - self.t**2) * 0.7978845608 * (1 + 3 * 0.044715 * self.x**2)
        return dout * (0.5 * (1 + self.t) + 0.5 * self.x * dt)


@case(normal(N, D, seed=1))
class Softplus:
    def forward(self, x):
        self.x = x
        return np.log(1 + np.exp(x))

    def backward(self, dout):
        return dout / (1 + np.exp(-self.x))


@case(normal(N, D, seed=1))
class HardTanh:
    def forward(self, x):
        self.x = x
        return np.clip(x, -1, 1)

    def backward(self, dout):
        inside = (self.x > -1) & (self.x < 1)
        return dout * inside


@case(normal(N, D, seed=1), alpha="dalpha")
class PReLU:
    def __init__(self):
        self.alpha = 0.25 + 0.1 * normal(D)

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.alpha * x)

    def backward(self, dout):
        negative = self.x <= 0
        self.dalpha = (dout * self.x * negative).sum(axis=0)
        return np.where(negative, self.alpha * dout, dout)


@case(normal(N, D, seed=1))
class Softmax:
    def forward(self, x):
        e = np.exp(x - np.max(x.real, axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def backward(self, dout):
        dx = self.p * dout
        dx = dx - self.p * dx.sum(axis=1, keepdims=True)
        return dx


@case(normal(N, D, seed=1))
class LogSoftmax:
    def forward(self, x):
        self.y = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
        return self.y

    def backward(self, dout):
        return dout - np.exp(self.y) * dout.sum(axis=1, keepdims=True)


@case(normal(N, D, seed=1), gamma="dgamma", beta="dbeta")
class BatchNormStepByStep:
    def __init__(self):
        self.gamma, self.beta, self.running_mean = normal(D, seed=2), normal(D, seed=3), np.zeros(D)

    def forward(self, x):
        mu = x.mean(axis=0)
        self.running_mean = 0.9 * self.running_mean + 0.1 * mu
        self.xc = x - mu
        self.std = np.sqrt((self.xc * self.xc).mean(axis=0) + 1e-5)
        self.xn = self.xc / self.std
        return self.gamma * self.xn + self.beta

    def backward(self, dout):
        n = len(dout)
        self.dbeta = dout.sum(axis=0)
        self.dgamma = np.sum(self.xn * dout, axis=0)
        dxn = self.gamma * dout
        dxc = dxn / self.std
        dstd = -np.sum(dxn * self.xc / (self.std * self.std), axis=0)
        dvar = 0.5 * dstd / self.std
        dxc = dxc + 2.0 / n * self.xc * dvar
        dmu = np.sum(dxc, axis=0)
        return dxc - dmu / n


@case(normal(N, D, seed=1), gamma="dgamma", beta="dbeta")
class BatchNormAtOnce:
    def __init__(self):
        self.gamma, self.beta = normal(D, seed=2), normal(D, seed=3)

    def forward(self, x):
        self.var = np.var(x, axis=0)
        self.xhat = (x - x.mean(axis=0)) / np.sqrt(self.var + 1e-5)
        return self.gamma * self.xhat + self.beta

    def backward(self, dout):
        n = dout.shape[0]
        self.dgamma = (dout * self.xhat).sum(axis=0)
        self.dbeta = dout.sum(axis=0)
        dx = n * dout - self.dbeta - self.xhat * self.dgamma
        return dx * self.gamma / (n * np.sqrt(self.var + 1e-5))


@case(normal(N, D, seed=1), g="dg", b="db")
class LayerNorm:
    def __init__(self):
        self.g, self.b = normal(D, seed=2), normal(D, seed=3)

    def forward(self, x):
        centered = x - x.mean(axis=1, keepdims=True)
        self.rstd = 1 / np.sqrt((centered**2).mean(axis=1, keepdims=True) + 1e-6)
        self.norm = centered * self.rstd
        return self.norm * self.g + self.b

    def backward(self, dout):
        self.dg = (dout * self.norm).sum(axis=0)
        self.db = dout.sum(axis=0)
        dn = dout * self.g
        dn = dn - dn.mean(axis=1, keepdims=True) - self.norm * (dn * self.norm).mean(axis=1, keepdims=True)
        return dn * self.rstd


@case(normal(N, D, seed=1), scale="dscale")
class RMSNorm:
    def __init__(self):
        self.scale = normal(D, seed=2)

    def forward(self, x):
        self.x, self.r = x, np.sqrt((x * x).mean(axis=1, keepdims=True))
        return self.scale * x / self.r

    def backward(self, dy):
        self.dscale = (dy * self.x / self.r).sum(axis=0)
        d = dy * self.scale
        return d / self.r - self.x * (d * self.x).sum(axis=1, keepdims=True) / (D * self.r**3)


@case(normal(N, D, seed=1))
class Normalize:
    def forward(self, x):
        self.length = np.linalg.norm(x, axis=1, keepdims=True)
        self.u = x / self.length
        return self.u

    def backward(self, du):
        along = (du * self.u).sum(axis=1, keepdims=True)
        return (du - self.u * along) / self.length


@case(normal(2, 2, 5, 5, seed=1), W="dW", b="db")
class ConvolutionByLoops:
    def __init__(self):
        self.W, self.b = normal(3, 2, 3, 3), normal(3, seed=2)

    def forward(self, x):
        n, _, h, w = x.shape
        self.x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        out = np.zeros((n, 3, h, w), dtype=x.dtype) + self.b[:, None, None]
        for i in range(h):
            for j in range(w):
                patch = self.x[:, :, i : i + 3, j : j + 3]
                out[:, :, i, j] = out[:, :, i, j] + np.einsum("ncij,kcij->nk", patch, self.W)
        return out

    def backward(self, dout):
        self.dW, self.db = np.zeros_like(self.W), dout.sum(axis=(0, 2, 3))
        dx = np.zeros_like(self.x)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                patch = self.x[:, :, i : i + 3, j : j + 3]
                self.dW += np.einsum("nk,ncij->kcij", dout[:, :, i, j], patch)
                dx[:, :, i : i + 3, j : j + 3] += np.einsum("nk,kcij->ncij", dout[:, :, i, j], self.W)
        return dx[:, :, 1:-1, 1:-1]


@case(normal(2, 2, 5, 5, seed=1), filters="d_filters", biases="d_biases")
class ConvolutionByColumns:
    def __init__(self):
        self.filters, self.biases = normal(3, 2, 2, 2), normal(3, seed=2)

    def forward(self, x):
        self.shape = x.shape
        windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(2, 3))
        self.columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(2 * 16, 8)
        out = self.columns @ self.filters.reshape(3, 8).T + self.biases
        return out.reshape(2, 4, 4, 3).transpose(0, 3, 1, 2)

    def backward(self, dout):
        flat = dout.transpose(0, 2, 3, 1).reshape(2 * 16, 3)
        self.d_biases = flat.sum(axis=0)
        self.d_filters = (flat.T @ self.columns).reshape(3, 2, 2, 2)
        columns = (flat @ self.filters.reshape(3, 8)).reshape(2, 4, 4, 2, 2, 2)
        dx = np.zeros(self.shape)
        for i in range(2):
            for j in range(2):
                dx[:, :, i : i + 4, j : j + 4] += columns[..., i, j].transpose(0, 3, 1, 2)
        return dx


@case(normal(2, 3, 4, 4, seed=1))
class MaxPool:
    def forward(self, x):
        blocks = x.reshape(2, 3, 2, 2, 2, 2)
        out = blocks.max(axis=(3, 5))
        self.mask = blocks == out[:, :, :, None, :, None]
        return out

    def backward(self, dout):
        return (self.mask * dout[:, :, :, None, :, None]).reshape(2, 3, 4, 4)


@case(normal(2, 3, 4, 4, seed=1))
class AveragePool:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(2, 3, 2, 2, 2, 2).mean(axis=(3, 5))

    def backward(self, dout):
        return np.repeat(np.repeat(dout, 2, axis=2), 2, axis=3) / 4


@case(np.array([1, 4, 1, 2, 4]), W="dW")
class Embedding:
    def __init__(self):
        self.W = normal(6, K)

    def forward(self, index):
        self.index = index
        return self.W[index]

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        np.add.at(self.dW, self.index, dout)


@case(normal(N, 3, D, seed=1), Wx="dWx", Wh="dWh", b="db")
class Recurrent:
    def __init__(self):
        self.Wx, self.Wh, self.b = normal(D, K), 0.5 * normal(K, K, seed=2), normal(K, seed=3)

    def forward(self, xs):
        h = np.zeros((len(xs), K))
        self.xs, self.hs = xs, [h]
        for t in range(xs.shape[1]):
            h = np.tanh(xs[:, t] @ self.Wx + h @ self.Wh + self.b)
            self.hs.append(h)
        return np.stack(self.hs[1:], axis=1)

    def backward(self, dhs):
        self.dWx, self.dWh, self.db = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b)
        dxs, dnext = np.zeros(self.xs.shape), 0
        for t in reversed(range(dhs.shape[1])):
            da = (dhs[:, t] + dnext) * (1 - self.hs[t + 1] ** 2)
            self.dWx += self.xs[:, t].T @ da
            self.dWh += self.hs[t].T @ da
            self.db += da.sum(axis=0)
            dxs[:, t] = da @ self.Wx.T
            dnext = da @ self.Wh.T
        return dxs


@case(normal(N, D, seed=1), W="W_grad", b="b_grad")
class ReturnsGradients:
    def __init__(self):
        self.W, self.b = normal(D, K), normal(K, seed=2)

    def forward(self, x):
        self.x = x
        return np.arctan(x @ self.W + self.b)

    def backward(self, dout):
        dz = dout / (1 + (self.x @ self.W + self.b) ** 2)
        return dz @ self.W.T, {"W": self.x.T @ dz, "b": dz.sum(axis=0)}


@case(normal(N, D, seed=1), **{"layers.0.W": "layers.0.dW", "layers.2.W": "layers.2.dW"})
class Sequential:
    def __init__(self):
        self.layers = [Weights(normal(D, K)), LeakyReLU(), Weights(normal(K, D, seed=2))]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dout):
        for layer in self.layers[::-1]:
            dout = layer.backward(dout)
        return dout


class Weights:
    def __init__(self, W):
        self.W = W

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T


@case(normal(N, D, seed=1), W="dW")
class Bilinear:
    def __init__(self):
        self.W = normal(K, D, D)

    def forward(self, x):
        self.x = x
        return np.einsum("ni,kij,nj->nk", x, self.W, x)

    def backward(self, dout):
        self.dW = np.einsum("nk,ni,nj->kij", dout, self.x, self.x)
        right = np.einsum("nk,kij,nj->ni", dout, self.W, self.x)
        left = np.einsum("nk,kij,ni->nj", dout, self.W, self.x)
        return right + left


@case(normal(N, 2 * D, seed=1))
class GatedLinear:
    def forward(self, x):
        self.a, self.s = x[:, :D], 1 / (1 + np.exp(-x[:, D:]))
        return self.a * self.s

    def backward(self, dout):
        da = dout * self.s
        dg = dout * self.a * self.s * (1 - self.s)
        return np.concatenate([da, dg], axis=1)


@case(normal(N, D, seed=1), v="dv", g="dg")
class WeightNorm:
    def __init__(self):
        self.v, self.g = normal(D, K), normal(K, seed=2)

    def forward(self, x):
        self.x, self.length = x, ((self.v**2).sum(axis=0)) ** 0.5
        self.u = self.v / self.length
        return x @ (self.g * self.u)

    def backward(self, dout):
        dw = self.x.T @ dout
        self.dg = (dw * self.u).sum(axis=0)
        self.dv = self.g / self.length * (dw - self.u * self.dg)
        return dout @ (self.g * self.u).T
