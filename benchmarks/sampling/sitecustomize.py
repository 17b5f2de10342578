"""On the module path of a service that is profiled: its half named by `ANJU_SAMPLED` notes where its main thread's CPU time goes.

A timer on CPU time interrupts the process; the handler runs on the main thread, between two instructions of Python, and adds the CPU time
that this thread took since the last time to the place where it stands. Nothing is charged to a thread that waits, and the sum of
all places is what the thread took. What the event loop does in C before it calls Python (selecting, reading a socket) shows as an
interruption at the first instruction of what it calls, and is noted as the loop's own. The garbage collector runs wherever something
is allocated, which says nothing of that place: it has one of its own.

SIGUSR1 begins anew; SIGUSR2 writes what there is to the file named by `ANJU_SAMPLES`.
"""

import os
import sys

if os.environ.get("ANJU_SAMPLED") in sys.orig_argv and "gateway" in sys.orig_argv:
    import gc
    import json
    import signal
    import threading
    import time
    from pathlib import Path
    from types import FrameType

    _EVERY_S = 0.001
    _LOOP = ("the event loop and the kernel's sockets", "", 0)
    _COLLECTOR = ("collecting garbage", "", 0)
    _places: dict[tuple[tuple[str, str, int], ...], float] = {}
    _since = [0.0]
    _collecting = [False]
    _main = threading.get_ident()

    def _stack(frame: FrameType | None) -> tuple[tuple[str, str, int], ...]:
        """Innermost first, up to where the event loop called."""
        stack: list[tuple[str, str, int]] = []
        while frame is not None:
            name = frame.f_code.co_filename
            if "asyncio/" in name and name.endswith(("runners.py", "base_events.py")):
                break
            if not stack and frame.f_lineno == frame.f_code.co_firstlineno and _called_by_loop(frame.f_back):
                return (_LOOP,)
            stack.append((name, frame.f_code.co_name, frame.f_lineno))
            frame = frame.f_back
        return tuple(stack) or (_LOOP,)

    def _called_by_loop(frame: FrameType | None) -> bool:
        return frame is None or "asyncio/runners.py" in frame.f_code.co_filename or "uvloop/" in frame.f_code.co_filename

    def _sample(_number: int, frame: FrameType | None) -> None:
        now = time.thread_time()
        stack = (_COLLECTOR,) if _collecting[0] else _stack(frame)
        _places[stack] = _places.get(stack, 0.0) + now - _since[0]
        _since[0] = time.thread_time()

    def _note(phase: str, _info: dict[str, int]) -> None:
        """A sample that falls into a collection is handled at the first instruction of this, while it still counts as one."""
        if threading.get_ident() == _main:
            _collecting[0] = phase == "start"

    def _begin(_number: int, _frame: FrameType | None) -> None:
        _places.clear()
        _since[0] = time.thread_time()

    def _write(_number: int, _frame: FrameType | None) -> None:
        path = Path(os.environ["ANJU_SAMPLES"])
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps([[stack, seconds] for stack, seconds in _places.items()]), encoding="utf-8")
        draft.rename(path)

    gc.callbacks.append(_note)
    signal.signal(signal.SIGPROF, _sample)
    signal.signal(signal.SIGUSR1, _begin)
    signal.signal(signal.SIGUSR2, _write)
    signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)
