"""The page's sections on capacity and sparse codes: their sentences follow their numbers, and full runs say it all."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from npae.experiments import edges as exercise
from npae.experiments.capacity import TIED
from npae.report.sections import edges, memory, sparsity_costs, useful_codes


def errors(training, held_out, pca):
    return SimpleNamespace(
        errors={"training": training, "held-out": held_out, "PCA, training": pca / 2, "PCA, held-out": pca}
    )


def test_a_memory_is_above_below_or_near_one_principal_component():
    words = " ".join(memory.sentence_on_memory(errors(0.007, 0.7, 0.5)).split())
    assert "100 times the training error, and 40 % above" in words
    assert "20 % below" in memory.sentence_on_memory(errors(0.007, 0.4, 0.5))
    assert "within 10 % of" in memory.sentence_on_memory(errors(0.007, 0.51, 0.5))


def test_at_the_same_l0_the_smaller_error_is_ahead_and_what_is_close_is_left_open():
    l1 = [(1, 40.0, 0.1, 0), (3, 10.0, 0.4, 0)]
    words = sparsity_costs.sentence_on_frontiers(
        {"L1": l1, "top k, revived": [(5, 5, 0.9, 0), (10, 10, 0.3, 0), (40, 40, 0.2, 0)]}
    )
    assert words == (
        "with 10 units top k leaves 30 % unexplained and L1 40 %, top k ahead; "
        "with 40 units top k leaves 20 % unexplained and L1 10 %, L1 ahead"
    )
    assert "too close to call" in sparsity_costs.sentence_on_frontiers(
        {"L1": l1, "top k, revived": [(20, 20, 0.205, 0)]}
    )
    assert sparsity_costs.sentence_on_frontiers({"L1": l1, "top k, revived": [(4, 4, 0.5, 0)]}) == (
        "the two ranges of L0 do not overlap"
    )


def test_the_cheat_is_named_by_norm_and_price_or_said_to_be_still_to_come():
    free, unit = np.array([9, 2.0, 2.0, 0.5, 12.0]), np.array([9, 4.0, 1.0, 0.6, 10.0])
    words = " ".join(sparsity_costs.sentence_on_cheating(free, unit).split())
    assert "norm 2.00" in words and "falls to 50 %" in words and "pay about 100 %" in words and "12.0" in words
    assert "takes longer than this run" in sparsity_costs.sentence_on_cheating(np.array([9, 3.8, 1.1, 0.5, 12.0]), unit)


def tables(gains):
    """Five seeds: the KL code ahead by gains of all others."""
    others = {
        ("unregularized", 128): (0, 0, {50: 0.5}),
        ("raw pixels", 64): (0, 0, {50: 0.5}),
        ("PCA", 16): (0, 0, {50: 0.5}),
    }
    return [{**others, ("sparse (KL)", 128): (0, 0, {50: 0.5 + gain})} for gain in gains]


@pytest.mark.parametrize(
    ("gains", "words"),
    [
        ([0.02, 0.03, 0.02, 0.03, 0.02], "it is ahead of the unregularized code, raw pixels and PCA."),
        ([-0.02, -0.03, -0.02, -0.03, -0.02], "ahead of none, behind the unregularized code, raw pixels and PCA."),
        ([0.02, -0.03, 0.02, -0.03, 0.02], "it is ahead of none."),
    ],
)  # fmt: skip
def test_a_code_is_ahead_or_behind_only_by_more_than_the_spread_of_five_seeds(gains, words):
    assert useful_codes.sentence_on_accuracy(tables(gains), "sparse (KL)").endswith(words)
    assert "By more than the spread" not in useful_codes.sentence_on_accuracy(tables(gains[:4]), "sparse (KL)")


def test_the_gain_of_pretraining_is_paired_by_seed():
    found = [{("random", 50): 0.5, ("denoising", 50): 0.6}, {("random", 50): 0.7, ("denoising", 50): 0.84}]
    assert "+12.0 &plusmn; 2.8 with 50 labels" in useful_codes.sentence_on_pretraining(found, "denoising")


def test_a_full_page_has_the_cheat_pretraining_and_on_mnist_images_the_strokes(monkeypatch):
    run = SimpleNamespace(quick=False, seed=0, image_shape=(28, 28))
    monkeypatch.setattr(edges, "strokes", lambda n, **how: exercise.strokes(60, max_iter=5))
    monkeypatch.setattr(useful_codes, "few_labels", lambda *data, kinds, labels, **how: {
        (kind, n): 0.5 + 0.001 * how["seed"] for kind in kinds for n in labels
    })  # fmt: skip
    blocks = [*edges.pen_strokes(run), *sparsity_costs.cheating(np.random.default_rng(0).random((100, 64)), 0),
              *useful_codes.start_from(range(5))]  # fmt: skip
    page = "".join(blocks)
    assert page.count("<figure>") == 3 and "784-196-784" in page and "+0.0 &plusmn; 0.0 with 200 labels" in page
    assert re.search(r"Localized and oriented: \d+ of 196 learnt filters, \d+ of 59 principal components", page)


def test_the_contractive_code_is_held_against_a_tied_one():
    found = [
        {**table, (TIED, 128): (0, 0, {50: 0.6}), ("contractive", 128): (0, 0, {50: 0.6 + gain})}
        for table, gain in zip(tables([0] * 5), (0.01, -0.01, 0.01, -0.01, 0.0))
    ]
    words = useful_codes.sentence_on_accuracy(found, "contractive")
    assert "over the unregularized, tied code" in words and words.endswith("it is ahead of raw pixels and PCA.")
