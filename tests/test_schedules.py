"""Schedules: their values against closed forms and tables written by hand, and what optimizers make of them."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest
from sklearn.base import clone

import npae
from catalogue import name
from npae import SGD, Adam, Autoencoder, Cosine, RMSProp, StepDecay, WarmUp

SCHEDULES = [
    StepDecay(0.1, 3, 0.5),
    Cosine(0.1, 8, 0.01),
    WarmUp(0.1, 4),
    WarmUp(Cosine(0.1, 8, 0.01), 4),
    WarmUp(StepDecay(0.1, 3), 4),
]


def test_a_cosine_at_the_angles_whose_cosine_everyone_knows():
    schedule = Cosine(1.0, 12, 0.25)
    known = {0: 1, 2: (1 + 3**0.5 / 2) / 2, 3: (1 + 0.5**0.5) / 2, 4: 0.75, 6: 0.5, 8: 0.25, 12: 0}
    for t, part in known.items():
        assert schedule(t) == pytest.approx(0.25 + 0.75 * part, rel=1e-14)
    assert schedule(12) == schedule(13) == schedule(10**9) == 0.25


def test_a_cosine_falls_symmetrically_about_its_middle_and_may_end_at_zero_or_rise():
    falls = Cosine(0.1, 1000)
    lr = np.array([falls(t) for t in range(1001)])
    assert (np.diff(lr) < 0).all() and lr[0] == 0.1 and lr[-1] == 0
    np.testing.assert_allclose(lr + lr[::-1], 0.1, rtol=1e-13)
    np.testing.assert_allclose([Cosine(0.0, 1000, 0.1)(t) for t in range(1001)], lr[::-1], atol=1e-16)


def test_step_decay_multiplies_once_in_every_so_many_steps():
    lr = Fraction(1)
    schedule = StepDecay(1.0, every=4, factor=0.5)
    for t in range(40):
        if t and t % 4 == 0:
            lr /= 2
        assert schedule(t) == lr
    assert [StepDecay(1.0, 2)(t) for t in range(5)] == pytest.approx([1, 1, 0.1, 0.1, 0.01], rel=1e-15)


def test_a_warm_up_rises_in_equal_steps_and_then_follows_what_it_warms_up():
    assert [WarmUp(0.8, 4)(t) for t in range(7)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8], rel=1e-15)
    inner = Cosine(0.8, 10)
    lr = [WarmUp(inner, 4)(t) for t in range(12)]
    assert lr == pytest.approx([inner(t) * min(1, 0.25 * (t + 1)) for t in range(12)], rel=1e-15)
    assert [WarmUp(lambda t: 2.0**-t, 2)(t) for t in range(4)] == [0.5, 0.5, 0.25, 0.125]


def moved(optimizer, gradients, theta=0.0):
    theta = np.full(gradients.shape[1:], theta)
    step, lrs = optimizer.start(theta), []
    for g in gradients:
        lrs.append(step.lr)
        step(g)
    return theta, lrs


@pytest.mark.parametrize("schedule", [*SCHEDULES, lambda t: 0.1 / (1 + t)], ids=name)
def test_gradient_descent_goes_by_the_schedules_rates_from_t_0_on(schedule, rng):
    gradients = rng.normal(size=(12, 5))
    theta, lrs = moved(SGD(schedule), gradients)
    expected = [schedule(t) for t in range(12)]
    assert lrs == expected
    np.testing.assert_allclose(theta, -np.array(expected) @ gradients, rtol=1e-13)


@pytest.mark.parametrize(
    "make",
    [
        lambda lr: SGD(lr, momentum=0.9),
        lambda lr: SGD(lr, momentum=0.9, nesterov=True),
        lambda lr: RMSProp(lr),
        lambda lr: Adam(lr),
    ],
)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_every_optimizer_with_a_schedule_is_itself_with_the_rate_set_by_hand(make, schedule, rng):
    gradients, theta = rng.normal(size=(12, 5)), np.zeros(5)
    step = make(123.0).start(theta)
    for t, g in enumerate(gradients):
        step.lr = schedule(t)
        step(g)
    np.testing.assert_array_equal(moved(make(schedule), gradients)[0], theta)


def test_a_rate_set_by_hand_takes_the_schedules_place_and_a_schedule_may_be_set():
    theta = np.zeros(1)
    step = SGD(Cosine(1.0, 10)).start(theta)
    step(np.ones(1))
    step.lr = 0.5
    step(np.ones(1))
    step(np.ones(1))
    assert theta[0] == -2.0 and step.lr == 0.5
    step.lr = lambda t: float(t)
    assert step.lr == step.t == 3


def test_a_schedule_of_numpy_numbers_keeps_float32(rng):
    theta = np.ones(4, np.float32)
    Adam(lambda t: np.float64(0.1)).start(theta)(np.ones(4, np.float32))
    assert theta.dtype == np.float32 and np.allclose(theta, 0.9)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_schedules_print_compare_copy_and_pickle_inside_an_optimizer(schedule):
    optimizer = Adam(schedule)
    assert eval(repr(optimizer), vars(npae) | {"Adam": Adam}) == optimizer
    assert optimizer == copy.deepcopy(optimizer) == pickle.loads(pickle.dumps(optimizer)) == Adam(schedule)
    assert optimizer != Adam(0.1) and hash(optimizer) == hash(Adam(schedule))
    assert clone(Autoencoder(optimizer=optimizer)).optimizer == optimizer


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_a_model_is_saved_with_its_schedule(schedule, tmp_path):
    X = npae.datasets.load_digits().data[:50]
    Autoencoder(3, optimizer=SGD(schedule), max_iter=1, random_state=0).fit(X).save(tmp_path / "m.npz")
    assert npae.load(tmp_path / "m.npz").optimizer == SGD(schedule)


def test_a_schedule_of_ones_own_trains_but_is_not_saved(tmp_path):
    X = npae.datasets.load_digits().data[:50]
    model = Autoencoder(3, optimizer=SGD(lambda t: 0.1 / (1 + t)), max_iter=1, random_state=0).fit(X)
    with pytest.raises(TypeError, match=r"save: got optimizer=.*lambda"):
        model.save(tmp_path / "m.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StepDecay("0.1", 2), "StepDecay: got lr='0.1', expected a finite number"),
        (lambda: StepDecay(0.1, 0), "StepDecay: got every=0, expected a whole number >= 1"),
        (lambda: StepDecay(0.1, 2.0), "StepDecay: got every=2.0, expected a whole number >= 1"),
        (lambda: StepDecay(0.1, 2, 1.5), r"StepDecay: got factor=1.5, expected a finite number in \[0, 1\]"),
        (lambda: Cosine(float("nan"), 5), "Cosine: got lr=nan, expected a finite number >= 0"),
        (lambda: Cosine(0.1, 0), "Cosine: got n_steps=0, expected a whole number >= 1"),
        (lambda: Cosine(0.1, 5, -0.1), "Cosine: got final=-0.1, expected a finite number >= 0"),
        (lambda: WarmUp(-0.1, 5), "WarmUp: got lr=-0.1, expected a finite number >= 0"),
        (lambda: WarmUp(0.1, True), "WarmUp: got n_steps=True, expected a whole number >= 1"),
        (lambda: WarmUp(lambda t: None, 5), r"WarmUp: got lr\(0\)=None, expected a finite number >= 0"),
        (lambda: Adam(lambda t: -1.0), r"Adam: got lr\(0\)=-1.0, expected a finite number >= 0"),
        (lambda: SGD(Cosine), "SGD: got lr=<class .*Cosine'>, expected a finite number >= 0"),
        (lambda: RMSProp([0.1]), r"RMSProp: got lr=\[0.1\], expected a finite number >= 0"),
        (lambda: setattr(SGD(0.1).start(np.ones(1)), "lr", -1), "SGD: got lr=-1, expected a finite number >= 0"),
    ],
)
def test_rates_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
