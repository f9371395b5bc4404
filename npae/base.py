"""The scikit-learn conventions without scikit-learn: parameters, input checks, fitted state, tags, output frames.

scikit-learn is used only if it is already loaded: its tools (clone, Pipeline, GridSearchCV, check_estimator) accept
these estimators, and this package does not need it. Buitinck et al. (2013), API design for
machine learning software.
"""

import copy
import dataclasses
import importlib
import inspect
import sys
import warnings
from typing import Any

import numpy as np

from npae.validation import NotFittedError, check_array


class Estimator:
    """get_params, set_params, and the checks that fit and transform share."""

    n_features_in_: int
    n_components: int

    @classmethod
    def _parameter_names(cls):
        return sorted(name for name in inspect.signature(cls.__init__).parameters if name != "self")

    def get_params(self, deep=True):
        """Return the constructor's arguments by name; deep: and the fields of their values, such as 'optimizer__lr'."""
        params = {name: getattr(self, name) for name in self._parameter_names()}
        if deep:
            for name in list(params):
                params |= nested_params(name, self._part(name))
        return params

    def set_params(self, **params):
        """Set constructor arguments, or fields of their values, by name; none of them if one is wrong.

        'optimizer__lr' is the field lr of the optimizer (of the default one where it is None), 'penalties__0__lam' that
        of the first penalty: the argument becomes a copy with another value. Raises ValueError for a name that the
        constructor or the part does not have.
        """
        names = self._parameter_names()
        values: dict[str, Any] = {}
        for key in sorted(params, key=lambda key: key.count("__")):  # an argument comes before its fields
            name, inside, path = key.partition("__")
            if name not in names:
                raise ValueError(f"Invalid parameter {key!r} for {type(self).__name__}: expected one of {names}")
            part = values[name] if name in values else self._part(name)
            owner = f"{type(self).__name__}: {key}"
            values[name] = with_param(part, path, params[key], owner) if inside else params[key]
        for name, value in values.items():
            setattr(self, name, value)
        return self

    def _part(self, name):
        """Return the value whose fields belong to an argument: a default where the argument is None."""
        return getattr(self, name)

    def fit(self, X, y=None):
        """Learn from X (N, D)."""
        raise NotImplementedError

    def transform(self, X):
        """Return the code of X (N, D)."""
        raise NotImplementedError

    def fit_transform(self, X, y=None):
        """Call fit(X), then return transform(X)."""
        return self.fit(X).transform(X)

    def __repr__(self):
        defaults = inspect.signature(type(self).__init__).parameters
        params = self.get_params(deep=False)
        changed = {name: value for name, value in params.items() if not _same(value, defaults[name].default)}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in changed.items())})"

    def __sklearn_tags__(self):
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        dtypes = TransformerTags(preserves_dtype=["float64", "float32"])
        return Tags("transformer", TargetTags(required=False), dtypes, input_tags=InputTags())

    def _check_fit(self, X, *, reset=True):
        """Return X, checked; set n_features_in_ and, for frames with string columns, feature_names_in_."""
        names = _feature_names(X)
        if reset:
            self.__dict__.pop("feature_names_in_", None)
        else:
            self._check_feature_names(names)
        X = check_array(X, owner=type(self).__name__, n_features=None if reset else self.n_features_in_)
        if reset:
            self.n_features_in_ = X.shape[1]
            if names is not None:
                self.feature_names_in_ = names
        return X

    def _check_fitted(self, attribute):
        if not hasattr(self, attribute):
            name = type(self).__name__
            message = f"This {name} instance is not fitted yet. Call 'fit' with training data first."
            raise _sklearn("sklearn.exceptions", "NotFittedError", NotFittedError)(message)

    def _check_feature_names(self, names):
        """Raise ValueError, in scikit-learn's words, unless X has the feature names of fit in their order."""
        fitted, owner = getattr(self, "feature_names_in_", None), type(self).__name__
        if fitted is None and names is not None:
            warnings.warn(f"X has feature names, but {owner} was fitted without feature names", stacklevel=5)
        if fitted is not None and names is None:
            message = f"X does not have valid feature names, but {owner} was fitted with feature names"
            warnings.warn(message, stacklevel=5)
        if fitted is None or names is None or list(names) == list(fitted):
            return
        found = {"Feature names unseen at fit time:": sorted(set(names) - set(fitted))}
        found["Feature names seen at fit time, yet now missing:"] = sorted(set(fitted) - set(names))
        lines = []
        for title, some in found.items():
            lines += [title, *(f"- {name}" for name in some[:5])] if some else []
            lines += ["- ..."] if len(some) > 5 else []
        lines = lines or ["Feature names must be in the same order as they were in fit."]
        raise ValueError("\n".join(["The feature names should match those that were passed during fit.", *lines, ""]))

    @property
    def _n_features_out(self):
        return self.n_components

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns that transform returns: class name and number, in lower case."""
        self._check_fitted("n_features_in_")
        return np.array([f"{type(self).__name__.lower()}{k}" for k in range(self._n_features_out)], dtype=object)

    def set_output(self, *, transform=None):
        """Let transform return 'default' arrays, 'pandas' or 'polars' frames; None changes nothing."""
        if transform not in (None, "default", "pandas", "polars"):
            raise ValueError(f"set_output: got transform={transform!r}, expected 'default', 'pandas' or 'polars'")
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def _wrap_output(self, h, X):
        """Return h in the container of `set_output` or scikit-learn's configuration, with the index of a pandas X."""
        config = _sklearn("sklearn", "get_config", dict)()
        kind = getattr(self, "_sklearn_output_config", {}).get("transform", config.get("transform_output", "default"))
        if kind == "default":
            return h
        columns = list(self.get_feature_names_out())
        try:
            frames = importlib.import_module(kind)
        except ImportError as error:
            raise ImportError(f"set_output(transform={kind!r}) needs {kind}: pip install {kind}") from error
        if kind == "pandas":
            index = X.index if hasattr(X, "iloc") else None  # a list has an `index`
            return frames.DataFrame(h, columns=columns, index=index, copy=False)
        return frames.DataFrame(h, schema=columns, orient="row")


