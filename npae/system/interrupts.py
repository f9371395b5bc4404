"""What Ctrl-C means: in one fit, keep what was learned; in a loop over fits, end the loop."""

import contextlib
import contextvars
from typing import Any

_raising = contextvars.ContextVar("raising", default=False)
_ended: contextvars.ContextVar[Any] = contextvars.ContextVar("ended", default=None)


@contextlib.contextmanager
def raise_interrupts():
    """While this lasts, Ctrl-C leaves `fit` as KeyboardInterrupt instead of ending it early with a warning.

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
    """Whether a `raise_interrupts` is under way."""
    return _raising.get()


@contextlib.contextmanager
def ended_by(event):
    """While this lasts a fit of this thread ends by KeyboardInterrupt, after its epoch, when the event is set.

    Ctrl-C comes to the main thread alone; this is how it tells the others.
    """
    token = _ended.set(event)
    try:
        yield
    finally:
        _ended.reset(token)


def check_ended():
    """Raise KeyboardInterrupt where the event of an `ended_by` is set."""
    event = _ended.get()
    if event is not None and event.is_set():
        raise KeyboardInterrupt
