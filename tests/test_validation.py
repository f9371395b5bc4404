"""Bad input: what came and what was expected is said, and no weight changes."""

import warnings

import numpy as np
import pytest
from scipy import sparse

import npae
from catalogue import make_batch, make_network
from npae import (
    BernoulliCrossEntropy,
    Contractive,
    Dense,
    KLSparsity,
    L1Sparsity,
    Network,
    Sigmoid,
    SquaredError,
    Tanh,
    Tied,
    TopK,
    WeightDecay,
)
from npae.validation import check_array, check_number, check_varies

NAN, INF = float("nan"), float("inf")

# what is no (N, 5) array of finite numbers, the error, and what its message says
BAD = [
    (np.zeros(5), ValueError, r"Expected 2D array, got 1D array instead: {name} has shape \(5,\), expected \(N, D\)"),
    (np.zeros((2, 5, 1)), ValueError, "Expected 2D array, got 3D array instead.*Flatten each sample"),
    (3.0, ValueError, "Expected 2D array, got 0D array instead"),
    (None, (TypeError, ValueError), "expected"),
    (np.zeros((2, 4)), ValueError, "{name} has 4 features, but Network is expecting 5 features"),
    (np.zeros((2, 6)), ValueError, "{name} has 6 features, but Network is expecting 5 features"),
    (np.zeros((0, 5)), ValueError, r"Found array with 0 sample\(s\) \(shape=\(0, 5\)\) while a minimum of 1"),
    (np.zeros((2, 0)), ValueError, r"Found array with 0 feature\(s\) \(shape=\(2, 0\)\) while a minimum of 1"),
    ([], ValueError, "Expected 2D array, got 1D array"),
    ([[0, 0, NAN, 0, 0]], ValueError, r"{name} contains NaN. The first is at \[0, 2\]; expected finite numbers"),
    ([[0, 0, 0, 0, 0], [0, INF, 0, 0, 0]], ValueError, r"{name} contains infinity. The first is at \[1, 1\]"),
    ([[0, 0, 0, 0, -INF]], ValueError, "{name} contains infinity"),
    (np.full((2, 5), 1j), (TypeError, ValueError), "got {name} of dtype complex128, expected real numbers"),
    (np.full((2, 5), "1"), TypeError, "got {name} of dtype <U1, expected numbers"),
    ("digits", TypeError, "got {name} of dtype <U6, expected numbers"),
    (b"digits", TypeError, "expected numbers"),
    (np.full((2, 5), None), ValueError, "{name} contains NaN"),
    (np.full((2, 5), object()), TypeError, "got {name} of dtype object that is no array of numbers"),
    (np.array([[10**400, 0, 0, 0, 0]], object), ValueError, "got {name} with a number above 1.8e308, expected finite"),
    (np.ma.masked_less(np.zeros((2, 5)), 1), TypeError, "got a masked array for {name}, expected one without gaps"),
    (np.full((2, 5), "2020-01-01", "M8[D]"), TypeError, r"got {name} of dtype datetime64\[D\], expected numbers"),
    ([[1, 2], [3]], ValueError, r"inhomogeneous rows, 2 entries in row 0 and 1 in row 1, expected an array \(N, D\)"),
    ([[1, [2]], [3, 4]], ValueError, "got {name} with .*inhomogeneous.*, expected an array"),
    (sparse.csr_array(np.eye(5)), TypeError, r"got a sparse matrix for {name}, expected a dense array"),
]
IDS = [f"{type(x).__name__}-{getattr(x, 'dtype', '')}-{getattr(x, 'shape', '')}" for x, _, _ in BAD]


@pytest.fixture
def network():
    network = make_network((5, 4), Sigmoid(), SquaredError(), [WeightDecay(0.1)])
    network.value_and_grad(make_batch(3, 5)[0])
    return network


