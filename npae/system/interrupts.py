"""What Ctrl-C means: in one fit, keep what was learned; in a loop over fits, end the loop."""

import contextlib
import contextvars

_raising = contextvars.ContextVar("raising", default=False)


@contextlib.contextmanager
def raise_interrupts():
    """Let Ctrl-C leave `fit` as KeyboardInterrupt, for the duration, instead of ending it early with a warning.

        with npae.raise_interrupts():
            cross_val_score(Autoencoder(16), X)

    For loops over fits, whose results would otherwise be of a half-trained model. What npae itself does in loops
    (`npae demo`, `npae.sweep`, `npae gradcheck`) does it inside of one.
    """
    token = _raising.set(True)
    try:
        yield
    finally:
        _raising.reset(token)


def interrupts_raise():
    """Return True inside of a `raise_interrupts`."""
    return _raising.get()
