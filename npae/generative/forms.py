"""One table: generative models, and the regularized autoencoders, as encoder, decoder, L, Omega and inference."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    """One model as an autoencoder: the cells of its row in the table."""

    model: str
    encoder: str
    decoder: str
    L: str
    omega: str
    inference: str


FORMS = (
    Form("PCA", "h = (x - m) V^T", "x^ = m + h V",
         "1/2 ||x^ - x||^2", "none; K < D", "linear, exact"),
    Form("denoising autoencoder", "h = f(x~)", "x^ = g(h)",
         "-log p(x | h)", "none; x~ ~ C(x~ | x)", "one pass"),
    Form("sparse autoencoder", "h = f(x)", "x^ = g(h)",
         "-log p(x | h)", "lam ||h||_1 or KL(rho || mean h)", "one pass"),
    Form("contractive autoencoder", "h = f(x)", "x^ = g(h)",
         "-log p(x | h)", "lam ||df/dx||_F^2", "one pass"),
    Form("probabilistic PCA", "mu = (x - m) W^T P / s2, cov. P", "m + h W",
         "-E_q log N(x; m + h W, s2 I)", "KL(q || N(0, I))", "linear, exact"),
    Form("factor analysis", "mu = (x - m) psi^-1 W^T P, cov. P", "m + h W",
         "-E_q log N(x; m + h W, diag psi)", "KL(q || N(0, I))", "linear, exact"),
    Form("linear VAE", "mu = (x - m) V, cov. diag d", "m + h W",
         "-E_q log N(x; m + h W, s2 I)", "KL(q || N(0, I))", "linear, learnt"),
    Form("variational autoencoder", "h = mu(x) + exp(s(x) / 2) e", "a = g(h)",
         "-E_q log p(x | a)", "KL(q || N(0, I))", "one pass, learnt"),
    Form("sparse coding", "h = argmin of L + Omega", "m + h W, ||W_k|| <= 1",
         "1/2 ||x^ - x||^2", "lam ||h||_1", "iterated (FISTA)"),
    Form("restricted Boltzmann machine", "p(h = 1 | x) = sigmoid(x W + b)", "p(x = 1 | h) = sigmoid(h W^T + c)",
         "-E_q log p(x | h)", "KL(p(h | x) || p(h))", "one pass, exact"),
    Form("mixture of Gaussians", "r_k = p(k | x), a softmax", "row k of the means",
         "-E_r log N(x; m_k, v_k)", "KL(r || w)", "one pass, exact"),
)  # fmt: skip


def form_table(models=None, X=None):
    """Return the table as rows of strings, the head first.

    With fitted `models`, a dict name of form -> model, and data X (N, D): only their rows, and three more columns: L,
    Omega and their sum, means over X in nats per sample, from `parts(X)` of each model. Raises ValueError for an
    unknown name.
    """
    head = ["model", "encoder", "decoder", "L", "Omega", "inference"]
    by_name = {form.model: form for form in FORMS}
    if models is None:
        return [head, *([*vars(form).values()] for form in FORMS)]
    unknown = set(models) - set(by_name)
    if unknown:
        raise ValueError(f"form_table: got {sorted(unknown)}, expected names among {sorted(by_name)}")
    rows = []
    for name, model in models.items():
        L, omega = model.parts(X)
        rows.append([*vars(by_name[name]).values(), f"{L:.3f}", f"{omega:.3f}", f"{L + omega:.3f}"])
    return [[*head, "L, nats", "Omega, nats", "sum"], *rows]
