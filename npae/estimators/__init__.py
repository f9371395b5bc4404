"""Estimators with scikit-learn's conventions that train a network: `Autoencoder` and its base class."""
