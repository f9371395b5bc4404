"""The main job: one command trains the family, prints the table and writes the page."""

import base64
import contextlib
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from npae import cli, report
from npae.experiments.family import SETTINGS, FamilyRun
from npae.plots import style
from npae.report import page, section_modules, write_report


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The output of `npae demo --quick` in one process, the page that it wrote, and the figures that it drew."""
    path = tmp_path_factory.mktemp("demo") / "page.html"
    drawings, draw = [], page.png
    with contextlib.redirect_stdout(io.StringIO()) as out, pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "png", lambda drawing: (drawings.append(drawing), draw(drawing))[1])
        assert cli.main(["demo", "--quick", "--jobs", "1", "--out", str(path)]) == 0
    return out.getvalue(), path.read_text(), drawings


@pytest.fixture(scope="module")
def trained():
    """The family as the full run trains it, on the digits."""
    return FamilyRun(log=lambda line: None).train_family()


def rows(output):
    return dict(re.findall(r"^(\S+(?: \(\w+\))?) +(\d+ +\d.*\d)$", output, flags=re.MULTILINE))


@pytest.mark.slow
def test_the_table_has_a_row_for_every_member(demo):
    names = ["PCA", "undercomplete", "denoising", "contractive", "overcomplete", "sparse (KL)", "sparse (L1)"]
    table = rows(demo[0])
    assert [name for name in table if name != "identity"] == names
    assert all(len(table[name].split()) == 9 for name in names)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers(demo):
    again = FamilyRun(quick=True, log=lambda line: None).train_family()

    def without_seconds(text):
        return {name: numbers.split()[:-1] for name, numbers in rows(text).items()}

    assert without_seconds(again.table()) == without_seconds(demo[0])
    other = FamilyRun(quick=True, seed=1, log=lambda line: None).train_family()
    assert without_seconds(other.table()) != without_seconds(demo[0])


@pytest.mark.slow
def test_each_regularizer_does_what_the_note_says(trained):
    held_out = trained.held_out
    assert held_out("denoising", "corrupted-input error") < 0.8 * held_out("PCA", "corrupted-input error")
    assert held_out("denoising", "corrupted-input error") < 0.4 * trained.identity_error
    assert held_out("contractive", "mean ||J||_F") < 0.5 * held_out("undercomplete", "mean ||J||_F")
    for sparse in ("sparse (KL)", "sparse (L1)"):
        assert held_out(sparse, "active units") < 0.35 * held_out("overcomplete", "active units")
        assert held_out(sparse) < held_out("PCA")
    assert held_out("overcomplete") < held_out("undercomplete") < held_out("PCA")


@pytest.mark.slow
def test_the_table_reports_the_errors_that_the_definition_gives(trained):
    model = trained.models["denoising"].model
    by_hand = np.mean([0.5 * np.sum((r - x) ** 2) for r, x in zip(model.reconstruct(trained.noisy), trained.test)])
    assert trained.held_out("denoising", "corrupted-input error") == pytest.approx(by_hand, rel=1e-5)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.images, self.titles, self.open, self.captions, self.heads = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "img", "link", "input"):
            self.open.append(tag)
        if tag == "img":
            self.images.append(dict(attributes))
        if tag == "figcaption":
            self.captions.append("")
        if tag == "th":
            self.heads.append(dict(attributes).get("scope"))
        assert tag not in ("link", "iframe") and "src" not in (dict(attributes) if tag == "script" else ())

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.titles.append(data)
        if "figcaption" in self.open:
            self.captions[-1] += data


@pytest.mark.slow
def test_the_page_stands_alone_and_is_well_formed(demo):
    text = demo[1]
    parsed = Page(text)
    assert parsed.open == []
    assert len(parsed.images) >= 12
    assert all(image["src"].startswith("data:image/") and image["alt"] for image in parsed.images)
    assert not re.search(r"""src=["'](?:https?:)?//""", text)
    assert "missing here" not in text and "SciPy" not in text
    assert "nan" not in re.sub(r'src="[^"]*"|"text": "[^"]*"', "", text).lower().replace("finance", "")


@pytest.mark.slow
def test_every_section_file_is_a_section_in_order(demo):
    titles = Page(demo[1]).titles
    modules = section_modules()
    assert len(titles) == len(modules) >= 8
    orders = [module.ORDER for module in modules]
    assert orders == sorted(orders) and len(set(orders)) == len(orders)


@pytest.mark.slow
def test_a_quick_run_draws_no_conclusion_from_codes_that_are_hardly_trained(demo):
    assert "the full run shows the effect of more units" in demo[1] and "a matter of units" not in demo[1]
    assert "number of units alone" not in demo[1]


@pytest.mark.slow
def test_a_new_section_is_a_new_file(tmp_path, monkeypatch, trained):
    from npae.report import sections

    (tmp_path / "zz_mine.py").write_text(
        "from npae.report.page import text\nORDER = 1000\n\ndef build(run):\n    return 'Mine', [text('hello')]\n"
    )
    monkeypatch.setattr(sections, "__path__", [str(tmp_path)])
    out = write_report(trained, tmp_path / "page.html", log=lambda line: None)
    assert Page(out.read_text()).titles == ["1. Mine"]


def taken_apart(text):
    """Return the page's text without its numbers, the numbers, and the pixels of its pictures."""
    pictures = re.findall(r'data:image/png;base64,([^"]+)', text)
    pixels = [np.asarray(Image.open(io.BytesIO(base64.b64decode(each))), dtype=float) for each in pictures]
    text = re.sub(r'base64,[^"]+', "", text)
    number = r"\d+(?:\.\d+)?(?:e[+-]\d+)?"
    return re.sub(number, "#", text), [float(each) for each in re.findall(number, text)], pixels


