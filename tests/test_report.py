"""The main job: one command trains the family, prints the table and writes the page."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from npae import cli
from npae.experiments.family import Run
from npae.report import page, section_modules, write_report


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The output of `npae demo --quick` and the page that it wrote."""
    path = tmp_path_factory.mktemp("demo") / "page.html"
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert cli.main(["demo", "--quick", "--out", str(path)]) == 0
    return out.getvalue(), path.read_text()


@pytest.fixture(scope="module")
def trained():
    """The family as the full run trains it, on the digits."""
    return Run(log=lambda line: None).train_family()


def rows(output):
    return dict(re.findall(r"^(\S+(?: \(\w+\))?) +(\d+ +\d.*\d)$", output, flags=re.MULTILINE))


def test_the_table_has_a_row_for_every_member(demo):
    names = ["PCA", "undercomplete", "denoising", "contractive", "overcomplete", "sparse (KL)", "sparse (L1)"]
    table = rows(demo[0])
    assert [name for name in table if name != "identity"] == names
    assert all(len(table[name].split()) == 9 for name in names)


def test_the_same_seed_gives_the_same_numbers(demo, tmp_path):
    again = Run(quick=True, log=lambda line: None).train_family()

    def without_seconds(text):
        return {name: numbers.split()[:-1] for name, numbers in rows(text).items()}

    assert without_seconds(again.table()) == without_seconds(demo[0])
    other = Run(quick=True, seed=1, log=lambda line: None).train_family()
    assert without_seconds(other.table()) != without_seconds(demo[0])


def test_each_regularizer_does_what_the_note_says(trained):
    held_out = trained.held_out
    assert held_out("denoising", "corrupted-input error") < 0.8 * held_out("PCA", "corrupted-input error")
    assert held_out("denoising", "corrupted-input error") < 0.4 * trained.identity_error
    assert held_out("contractive", "mean ||J||_F") < 0.5 * held_out("undercomplete", "mean ||J||_F")
    for sparse in ("sparse (KL)", "sparse (L1)"):
        assert held_out(sparse, "active units") < 0.35 * held_out("overcomplete", "active units")
        assert held_out(sparse) < held_out("PCA")
    assert held_out("overcomplete") < held_out("undercomplete") < held_out("PCA")


def test_the_table_reports_the_errors_that_the_definition_gives(trained):
    model = trained.models["denoising"].model
    by_hand = np.mean([0.5 * np.sum((r - x) ** 2) for r, x in zip(model.reconstruct(trained.noisy), trained.test)])
    assert trained.held_out("denoising", "corrupted-input error") == pytest.approx(by_hand, rel=1e-5)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.images, self.titles, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "img", "link"):
            self.open.append(tag)
        if tag == "img":
            self.images.append(dict(attributes))
        assert tag not in ("link", "iframe") and "src" not in (dict(attributes) if tag == "script" else ())

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.titles.append(data)


def test_the_page_stands_alone_and_is_well_formed(demo):
    text = demo[1]
    parsed = Page(text)
    assert parsed.open == []
    assert len(parsed.images) >= 12
    assert all(image["src"].startswith("data:image/") and image["alt"] for image in parsed.images)
    assert not re.search(r"""src=["'](?:https?:)?//""", text)
    assert "missing here" not in text and "SciPy" not in text
    assert "nan" not in re.sub(r'src="[^"]*"', "", text).lower().replace("finance", "")


def test_every_section_file_is_a_section_in_order(demo):
    titles = Page(demo[1]).titles
    modules = section_modules()
    assert len(titles) == len(modules) >= 8
    orders = [module.ORDER for module in modules]
    assert orders == sorted(orders) and len(set(orders)) == len(orders)


def test_a_new_section_is_a_new_file(tmp_path, monkeypatch, trained):
    from npae.report import sections

    (tmp_path / "zz_mine.py").write_text(
        "from npae.report.page import text\nORDER = 1000\n\ndef build(run):\n    return 'Mine', [text('hello')]\n"
    )
    monkeypatch.setattr(sections, "__path__", [str(tmp_path)])
    out = write_report(trained, tmp_path / "page.html", log=lambda line: None)
    assert Page(out.read_text()).titles == ["1. Mine"]


def test_equations_and_figures_are_the_same_bytes_every_time():
    assert page.equation(r"\frac{1}{2}") == page.equation(r"\frac{1}{2}")
    assert "data:image/svg+xml;base64," in page.equation("x")
