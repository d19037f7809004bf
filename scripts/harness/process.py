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


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def start(arguments, **options):
    """Popen; the kernel kills the child when this process ends in whatever way."""
    options.setdefault("stdin", subprocess.DEVNULL)
    return _starter.submit(subprocess.Popen, [str(a) for a in arguments],
                           preexec_fn=_die_with_parent, **options).result()


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
