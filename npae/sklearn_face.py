"""The scikit-learn conventions without scikit-learn: parameters, input checks, fitted state, tags, output frames.

scikit-learn is looked at only where it is loaded already, so that its tools (clone, Pipeline, GridSearchCV,
check_estimator) accept these estimators and this package does not need it. Buitinck et al. (2013), API design for
machine learning software.
"""

import inspect
import sys

import numpy as np

from npae.validation import check_array


class NotFittedError(ValueError, AttributeError):
    """An estimator was asked for something that only `fit` provides."""


class Estimator:
    """get_params, set_params, and the checks that fit and transform share."""

    n_features_in_: int
    n_components: int

    @classmethod
    def _parameter_names(cls):
        return sorted(name for name in inspect.signature(cls.__init__).parameters if name != "self")

    def get_params(self, deep=True):
        """The constructor's arguments by name; `deep` is accepted for compatibility."""
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self, **params):
        """Set constructor arguments by name; raises ValueError for a name that the constructor does not have."""
        names = self._parameter_names()
        for name, value in params.items():
            if name not in names:
                raise ValueError(f"Invalid parameter {name!r} for {type(self).__name__}: expected one of {names}")
            setattr(self, name, value)
        return self

    def __repr__(self):
        defaults = inspect.signature(type(self).__init__).parameters
        changed = {name: value for name, value in self.get_params().items() if value is not defaults[name].default}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in changed.items())})"

    def __sklearn_tags__(self):
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type="transformer",
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=["float64", "float32"]),
            input_tags=InputTags(),
        )

    def _check_fit(self, X, *, reset=True):
        """X checked for fit; sets n_features_in_ and, for frames with string columns, feature_names_in_."""
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
        """As scikit-learn words it: names seen in fit must be seen again, in their order."""
        fitted = getattr(self, "feature_names_in_", None)
        if fitted is None or names is None or list(names) == list(fitted):
            return
        lines = ["The feature names should match those that were passed during fit."]
        unseen, missing = sorted(set(names) - set(fitted)), sorted(set(fitted) - set(names))
        for title, some in (
            ("Feature names unseen at fit time:", unseen),
            ("Feature names seen at fit time, yet now missing:", missing),
        ):
            if some:
                lines += [title, *(f"- {name}" for name in some[:5]), *(["- ..."] if len(some) > 5 else [])]
        if not unseen and not missing:
            lines.append("Feature names must be in the same order as they were in fit.")
        raise ValueError("\n".join(lines) + "\n")

    @property
    def _n_features_out(self):
        return self.n_components

    def get_feature_names_out(self, input_features=None):
        """Names of the columns that transform returns: class name and number, in lower case."""
        self._check_fitted("n_features_in_")
        return np.array([f"{type(self).__name__.lower()}{k}" for k in range(self._n_features_out)], dtype=object)

    def set_output(self, *, transform=None):
        """Let transform return 'default' arrays, or 'pandas' or 'polars' frames; None leaves it as it is."""
        if transform not in (None, "default", "pandas", "polars"):
            raise ValueError(f"set_output: got transform={transform!r}, expected 'default', 'pandas' or 'polars'")
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def _frame(self, h, X):
        """h as `set_output`, or scikit-learn's configuration, asks for it; X lends a pandas index."""
        config = _sklearn("sklearn", "get_config", dict)()
        kind = getattr(self, "_sklearn_output_config", {}).get("transform", config.get("transform_output", "default"))
        if kind == "default":
            return h
        columns = list(self.get_feature_names_out())
        if kind == "pandas":
            import pandas

            return pandas.DataFrame(h, columns=columns, index=getattr(X, "index", None), copy=False)
        import polars

        return polars.DataFrame(h, schema=columns, orient="row")


def _sklearn(module, name, otherwise):
    """scikit-learn's object where scikit-learn is loaded."""
    return getattr(sys.modules[module], name, otherwise) if module in sys.modules else otherwise


def _feature_names(X):
    columns = getattr(X, "columns", None)
    if columns is None:
        return None
    names = np.asarray(list(columns), dtype=object)
    strings = [isinstance(name, str) for name in names]
    if all(strings) and len(names):
        return names
    if any(strings):
        kinds = sorted({type(name).__name__ for name in names})
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your input has "
            f"{kinds} as feature name / column name types."
        )
    return None
