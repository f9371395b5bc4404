"""The source distribution: it has all that its tests need, and they run in it."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from optional_packages import import_or_skip

pytestmark = pytest.mark.course
ROOT = Path(__file__).parents[1]
KINDS = {".py", ".ipynb", ".md", ".png", ".npz", ".cfg", ".toml", ".html", ".css", ".txt", ".tex"}
MADE = {"__pycache__", "_build", "_generated", "jupyter_execute", ".ipynb_checkpoints"}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The folder of the distribution, built from this tree and unpacked elsewhere."""
    import_or_skip("setuptools")
    folder = tmp_path_factory.mktemp("sdist")
    code = "import sys, setuptools.build_meta as backend; backend.build_sdist(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, folder], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        assert all(name.split("/")[0] == names[0].split("/")[0] and ".." not in name for name in names)
        tar.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return folder / names[0].split("/")[0]


def test_every_source_file_of_the_tree_is_in_it(unpacked):
    missing = []
    for folder in ("npae", "tests", "notebooks", "benchmarks", "docs"):
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT)
            if path.suffix in KINDS and not MADE & set(inside.parts) and not (unpacked / inside).exists():
                missing.append(str(inside))
    assert missing == []
    assert not [path for path in unpacked.rglob("*") if MADE & set(path.relative_to(unpacked).parts)]
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "setup.cfg", "pyproject.toml", "ruff.toml"):
        assert (unpacked / name).exists()


def test_its_tests_are_found_and_some_run_in_it(unpacked):
    environment = os.environ | {"PYTHONPATH": str(unpacked), "PYTHONDONTWRITEBYTECODE": "1"}
    where = subprocess.run([sys.executable, "-c", "import npae; print(npae.__file__)"], cwd=unpacked, env=environment,
                           capture_output=True, text=True, check=True).stdout  # fmt: skip
    assert where.startswith(str(unpacked))
    for arguments in (["--collect-only", "-q"], ["tests/test_classroom.py", "tests/test_losses.py"]):
        command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *arguments]
        done = subprocess.run(command, cwd=unpacked, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
