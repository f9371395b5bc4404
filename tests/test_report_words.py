"""The page's sentences: each changes with its numbers, so that none can say what they do not."""

from types import SimpleNamespace

import numpy as np
import pytest

from npae.experiments.motions import KINDS, Code
from npae.pca.theory import critical_points
from npae.report.sections import capacity, contractive, denoising, family, linear_theory, undercomplete
from npae.report.words import compare, compare_members, crossing, enumerate_words, percent


def test_a_comparison_says_which_way_and_how_far():
    assert compare(0.3, 0.4) == "25 % below" and compare(0.5, 0.4) == "25 % above"
    assert percent(0.0994) == "9.9 %" and percent(0.0996) == "10 %"


def test_numbers_closer_than_ten_percent_need_five_seeds():
    for ours in (0.95, 1.05, np.full(4, 0.95)):
        with pytest.raises(ValueError, match="expected 5 for less than 10 %"):
            compare(ours, 1.0)
    assert compare(np.array([0.95, 0.96, 0.95, 0.94, 0.95]), 1.0).endswith("5 seeds) below")


def test_seeds_that_disagree_do_not_tell_apart_and_seeds_that_agree_do():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(5)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    assert "not told apart" in compare(1 + 0.02 + 0.02 * noise, 1.0)  # t = sqrt 5 < 2.776
    assert "above" in compare(1 + 0.03 + 0.02 * noise, 1.0)  # t = 3.35


def test_a_quick_run_leaves_close_members_undecided_and_a_full_one_asks_five_seeds():
    held_out = {"a": 0.95, "b": 1.0, "c": 2.0}
    asked = []

    def pair(name, other, column):
        asked.append((name, other, column))
        return held_out[name], held_out[other]

    run = SimpleNamespace(quick=True, held_out=lambda name, column: held_out[name], pair=pair)
    assert compare_members(run, "a", "b", "error") == "within 10 %, undecided by one seed, of" and not asked
    assert compare_members(run, "a", "c", "error") == "52 % below"
    run.quick = False
    with pytest.raises(ValueError, match="5 for less than 10 %"):
        compare_members(run, "a", "b", "error")
    assert asked == [("a", "c", "error"), ("a", "b", "error")]


def test_a_crossing_lies_between_the_points_and_is_none_where_the_curve_stays_above():
    assert crossing([0, 1, 2], [1, 1, 1], [0, 0, 4]) == 1.25
    assert crossing([0, 1], [0, 0], [1, 1]) == 0
    assert crossing([0, 1], [1, 1], [0, 0]) is None
    assert enumerate_words([]) == "none" and enumerate_words("abc") == "a, b and c"


def member(epochs=200, tied=False, fall=0.0, training=1.0):
    return SimpleNamespace(
        epochs=epochs, last_fall=fall, measures={"training error": training}, model=SimpleNamespace(tied=tied)
    )


def test_the_family_says_who_is_tied_who_is_linear_and_how_long_each_was_trained():
    words = family.sentence_on_training({"PCA": member(0), "one": member(150), "two": member(200, tied=True)})
    assert "except for PCA, which is linear" in words and "except for two, whose weights are tied" in words
    assert "one 150 epochs; two 200 epochs" in words


def test_a_loss_that_still_falls_and_a_free_network_above_its_penalized_twins_are_called_by_name():
    twins = {"sparse (KL)": member(training=1.0), "sparse (L1)": member(training=3.0)}
    trained = family.sentence_on_convergence({"overcomplete": member(training=0.5), **twins})
    assert "no J fell" in trained and "sign" not in trained
    short = family.sentence_on_convergence({"overcomplete": member(fall=0.05, training=2.0), **twins})
    assert "more than 1 % for overcomplete" in short
    assert "larger training error than sparse (KL), which it" in short and "not trained to the end" in short


def test_being_above_pca_is_called_undertrained_only_where_more_epochs_help():
    assert "further than a linear one" in undercomplete.sentence_on_pca(0.3, 0.4, 0.3, 8)
    above = undercomplete.sentence_on_pca(0.6, 0.4, 0.3, 8)
    assert "50 % above" in above and "undertrained" in above and "50 % less: it was not trained to the end" in above
    assert "no guarantee" in undercomplete.sentence_on_pca(0.6, 0.4, 0.6, 8)
    with pytest.raises(ValueError, match="5 for less than 10 %"):
        undercomplete.sentence_on_pca(0.39, 0.4, 0.39, 8)


