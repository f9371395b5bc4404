"""Shared fixtures, and one thread for BLAS: two that share a busy core take fifty times as long as one."""

import os
import signal
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read once, when NumPy is first imported

import numpy as np
import pytest

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # in the background of a shell
    signal.signal(signal.SIGINT, signal.default_int_handler)  # children inherit an ignored Ctrl-C, which tests send

sys.path.append(str(Path(__file__).parents[1]))  # the tools in benchmarks/, which are not installed


def pytest_addoption(parser):
    parser.addoption("--no-skips", action="store_true", help="fail if a test is skipped, for example in CI")


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.option.no_skips and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def rng():
    """A random number generator, the same for every test."""
    return np.random.default_rng(0)
