"""The gradient checker on code, compared with other checkers: `python -m benchmarks.robustness.checker`.

`functions` and `layers` are own code in the patterns and protocols of course solutions, from-scratch books and NumPy
libraries; `mutants` plants one-line bugs in their source; `rivals` asks SciPy, autograd, PyTorch and the relative error
of a well-known course the same question. What goes wrong in public code, by kind: README.md beside this file.
"""
