"""Draw the family in one picture: input, corruption, encoder, code, penalty, decoder, reconstruction, loss."""

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon

from npae.plots.style import WIDTH, bare, new_axes

ROW, TOP = 0.62, 1.55  # heights of the chain, and of penalty and loss


def schematic(width=WIDTH, *, ax=None):
    """Draw x -> C -> x~ -> f -> h -> g -> x^, with Omega over h and L between x and x^."""
    figure, axis = new_axes(width, 0.47 * width, ax=ax)
    axis.set(xlim=(-0.05, 7.05), ylim=(-0.35, 2.95), aspect="equal")
    bare(axis)
    for x, tall, name, what in ((0.4, 0.8, "x", "input"), (1.95, 0.8, "x̃", ""), (3.9, 0.4, "h", "code"),
                                (6.55, 0.8, "x̂", "reconstruction")):  # fmt: skip
        _box(axis, x, ROW, 0.42, tall, name)
        axis.text(min(x, 6.2), ROW - tall / 2 - 0.28, what, ha="center", va="center", fontsize=10)
    _box(axis, 1.15, ROW, 0.5, 0.42, "C", dashed=True)
    axis.text(1.35, ROW - 0.68, "corruption", ha="center", va="center", fontsize=10)
    for x, sign, name, what in ((2.9, 1, "f", "encoder"), (4.95, -1, "g", "decoder")):
        left, right = 0.3 + 0.1 * sign, 0.3 - 0.1 * sign  # half the heights of the two sides
        corners = [(x - 0.4, ROW - left), (x - 0.4, ROW + left), (x + 0.4, ROW + right), (x + 0.4, ROW - right)]
        axis.add_patch(Polygon(corners, facecolor="0.93", edgecolor="black"))
        axis.text(x, ROW, name, ha="center", va="center", fontsize=13, style="italic")
        axis.text(x, ROW - 0.68, what, ha="center", va="center", fontsize=10)
    for start, end in ((0.63, 0.88), (1.42, 1.72), (2.18, 2.48), (3.32, 3.67), (4.13, 4.53), (5.37, 6.32)):
        _arrow(axis, (start, ROW), (end, ROW))
    _box(axis, 3.9, TOP, 0.5, 0.42, "Ω", dashed=True)
    axis.text(4.25, TOP, "penalty", ha="left", va="center", fontsize=10)
    _arrow(axis, (3.9, ROW + 0.23), (3.9, TOP - 0.25))
    _box(axis, 3.9, 2.5, 0.5, 0.42, "L")
    axis.text(3.9, 2.85, "loss", ha="center", va="center", fontsize=10)
    for x, end in ((0.4, 3.62), (6.55, 4.18)):
        axis.plot([x, x], [ROW + 0.43, 2.5], color="black", linewidth=1)
        _arrow(axis, (x, 2.5), (end, 2.5))
    return figure


def _box(axis, x, y, wide, tall, name, *, dashed=False):
    axis.add_patch(FancyBboxPatch((x - wide / 2, y - tall / 2), wide, tall, boxstyle="round,pad=0.02",
                                  facecolor="white", edgecolor="black", linestyle="--" if dashed else "-"))  # fmt: skip
    axis.text(x, y, name, ha="center", va="center", fontsize=13, style="italic")


def _arrow(axis, start, end):
    axis.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=10, color="black", shrinkA=0, shrinkB=0)
    )
