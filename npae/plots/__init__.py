"""Figures: of autoencoders here, of linear theory in `linear`, of learnt manifolds in `manifolds`.

Every function returns the matplotlib Figure it drew on, made without pyplot, so that it shows in a notebook, is saved
with `figure.savefig(path)`, and needs no display; none calls show. What fills a single axis takes `ax`, an axis of
yours. Lines differ in style as well as in colour and read well in grey.
"""

from npae.plots.autoencoders import bars, code_scatter, filters, image_rows, learning_curves
from npae.plots.schematic import schematic
from npae.plots.style import STYLES, bare, curves, mosaic, new_axes, new_figure, plain_log

__all__ = [
    "STYLES", "bare", "bars", "code_scatter", "curves", "filters", "image_rows", "learning_curves", "mosaic",
    "new_axes", "new_figure", "plain_log", "schematic",
]  # fmt: skip