def test_nobody_copies_who_does_no_better_than_grey():
    words = capacity.sentence_on_copying({"mean grey": 4.6, "sigmoid": 4.81, "ReLU": 2.3, "PCA": 4.3})
    words = " ".join(words.split())
    assert "copying: ReLU (50 %)." in words and "No better than grey: sigmoid." in words
    assert "Somewhat better than grey: PCA (93 %)." in words


def test_denoising_wins_from_where_the_curves_cross():
    errors = {"copying": [0, 1, 2], "PCA": [0.4, 1, 2], "great": [0, 0, 0], "denoising": [0.5, 0.5, 0.5]}
    words = denoising.sentence_on_crossings([0.0, 1.0, 2.0], errors)
    assert "copying from &sigma; = 0.50 and PCA from &sigma; = 0.17 on" in words
    assert "nowhere better than great" in words


def test_critical_points_at_lambda_zero_are_families_of_minima_and_saddles_without_maxima():
    points = critical_points(np.random.default_rng(0).standard_normal((9, 3)), 1)
    words = " ".join(linear_theory.sentence_on_critical_points(points).split())
    assert "4 families" in words and "1 of minima" in words and "3 of saddles" in words and "no maxima" in words
    assert "have 1 direction of descent" in words


def test_a_shrinking_step_is_praised_only_where_it_ends_nearer():
    def histories(*ends):
        return {str(end): ([1, 2], [1.5, end]) for end in ends}

    assert "circles the subspace" in linear_theory.sentence_on_steps(histories(1e-3, 1e-5, 1e-8))
    assert "too short" in linear_theory.sentence_on_steps(histories(1e-3, 4e-2, 4e-2))


def test_widths_at_which_pca_is_within_ten_percent_are_left_undecided():
    words = linear_theory.sentence_on_widths([1, 8], {"PCA": [2.0, 1.0], "linear": [2.0, 1.0], "nonlinear": [1.9, 0.7]})
    assert "30 % below at k = 8" in words and "One seed does not decide differences within 10 %, at k = 1." in words


def codes(contractive_angle, denoising_angle, n_units=128, directions=14.0):
    each = np.array([-0.5, 0.2, 0.3, -0.1, 0.1])
    return [
        Code(f"{name}, 1", n_units, dict.fromkeys(KINDS, angle + each), 1 + 0 * each, directions + 0 * each, each + 1)
        for name, angle in (("contractive", contractive_angle), ("denoising", denoising_angle))
    ]


def test_whose_tangents_follow_motions_is_read_off_the_angles():
    baselines = {name: dict.fromkeys(KINDS, angle) for name, angle in
                 (("PCA, the same for all", 57.0), ("local PCA, 40 neighbours", 45.0))}  # fmt: skip
    words = contractive.sentence_on_motions(codes(64.0, 50.0), baselines)
    assert "shift x 22 %" in words and "below" in words and "as 1 of the 2 codes" in words
    assert "is closer than all codes" in words
    assert "above" in contractive.sentence_on_motions(codes(50.0, 64.0), baselines)
    assert "not closer than all" in contractive.sentence_on_motions(codes(40.0, 50.0), baselines)


def test_units_explain_the_gap_only_where_more_of_them_close_it():
    closes = contractive.sentence_on_units(codes(64.0, 57.0) + codes(55.0, 54.0, 512, 26.0))
    assert "behind by 7.0 degrees" in closes and "by 1.0 with 512" in closes and "mostly a matter of units" in closes
    assert "does not explain" in contractive.sentence_on_units(codes(64.0, 57.0) + codes(64.0, 57.0, 512, 26.0))


def test_a_walk_is_held_against_the_straight_line_by_a_number():
    line = np.linspace(1, 1.5, 20)
    assert "below" in contractive.sentence_on_walks(0.5 * line, line, 1.0)
    assert "above" in contractive.sentence_on_walks(1.5 * line, line, 1.0)
