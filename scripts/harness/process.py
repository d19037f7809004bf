# SPDX-License-Identifier: Apache-2.0
"""Child processes that do not outlive the harness."""

import concurrent.futures
import ctypes
import signal
import subprocess

_libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1

# "Parent" means the thread that forks, so one thread that stays forks for all.
_starter = concurrent.futures.ThreadPoolExecutor(max_workers=1)


# File descriptors that children have too.
_shared = []


def share(descriptor):
    """Children started from now on hold it too: a lock on it lasts until the last of them has gone."""
    _shared.append(descriptor)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def start(arguments, **options):
    """Popen; the kernel kills the child when this process ends in whatever way."""
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("pass_fds", tuple(_shared))
    return _starter.submit(subprocess.Popen, [str(a) for a in arguments],
                           preexec_fn=_die_with_parent, **options).result()


def complete(arguments, timeout):
    """A program that comes to its end though this process should not: cut off, it would leave
    children behind. Its CompletedProcess, with all that it said.
    """
    return subprocess.run([str(a) for a in arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=timeout, check=False, pass_fds=tuple(_shared))


def stop(child, patience=5):
    """Ends a child for certain; None is accepted."""
    if child is None or child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(patience)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
