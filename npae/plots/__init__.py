"""Draw figures: of autoencoders here, of linear theory in `linear`, of learnt manifolds in `manifolds`.

Every function returns a matplotlib Figure, made without pyplot. A notebook shows it, `figure.savefig(path)` saves it,
and no function needs a display or calls show. A figure of a single axis can be drawn on your axis `ax`. Lines differ in
style as well as in colour, so that they are clear in grey.
"""

from npae.plots.autoencoders import bars, code_scatter, filters, image_rows, learning_curves
from npae.plots.schematic import schematic
from npae.plots.style import STYLES, bare, curves, log_scale, mosaic, new_axes, new_figure, plain_log

__all__ = [
    "STYLES", "bare", "bars", "code_scatter", "curves", "filters", "image_rows", "learning_curves", "log_scale",
    "mosaic", "new_axes", "new_figure", "plain_log", "schematic",
]  # fmt: skip
