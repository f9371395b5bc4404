"""A download with limits: so many bytes, no slower than so much; every way to fail is an OSError."""

import threading
import time
from http.client import HTTPException, IncompleteRead
from urllib.error import HTTPError
from urllib.request import urlopen

SLOWEST = 4096  # bytes a second, over each `timeout`
PIECE = 2**16


def download(url: str, timeout: float, max_bytes: int, slowest: float = SLOWEST) -> bytes:
    """The whole body at an address, at most max_bytes of it.

    Raises OSError for an address or an answer that is none, for a body that is cut short or longer than max_bytes, and
    for a mirror that in any `timeout` seconds sends less than `slowest` bytes a second; it is then left alone.
    """
    transfer = _Transfer(url, timeout, max_bytes)
    thread = threading.Thread(target=transfer.run, daemon=True, name=f"download of {url}")
    thread.start()
    before = 0
    while True:
        started = time.monotonic()
        thread.join(timeout)
        if not thread.is_alive():
            break
        got = len(transfer.body)
        if got - before < slowest * timeout:
            transfer.stop = True
            seconds = time.monotonic() - started
            raise OSError(
                f"too slow, got {got - before:,} bytes in {seconds:.3g} s, expected at least {slowest:,} a second"
            )
        before = got
    if transfer.error is not None:
        raise transfer.error
    return bytes(transfer.body)


class _Transfer:
    """One download in a thread of its own, so that a mirror which drips can be left."""

    def __init__(self, url, timeout, max_bytes):
        self.url, self.timeout, self.max_bytes = url, timeout, max_bytes
        self.body = bytearray()
        self.error = None
        self.stop = False

    def run(self):
        """Fill the body, or say what went wrong."""
        try:
            with urlopen(self.url, timeout=self.timeout) as response:
                while not self.stop and (piece := response.read1(PIECE)):
                    self.body += piece
                    if len(self.body) > self.max_bytes:
                        raise OSError(f"too long, got more than the {self.max_bytes:,} bytes that were expected")
                left = getattr(response, "length", None)
            if left and not self.stop:
                raise OSError(f"truncated, got {len(self.body)} bytes, expected {len(self.body) + left}")
        except HTTPError as error:
            error.close()  # it holds the connection
            self.error = error
        except IncompleteRead as error:
            self.error = OSError(f"truncated, got {len(self.body) + len(error.partial)} bytes, expected more")
        except HTTPException as error:
            self.error = OSError(f"not an HTTP answer ({error!r})")
        except ValueError as error:  # of an address that is none, given or redirected to
            self.error = OSError(f"not an address ({error})")
        except Exception as error:
            self.error = error if isinstance(error, OSError) else OSError(repr(error))