def assert_refused(call, error, message, network):
    before = network.theta.copy(), network.grad.copy()
    with pytest.raises(error, match=message):
        call()
    assert np.array_equal(network.theta, before[0]) and np.array_equal(network.grad, before[1])
    assert np.isfinite(network.value_and_grad(make_batch(3, 5)[0]))
    assert np.array_equal(network.grad, before[1])


@pytest.mark.parametrize(("x", "error", "message"), BAD, ids=IDS)
@pytest.mark.parametrize("door", ["value_and_grad", "value", "encode", "reconstruct"])
def test_bad_x_is_refused_at_every_door_and_no_weight_changes(door, x, error, message, network):
    assert_refused(lambda: getattr(network, door)(x), error, message.format(name="x"), network)


@pytest.mark.parametrize(("target", "error", "message"), [case for case in BAD if case[0] is not None])
def test_a_bad_target_is_refused_and_no_weight_changes(target, error, message, network):
    x = np.zeros((2, 5))
    assert_refused(lambda: network.value_and_grad(x, target), error, message.format(name="target"), network)


@pytest.mark.parametrize("h", [np.zeros((2, 5)), np.zeros(4), np.full((2, 4), NAN), np.full((2, 4), "a")])
def test_a_bad_code_is_refused(h, network):
    assert_refused(lambda: network.decode(h), (TypeError, ValueError), r"\bh\b", network)


def test_more_targets_than_samples_are_refused(network):
    message = "got 3 samples in x and 2 in target, expected as many"
    assert_refused(lambda: network.value_and_grad(np.zeros((3, 5)), np.zeros((2, 5))), ValueError, message, network)


@pytest.mark.parametrize("bad", [-0.01, 1.01, 255.0])
@pytest.mark.parametrize("as_target", [False, True])
def test_bernoulli_targets_outside_the_unit_interval_are_refused_and_inputs_are_not(bad, as_target):
    network = make_network((5, 4), Sigmoid(), BernoulliCrossEntropy())
    x, z = make_batch(3, 5)
    network.value_and_grad(x)
    z[1, 2] = bad
    message = r"BernoulliCrossEntropy: got targets from .* to .*, expected all in \[0, 1\]; scale the data or use Squ"
    assert_refused(lambda: network.value_and_grad(*((x, z) if as_target else (z,))), ValueError, message, network)
    assert np.isfinite(network.value_and_grad(z, x))


@pytest.mark.parametrize("value", [np.zeros(3), 0.0, np.zeros((7, 7))])
def test_a_theta_of_another_shape_is_refused(value, network):
    with pytest.raises(ValueError, match=r"got theta of shape .*, expected \(49,\)"):
        network.theta = value


# composition


def dense_pair(n=4):
    return [Dense(5, n, Sigmoid())], [Dense(n, 5)]


def test_a_side_without_layers_is_refused():
    encoder, decoder = dense_pair()
    with pytest.raises(ValueError, match="got no layers for the encoder, expected at least one"):
        Network([], decoder)
    with pytest.raises(ValueError, match="got no layers for the decoder, expected at least one"):
        Network(encoder, [])


def test_widths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="expected layer 1 to take 4 inputs"):
        Network([Dense(5, 4)], [Dense(3, 5)])
    with pytest.raises(ValueError, match="got 5 inputs and 6 outputs, expected as many outputs as inputs"):
        Network([Dense(5, 4)], [Dense(4, 6)])


def test_a_layer_used_twice_is_refused():
    square = Dense(5, 5)
    with pytest.raises(
        ValueError, match=r"got one layer twice \(again at decoder.0\), expected distinct layers or Tie"
    ):
        Network([square], [square])


def test_a_tied_layer_without_its_dense_layer_before_it_is_refused():
    with pytest.raises(ValueError, match=r"got a Tied layer at decoder.0, expected its Dense layer before it"):
        Network([Dense(5, 4)], [Tied(Dense(5, 4))])


