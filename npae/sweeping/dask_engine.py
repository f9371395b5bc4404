"""Dask: the job is scattered to every worker; a worker that dies is seen by the starts that it leaves behind."""

import contextlib

from npae.sweeping.futures import Futures
from npae.sweeping.job import Lost, Retried

TOPIC = "npae-sweep"


class Dask(Futures):
    """The executor of a client of `distributed`. Dask itself gives the tasks of a dead worker to another.

    A worker that dies within milliseconds of a task's start may not have told of it: its task is done again all the
    same, and not reported.
    """

    def __init__(self, executor, job):
        self.client = executor._client
        super().__init__(executor, job)
        self.scattered = self._scatter()
        self.told = {}  # key -> runs that are known to have been lost

    def _workers(self):
        return max(1, sum(self.client.nthreads().values()))

    def _scatter(self):
        return self.client.scatter(self.job, broadcast=True, hash=False)

    def _submit(self, task):
        if self.scattered.status in ("lost", "cancelled", "error"):  # every worker that had it has died
            self.scattered = self._scatter()
        return self.executor.submit(run_scattered, self.scattered, task, self.scattered.key, pure=False)

    def wait(self):
        """(task, what came of it), and a Lost before it for each run that a dead worker took with it."""
        done = []
        for task, outcome in super().wait():
            runs = self._runs(task)
            for _ in range(runs - 1 - self.told.get(task.key, 0)):
                done.append((task, Retried("its worker died; Dask gave the task to another")))
            self.told[task.key] = runs - 1 if not isinstance(outcome, Lost) else runs
            done.append((task, outcome))
        return done

    def _runs(self, task):
        """How often the task has been begun."""
        events = self.client.get_events(TOPIC)
        return sum(isinstance(event, dict) and event.get("task") == task.key and event.get("job") == self.scattered.key
                   for _, event in events)  # fmt: skip


def run_scattered(job, task, name):
    """In a worker: say that the task begins, and do it."""
    from distributed import get_worker

    with contextlib.suppress(ValueError):
        get_worker().log_event(TOPIC, {"task": task.key, "job": name})
    return job.run(task)
