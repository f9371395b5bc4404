"""The exact contraction scale * sum_n ||df(x_n)/dx||_F^2 of a stack of elementwise layers, with its gradient.

Per sample df/dx = (W_1 S_1 W_2 S_2 ... W_L S_L)^T with S_l = diag(phi'(a_l)). Only the first factor is D wide, so with
G = W_1^T W_1 and A = S_1 W_2 S_2 ... W_L S_L the norm is <A, G A>, and no (N, D, K) array is needed. Backward:

    dA = 2 scale G A,   dW_1 += 2 scale W_1 sum_n A A^T,   then back through A_l = (A_{l-1} W_l) S_l:
    dZ = dA_l S_l,  dW_l += sum_n A_{l-1}^T dZ,  dA_{l-1} = dZ W_l^T,
    ds_l = diag(Z_l^T dA_l),  da_l += ds_l phi''(a_l).

Where D < K_1 the chain starts at A_1 = W_1 S_1 itself and G is the identity. Samples are taken in blocks, so that
memory does not grow with N.
"""

import numpy as np

from npae.kernels import column_squares, fresh

CHAIN_BLOCK = 2**19  # entries of A at a time: 2 MB in float32, about a core's cache


def contraction(layers, scale, empty=fresh):
    """The value; leaves da, and W_scale or dW, in the `pending` of each layer.

    The layers have done their forward pass on x (N, D). Costs about 4 N K_1^2 K_L multiplications (two layers), or
    one pass over W for a single layer.
    """
    if len(layers) == 1:
        return _one_layer(layers[0], scale, empty)
    return _deep(layers, scale, empty)


def _one_layer(layer, scale, empty):
    """scale sum_n sum_j s_nj^2 ||W_:j||^2 with s = phi'(a)."""
    h, phi = layer.h, layer.activation
    s = phi.dphi(h, out=empty("s", h.shape, h.dtype))
    w2 = column_squares(layer.W, empty)  # (K,)
    da = phi.ddphi(h, out=empty("da", h.shape, h.dtype))
    da *= s
    da *= 2 * scale * w2
    s2 = np.square(s, out=s).sum(axis=0)  # (K,)
    layer.pending.add("da", da)
    layer.pending.add("W_scale", 2 * scale * s2)
    return scale * np.dot(s2, w2)


def _deep(layers, scale, empty):
    first, dtype = layers[0], layers[0].h.dtype
    N, (D, K1) = len(first.h), first.W.shape
    gram = K1 <= D
    chain = layers[1:] if gram else layers
    rows = K1 if gram else D
    G = first.W.T @ first.W if gram else np.empty(0)
    S = [layer.activation.dphi(layer.h) for layer in layers]  # (N, K_l)
    dS = [np.zeros_like(s) for s in S]
    dW = [np.zeros(layer.W.shape, dtype) for layer in chain]
    dG = np.zeros((K1, K1), dtype)
    value = 0.0
    width = max(layer.n_out for layer in chain)
    block = max(1, CHAIN_BLOCK // (rows * width))
    for start in range(0, N, block):
        n = slice(start, start + block)
        s = [each[n] for each in S]
        left = s[0]  # S_1, used by the Gram form only
        s_chain, ds_chain = (s[1:], [each[n] for each in dS[1:]]) if gram else (s, [each[n] for each in dS])

        # A_1 = S_1 W_2 S_2 (or W_1 S_1), A_l = Z_l S_l with Z_l = A_{l-1} W_l
        A = [chain[0].W * s_chain[0][:, None, :]]
        if gram:
            A[0] *= left[:, :, None]
        Z = [A[0]]  # a place holder: Z_1 is W itself
        for layer, s_l in zip(chain[1:], s_chain[1:]):
            Z.append(A[-1] @ layer.W)
            A.append(Z[-1] * s_l[:, None, :])

        GA = np.matmul(G, A[-1]) if gram else A[-1]
        value = value + scale * np.dot(A[-1].ravel(), GA.ravel())
        if gram:
            tall = np.moveaxis(A[-1], 1, 0).reshape(K1, -1)  # (K_1, n K_L)
            dG += tall @ tall.T
        dA = (2 * scale) * GA

        for i in range(len(chain) - 1, 0, -1):
            ds_chain[i] += (Z[i] * dA).sum(axis=1)
            dA *= s_chain[i][:, None, :]
            K = chain[i].n_in
            dW[i] += A[i - 1].reshape(-1, K).T @ dA.reshape(-1, chain[i].n_out)
            dA = dA @ chain[i].W.T

        # back through A_1 = diag(left) W diag(s)
        dAW = dA * chain[0].W
        dA *= s_chain[0][:, None, :]
        if gram:
            ds_chain[0] += np.matmul(left[:, None, :], dAW)[:, 0]
            dS[0][n] += np.matmul(dAW, s_chain[0][:, :, None])[:, :, 0]
            dA *= left[:, :, None]
        else:
            ds_chain[0] += dAW.sum(axis=1)
        dW[0] += dA.sum(axis=0)

    for layer, ds in zip(layers, dS):
        layer.pending.add("da", ds * layer.activation.ddphi(layer.h))
    for layer, each in zip(chain, dW):
        layer.pending.dW["contraction"] = each
    if gram:
        first.pending.dW["contraction"] = (2 * scale) * (first.W @ dG)
    return value