def test_contractive_with_top_k_is_refused_by_name():
    with pytest.raises(ValueError, match=r"Contractive: got TopK\(k=2\) in the encoder, expected Dense layers"):
        Network([Dense(5, 4, Tanh()), Dense(4, 3, TopK(2))], [Dense(3, 5)], penalties=[Contractive(0.1)])


@pytest.mark.parametrize("loss", ["bernoulli", None, WeightDecay(0.1), np.sum])
def test_what_is_no_loss_is_refused(loss):
    with pytest.raises(TypeError, match=r"Network: got loss=.*, expected a loss such as"):
        Network(*dense_pair(), loss=loss)


@pytest.mark.parametrize("penalty", ["l1", 0.1, None, SquaredError()])
def test_what_is_no_penalty_is_refused(penalty):
    with pytest.raises(TypeError, match=r"Network: got penalty .*, expected one such as"):
        Network(*dense_pair(), penalties=[penalty])


@pytest.mark.parametrize("dtype", [int, np.float16, np.longdouble, bool, "U3", object])
def test_a_dtype_that_is_neither_float32_nor_float64_is_refused(dtype):
    with pytest.raises(TypeError, match=r"Network: got dtype .*, expected float32 or float64"):
        Network(*dense_pair(), dtype=dtype)


@pytest.mark.parametrize("penalty", [KLSparsity(1.0, 0.1), Contractive(1.0)])
def test_a_refused_network_leaves_the_layers_weights_as_they_were(penalty):
    encoder, decoder = [Dense(5, 4, TopK(2), rng=0)], [Dense(4, 5, rng=1)]
    before = encoder[0].W.copy(), decoder[0].W.copy()
    with pytest.raises(ValueError):
        Network(encoder, decoder, penalties=[penalty])
    assert np.array_equal(encoder[0].W, before[0]) and np.array_equal(decoder[0].W, before[1])


# check_array and check_number themselves


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_good_array_is_passed_on_without_a_copy(dtype):
    x = np.ones((3, 2), dtype)
    assert check_array(x) is x and check_array(x, dtype=dtype, n_features=2) is x


@pytest.mark.parametrize("order", ["<", ">"])
def test_float32_of_either_byte_order_stays_float32(order):
    stored = make_batch(20, 5)[0].astype(f"{order}f4")
    native = stored.astype(np.float32)
    for x in (check_array(stored), npae.GaussianNoise(0.1).corrupt(stored, 0)):
        assert x.dtype == np.float32 and x.dtype.isnative
    ours, same = (npae.Autoencoder(2, max_iter=1, random_state=0).fit(x) for x in (stored, native))
    assert ours.network_.theta.dtype == np.float32 and np.array_equal(ours.network_.theta, same.network_.theta)
    assert check_array(stored.astype(f"{order}f8")).dtype == np.float64


@pytest.mark.parametrize("dtype", [int, np.uint8, bool, np.float16, np.longdouble, object])
def test_other_real_numbers_become_float64(dtype):
    x = check_array(np.ones((3, 2), dtype))
    assert x.dtype == np.float64 and np.array_equal(x, np.ones((3, 2)))


def test_read_only_and_strided_arrays_are_fine():
    x = np.ones((4, 6))[:, ::2]
    x.flags.writeable = False
    assert check_array(x) is x


def test_complex_numbers_pass_only_where_they_are_allowed():
    z = np.full((1, 2), 1j)
    assert check_array(z, allow_complex=True) is z
    with pytest.raises(ValueError, match="Complex data not supported"):
        check_array(z)


def test_messages_name_the_owner_and_the_argument():
    with pytest.raises(ValueError, match="Autoencoder: got X with inhomogeneous rows, 2 entries in row 0 and 1"):
        npae.Autoencoder(2).fit([[1, 2], [3, 4], [5]])
    with pytest.raises(ValueError, match="PCA: Expected 2D array, got 1D array instead: data has shape"):
        check_array(np.zeros(3), owner="PCA", name="data")


