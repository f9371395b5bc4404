"""Processes of this machine, each with a pipe of its own: one that dies takes nothing but its task with it."""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import sys
import threading
from typing import Any

from npae.sweeping.job import Lost


class Processes:
    """As many processes as a ProcessPoolExecutor would have, started as it would start them.

    The pool itself breaks as a whole when one of its processes dies, and takes the tasks of all others with it; so its
    size, start method and initializer are taken, and the processes are the sweep's own. Each gets the job when it
    starts: by fork as it is, otherwise through the pipe.
    """

    broken = None

    def __init__(self, executor, job):
        self.context = getattr(executor, "_mp_context", None) or multiprocessing.get_context()
        self.capacity = getattr(executor, "_max_workers", None) or os.cpu_count() or 1
        self.initializer = getattr(executor, "_initializer", None), getattr(executor, "_initargs", ())
        self.forks = self.context.get_start_method() == "fork"
        self.job, self.packed = job, None if self.forks else pickled(job, "the estimator, the data and the scoring")
        self.idle, self.busy = [], {}  # workers; worker -> task

    def start(self, task):
        """Give a task to a worker that is idle, or to a new one."""
        packed = pickled(task, "the values of the grid")
        worker = self.idle.pop() if self.idle else self._worker()
        self.busy[worker] = task
        with contextlib.suppress(OSError):  # it has died: `wait` will tell
            worker.pipe.send_bytes(packed)

    def wait(self):
        """(task, what came of it) of those that are done, when there are any."""
        ends = {end: worker for worker in self.busy for end in (worker.pipe, worker.process.sentinel)}
        ready = {ends[end] for end in multiprocessing.connection.wait(list(ends))}
        done = []
        for worker in ready:
            task = self.busy.pop(worker)
            outcome = worker.answer()
            if isinstance(outcome, Lost):
                worker.end(now=True)
            else:
                self.idle.append(worker)
            done.append((task, outcome))
        return done

    def close(self, now=False):
        """End the processes: when they have done what they do, or now."""
        for worker in [*self.idle, *self.busy]:
            worker.end(now)
        self.idle, self.busy = [], {}

    def _worker(self):
        worker = _Worker(self.context, self.job if self.forks else None, self.initializer)
        if not self.forks:
            with contextlib.suppress(OSError):
                worker.pipe.send_bytes(self.packed)
        return worker


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, context, job, initializer):
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, job, *initializer), daemon=True)
        with _without_interrupts(context):
            self.process.start()
        theirs.close()

    def answer(self):
        """What the process has sent; Lost, with how it ended, where it will send nothing more."""
        with contextlib.suppress(EOFError, OSError):
            if self.pipe.poll():
                return self.pipe.recv()
        self.process.join(5)
        code = self.process.exitcode
        names = {-each: f"killed by {each.name}" for each in signal.Signals}
        return Lost(f"its process ended, {names.get(code, f'with status {code}')}")

    def end(self, now):
        """Let the process go, or end it at once."""
        if now:
            self.process.kill()
        else:
            with contextlib.suppress(OSError):
                self.pipe.send_bytes(b"")  # closing alone does not tell: processes forked later hold the pipe, too
        self.process.join()
        self.pipe.close()
        self.process.close()


def _work(pipe, job, initializer, initargs):
    """What a process does: read the job, then task after task, until nobody listens."""
    with contextlib.suppress(ValueError, AttributeError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if job is not None and "dask" in sys.modules:  # an array of Dask's would wait for threads that were not forked
        sys.modules["dask"].config.set(scheduler="synchronous")
    if initializer is not None:
        initializer(*initargs)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        if job is None:
            job = pickle.loads(pipe.recv_bytes())
        while task := pipe.recv_bytes():
            pipe.send(job.run(pickle.loads(task)))


def _end_with_parent():
    """Where the parent is killed nobody wants the result."""
    parent: Any = multiprocessing.parent_process()
    parent.join()
    os._exit(1)


def pickled(thing, what):
    """The bytes of what goes to a worker, or a TypeError that says what cannot go there."""
    try:
        return pickle.dumps(thing, protocol=5)
    except Exception as error:
        raise TypeError(
            f"sweep: got {what}, which cannot be sent to a process ({error}); expected what pickle takes: no lambdas, "
            "no classes made within functions"
        ) from error


@contextlib.contextmanager
def _without_interrupts(context):
    """A process that starts within does not hear Ctrl-C until it says so itself."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    if context.get_start_method() != "fork":
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # when it starts, it sets the mask itself
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
