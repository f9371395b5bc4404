"""Packages that only some tests need. The extra `test-all` installs them; CI fails if a test is skipped."""

import pytest


def import_or_skip(name):
    """Return the module `name`; skip the test, or at the top of a file all its tests, if it is not installed."""
    package = name.partition(".")[0]
    return pytest.importorskip(name, reason=f"needs {package}: pip install -e '.[test-all]'")
