"""What the scripts of the CI say of versions is what setup.cfg and the workflow say."""

import configparser
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def setup():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config


def test_the_oldest_versions_are_those_that_setup_cfg_admits():
    """The line of .ci/test that reads them, for each of the three packages."""
    admitted = setup()["options"]["install_requires"].split() + setup()["options.extras_require"]["test"].split()
    for package in ("numpy", "matplotlib", "scikit-learn"):
        line = f"s/^ *{package}>=\\([0-9.]*\\)$/\\1/p"
        found = subprocess.run(["sed", "-n", line, "setup.cfg"], cwd=ROOT, capture_output=True, text=True, check=True)
        assert f"{package}>={found.stdout.split()[0]}" in admitted


def test_the_workflow_and_the_scripts_name_every_python_of_the_classifiers():
    pythons = set(re.findall(r"Python :: (3\.\d+)", setup()["metadata"]["classifiers"]))
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    assert set(re.findall(r'python(?:-version)?: "(3\.\d+)"', workflow)) == pythons
    found = subprocess.run(["sed", "-n", r"s/.*Python :: \(3\.[0-9]*\)$/\1/p", "setup.cfg"], cwd=ROOT,
                           capture_output=True, text=True, check=True)  # fmt: skip
    assert (
        set(found.stdout.split()) == pythons and r"s/.*Python :: \(3\.[0-9]*\)$/\1/p" in (ROOT / ".ci/run").read_text()
    )


def test_ci_runs_the_two_commands_of_the_readme():
    program = re.search(r"awk -v n=\$n '(.*)'", (ROOT / ".ci" / "readme").read_text(encoding="utf-8"))[1]
    found = [
        subprocess.run(
            ["awk", "-v", f"n={n}", program, "README.md"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for n in (1, 2)
    ]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert found == re.findall(r"^```sh\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)[:2]
    assert "npae demo" in found[0] and "pytest" in found[1]
