"""What engines share that hand tasks to an executor of `concurrent.futures`."""

import os
import pickle
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError
from concurrent.futures import wait as wait_for

from npae.sweeping.job import Lost


class Futures:
    """An engine of futures; a subclass has `_submit(task)`, which gives the future of an Outcome."""

    def __init__(self, executor, job):
        self.executor, self.job = executor, job
        self.capacity = 2 * self._workers()  # the next task waits where the worker is
        self.running, self.refused = {}, []  # future -> task; (task, Lost)
        self.broken = None

    def _submit(self, task):
        raise NotImplementedError

    def _workers(self):
        for name in ("num_workers", "_max_workers"):
            number = getattr(self.executor, name, None)
            if isinstance(number, int) and number > 0:
                return number
        return os.cpu_count() or 1

    def start(self, task):
        """Hand a task to the executor."""
        try:
            self.running[self._submit(task)] = task
        except BrokenExecutor as error:
            self.refused.append((task, self._broke(error)))

    def wait(self):
        """(task, what came of it) of those that are done, when there are any."""
        done, self.refused = self.refused, []
        for future in wait_for(self.running, None if not done else 0, FIRST_COMPLETED).done:
            task = self.running.pop(future)
            outcome = self._outcome(task, future)
            if outcome is not None:
                done.append((task, outcome))
        return done

    def _outcome(self, task, future):
        try:
            return future.result()
        except BrokenExecutor as error:
            return self._broke(error)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise TypeError(f"sweep: got a task that cannot be sent to a worker ({error})") from error
        except (Exception, CancelledError) as error:
            return Lost(f"{type(error).__name__}: {error}")

    def _broke(self, error):
        self.broken = error
        return Lost(f"{type(error).__name__}: {error}")

    def close(self, now=False):
        """Take back what has not begun."""
        for future in self.running:
            future.cancel()
        self.running = {}