def _same(value, default):
    """Return True if an argument is its default; arrays and objects count as different."""
    comparable = type(value) is type(default) and isinstance(value, (str, int, float, tuple))
    return value is default or (comparable and value == default)


def _sklearn(module, name, otherwise):
    """Return scikit-learn's object if scikit-learn is loaded, else the given one."""
    return getattr(sys.modules[module], name, otherwise) if module in sys.modules else otherwise


def _feature_names(X):
    names = np.asarray(list(getattr(X, "columns", ())), dtype=object)
    strings = [isinstance(name, str) for name in names]
    if any(strings) and not all(strings):
        kinds = sorted({type(name).__name__ for name in names})
        only = "Feature names are only supported if all input features have string names"
        raise TypeError(f"{only}, but your input has {kinds} as feature name / column name types.")
    return names if any(strings) else None


def nested_params(name, part):
    """Return the fields of a record by name, 'name__field', recursively; of a list its records, 'name__0'."""
    if isinstance(part, (list, tuple)):
        inside = {str(i): each for i, each in enumerate(part) if is_record(each)}
    else:
        inside = {f.name: getattr(part, f.name) for f in dataclasses.fields(part)} if is_record(part) else {}
    found: dict[str, Any] = {}
    for key, value in inside.items():
        found |= {f"{name}__{key}": value} | nested_params(f"{name}__{key}", value)
    return found


def with_param(part, path, value, what):
    """Return a copy of a record or list with another value at a path such as 'field', '0' or 'field__field'."""
    name, _, path = path.partition("__")
    if isinstance(part, (list, tuple)) and name.isdecimal() and int(name) < len(part):
        new = with_param(part[int(name)], path, value, what) if path else value
        return type(part)([*part[: int(name)], new, *part[int(name) + 1 :]])
    fields = [f.name for f in dataclasses.fields(part) if f.init] if is_record(part) else []
    if name not in fields:
        expected = [str(i) for i in range(len(part))] if isinstance(part, (list, tuple)) else fields
        raise ValueError(f"{what}: got no field {name!r} in {part!r}, expected one of {expected}")
    return dataclasses.replace(part, **{name: with_param(getattr(part, name), path, value, what) if path else value})