@pytest.mark.slow
def test_two_processes_build_the_same_page(tmp_path, monkeypatch):
    """The words are equal. Numbers and grey levels may differ by rounding, since a worker has one BLAS thread."""
    first = section_modules()[:2]
    monkeypatch.setattr(report, "section_modules", lambda: first)
    run, lines = FamilyRun(quick=True, log=lambda line: None).train_family(), []
    pages = [write_report(run, tmp_path / f"{jobs}.html", lines.append, jobs).read_text() for jobs in (1, 2)]
    (words, ours, pictures), (other_words, theirs, other_pictures) = map(taken_apart, pages)
    assert words == other_words and len(Page(pages[0]).titles) == 2
    np.testing.assert_allclose(ours, theirs, rtol=0.05, atol=1e-6)
    assert all(np.abs(one - other).mean() < 1 for one, other in zip(pictures, other_pictures, strict=True))
    assert sorted(line.split()[1] for line in lines) == ["family"] * 2 + ["undercomplete"] * 2


@pytest.mark.slow
def test_the_start_says_how_long_it_will_take_and_every_section_how_long_it_took(demo):
    first, *lines = demo[0].splitlines()
    n = len(section_modules())
    assert re.fullmatch(rf"digits: a family of 7 and {n} sections; about {SETTINGS['digits'].seconds[1]} s .*", first)
    assert len([line for line in lines if re.fullmatch(rf"\[\d+/{n}\] \w+ +\d+\.\d s", line)]) == n


@pytest.mark.slow
def test_the_page_is_below_four_megabytes(demo):
    assert len(demo[1].encode()) < 3.9e6


def test_formulas_of_a_terminal_have_hats_and_exponents_on_the_page():
    assert page.formula("1/2 ||x^ - x||^2, K < D") == "&frac12; &#8214;x\u0302 - x&#8214;<sup>2</sup>, K &lt; D"
    assert page.formula("lam ||df/dx||_F^2") == "&lambda; &#8214;df/dx&#8214;<sub>F</sub><sup>2</sup>"
    assert page.formula("mu = (x~ - m) W^T P / s2") == "&mu; = (x\u0303 - m) W<sup>T</sup> P / s&sup2;"
    assert page.formula("one pass, learnt") == "one pass, learnt"


@pytest.mark.slow
def test_figures_are_numbered_and_their_alt_texts_say_more_than_their_captions(demo):
    parsed = Page(demo[1])
    numbers = [int(re.match(r"Figure (\d+)\.", caption)[1]) for caption in parsed.captions]
    assert numbers == list(range(1, len(demo[2]) + 1))
    pictures = [image["alt"] for image in parsed.images if "svg" not in image["src"][:20]]
    for alt, caption in zip(pictures, parsed.captions, strict=True):
        assert len(alt) > 15 and alt not in caption, caption
    assert parsed.heads and set(parsed.heads) == {"col", "row"}


@pytest.mark.slow
def test_all_figures_are_as_wide_and_no_letter_is_below_nine_pixels_on_a_telephone(demo):
    """390 pixels less the page's margins of 1.1 rem at 17 pixels: 352 for the width of a figure."""
    pixels_a_point = (390 - 2 * 1.1 * 17) / style.WIDTH / 72
    for drawing, caption in zip(demo[2], Page(demo[1]).captions, strict=True):
        assert drawing.get_size_inches()[0] == style.WIDTH, caption
        for each in drawing.findobj(Text):
            text = each.get_text()
            if text.strip() and each.get_visible():
                assert each.get_fontsize() * pixels_a_point >= 9, (caption, text)
                assert not re.search(r"\$.*[\^_].*\$", text), (caption, text)  # smaller by a third
    small = re.findall(r"font(?:-size)?: ([\d.]+)(rem|px)", page.STYLE)
    assert small and all(float(size) * (17 if unit == "rem" else 1) >= 13 for size, unit in small)


@pytest.mark.slow
def test_there_is_a_dark_page_and_what_is_wide_scrolls_by_itself(demo):
    assert "prefers-color-scheme: dark" in demo[1]
    assert demo[1].count("<table>") == len(re.findall(r'<div class="scroll" tabindex="0"[^>]*><table>', demo[1])) > 3
    assert re.search(r"\.scroll \{ overflow-x: auto", page.STYLE) and re.search(r"pre \{ overflow-x: auto", page.STYLE)


def test_a_picture_keeps_greys_as_they_are_and_colours_to_what_is_not_seen():
    for lines, largest in ((1, 0), (len(style.STYLES), 1.5)):
        drawing, _ = style.curves({str(i): ([0, 1], [i, 1]) for i in range(lines)}, xlabel="x", ylabel="y")
        kept = np.asarray(Image.open(io.BytesIO(page.png(drawing))).convert("RGB"), float)
        drawing.set_dpi(page.DPI)
        canvas = FigureCanvasAgg(drawing)
        canvas.draw()
        difference = np.abs(kept - np.asarray(canvas.buffer_rgba())[..., :3])
        assert difference.mean() <= largest and (difference > 32).mean() < 1e-3


def test_equations_and_figures_are_the_same_bytes_every_time():
    assert page.equation(r"\frac{1}{2}") == page.equation(r"\frac{1}{2}")
    assert "data:image/svg+xml;base64," in page.equation("x")
