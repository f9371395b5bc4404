"""Configure the site: python -m sphinx -W docs docs/_build/html, with the extra `docs` and without a network.

The build runs lessons and solutions and caches their outputs in docs/_build. `_generated/` holds the copied notebooks,
the pages of the API and the gallery.
"""

import logging
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "_ext"))

import pages  # noqa: E402

import npae  # noqa: E402

pages.generate(ROOT, HERE / "_generated")

# waiting BLAS threads slow down small products; the kernels of the lessons inherit these variables
for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# kernels log errors only, whatever the user's IPython settings are
profile = HERE / "_build" / "ipython" / "profile_default"
profile.mkdir(parents=True, exist_ok=True)
(profile / "ipython_kernel_config.py").write_text('get_config().IPKernelApp.log_level = "ERROR"\n', encoding="utf-8")
os.environ["IPYTHONDIR"] = str(profile.parent)
logging.getLogger("traitlets").setLevel(logging.WARNING)

project = "npae"
author = "The npae authors"
copyright = "the npae authors, MIT licence"
release = version = npae.__version__
extensions = ["myst_nb", "mathml", "plain_docstrings"]
exclude_patterns = ["_build", "_ext", "**/.ipynb_checkpoints"]
nitpicky = True

html_theme = "furo"
html_title = f"npae {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False

autodoc_typehints = "none"
autodoc_member_order = "bysource"
add_module_names = False

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / ".jupyter_cache")
nb_execution_timeout = 600
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_merge_streams = True