def is_record(part):
    """Return True for an instance of a dataclass."""
    return dataclasses.is_dataclass(part) and not isinstance(part, type)


def clone(estimator):
    """Return an unfitted estimator with the same arguments; by scikit-learn's function if that is loaded."""
    sklearn = sys.modules.get("sklearn.base")
    if sklearn is not None:
        return sklearn.clone(estimator)
    params = estimator.get_params(deep=False)
    return type(estimator)(**{name: copy.deepcopy(value) for name, value in params.items()})


def random_state_names(estimator, params=(), *, every=True):
    """Return the names of the random states that the grid does not set; every=False: only of those that are None."""
    names = [name for name, value in sorted(estimator.get_params(deep=True).items()) if every or value is None]
    return [n for n in names if (n == "random_state" or n.endswith("__random_state")) and n not in params]


def set_random_states(model, seed, params):
    """Set each random state that the grid does not set to a number drawn from the seed."""
    names = random_state_names(model, params)
    numbers = np.random.SeedSequence(seed).generate_state(max(len(names), 1))
    model.set_params(**{name: int(each) for name, each in zip(names, numbers)})


def folds_of(cv, X, y, rng):
    """Return the folds of a cross-validation, pairs (train, test) of row numbers; cv as for `npae.sweep`.

    k consecutive folds as in scikit-learn; a fraction holds out a random part once; or a splitter, or pairs.
    """
    n = n_samples(X)
    if isinstance(cv, (int, np.integer)) and not isinstance(cv, bool):
        if not 2 <= cv <= n:
            raise ValueError(f"sweep: got cv={cv} for {n} samples, expected a number of folds in [2, {n}]")
        return [(np.setdiff1d(np.arange(n), part), part) for part in np.array_split(np.arange(n), cv)]
    if isinstance(cv, (float, np.floating)):
        held = round(float(cv) * n) if 0 < cv < 1 else 0
        if not 1 <= held < n:
            raise ValueError(f"sweep: got cv={cv!r} for {n} samples, expected a fraction with samples on both sides")
        order = rng.permutation(n)
        return [(order[held:], order[:held])]
    if not hasattr(cv, "split") and not np.iterable(cv):
        raise TypeError(f"sweep: got cv={cv!r}, expected a number, a fraction, pairs of row numbers or a splitter")
    pairs = list(cv.split(X, y) if hasattr(cv, "split") else cv)
    if not pairs or not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        raise ValueError("sweep: got a cv that gives no pairs (train, test), expected at least one")
    return [(_fold(train, n), _fold(test, n)) for train, test in pairs]


def _fold(rows, n):
    rows = np.asarray(rows)
    rows = np.flatnonzero(rows) if rows.dtype == bool and rows.shape == (n,) else rows
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or not len(rows) or rows.min() < -n or rows.max() >= n:
        got = f"a fold of dtype {rows.dtype} and shape {rows.shape}"
        raise ValueError(f"sweep: got {got}, expected row numbers below {n}")
    return rows


def scorer_of(estimator, scoring):
    """Return scoring(model, X, y), from a scikit-learn scorer by its name, or None for `estimator.score`."""
    for name in ("get_params", "set_params", "fit", *(["score"] if scoring is None else [])):
        if isinstance(estimator, type) or not hasattr(estimator, name):
            raise TypeError(f"sweep: got estimator={estimator!r}, expected one that has {name}")
    if isinstance(scoring, str):
        try:
            from sklearn.metrics import get_scorer
        except ImportError as error:
            raise ImportError(f"sweep: scoring={scoring!r} needs scikit-learn: pip install scikit-learn") from error
        return get_scorer(scoring)
    if scoring is not None and not callable(scoring):
        raise TypeError(f"sweep: got scoring={scoring!r}, expected None, a name or a callable (estimator, X, y)")
    return scoring


def n_samples(X, name="X"):
    """Return the number of samples of an array or a list; TypeError for anything else."""
    if not hasattr(X, "__len__") and not getattr(X, "shape", ()):
        raise TypeError(f"sweep: got {name}={X!r}, expected samples, such as an array")
    return X.shape[0] if hasattr(X, "shape") else len(X)