def test_large_finite_numbers_of_both_signs_are_no_infinity():
    x = np.array([[1e308, -1e308, 1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_array(x) is x


@pytest.mark.parametrize("value", [0, 0.0, 1, 2.5, np.float32(0.5), np.int64(3)])
def test_good_numbers_pass(value):
    check_number(value, "lam", "Test")


@pytest.mark.parametrize(
    "value", [-1, -1e-300, NAN, INF, -(10**400), True, np.bool_(True), "1", None, 1j, [1], np.ones(1)]
)
def test_bad_numbers_are_refused(value):
    with pytest.raises(ValueError, match=r"Test: got lam=.*, expected a finite number >= 0"):
        check_number(value, "lam", "Test")


@pytest.mark.parametrize("integer", [False, True])
def test_whole_numbers_beyond_every_float_are_refused(integer):
    for value in (10**400, -(10**400)):
        with pytest.raises(ValueError, match=r"Test: got n=-?10+, expected a .* number >= 0"):
            check_number(value, "n", "Test", integer=integer)


def test_bounds_and_whole_numbers_are_checked_and_named():
    check_number(1, "rho", "Test", high=1)
    check_number(3, "k", "Test", low=1, integer=True)
    with pytest.raises(ValueError, match=r"Test: got rho=1, expected a finite number in \[0, 1\)"):
        check_number(1, "rho", "Test", high=1, include_high=False)
    with pytest.raises(ValueError, match=r"Test: got rho=1.5, expected a finite number in \[0, 1\]"):
        check_number(1.5, "rho", "Test", high=1)
    check_number(0.5, "rho", "Test", high=1, include_low=False)
    with pytest.raises(ValueError, match=r"Test: got rho=0, expected a finite number in \(0, 1\]"):
        check_number(0, "rho", "Test", high=1, include_low=False)
    with pytest.raises(ValueError, match=r"Test: got length=0.0, expected a finite number > 0"):
        check_number(0.0, "length", "Test", include_low=False)
    with pytest.raises(ValueError, match=r"Test: got k=3.0, expected a whole number >= 1"):
        check_number(3.0, "k", "Test", low=1, integer=True)


@pytest.mark.parametrize("make", [WeightDecay, L1Sparsity, Contractive])
def test_penalties_ask_for_a_finite_strength(make):
    with pytest.raises(ValueError, match=f"{make.__name__}: got lam=-1, expected a finite number >= 0"):
        make(-1)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda flag: npae.SGD(0.1, momentum=0.9, nesterov=flag), "SGD: got nesterov"),
        (lambda flag: npae.Checkpoint("file", epochs=1, resume=flag), "Checkpoint: got resume"),
        (lambda flag: npae.PCA(1, maximum_likelihood=flag).fit(np.eye(3)), "PCA: got maximum_likelihood"),
    ],
)
def test_a_word_is_neither_true_nor_false(make, name):
    for flag in (True, False, np.bool_(False)):
        make(flag)
    with pytest.raises(TypeError, match=f"{name}='False', expected True or False"):
        make("False")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shift", [0, 1e6])
@pytest.mark.parametrize(
    "refuse",
    [
        lambda x: npae.sparsity.unexplained_variance(npae.Autoencoder(2, max_iter=1, random_state=0).fit(x - x[0]), x),
        lambda x: npae.generative.FactorAnalysis(2).fit(x),
        lambda x: npae.datasets.normalize_patches(x.T),
    ],
    ids=["unexplained_variance", "FactorAnalysis", "normalize_patches"],
)
def test_the_rounding_of_a_mean_is_no_variance(rng, dtype, shift, refuse):
    x = np.repeat(rng.standard_normal((1, 13)) + shift, 20, axis=0).astype(dtype)
    with pytest.raises(ValueError, match=r"all the same|without contrast"):
        refuse(x)


def test_a_variance_just_above_rounding_is_one(rng):
    x = np.repeat(rng.standard_normal((1, 13)), 20, axis=0) * np.linspace(1, 1 + 1e-13, 20)[:, None]
    assert 0 < check_varies(x, "test") < 1e-24
