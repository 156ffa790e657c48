"""A stream for the alert loop's log that never blocks it: who reads our standard error may hang, and alerts may not."""

import io
import queue
import sys
import threading
from contextlib import suppress

_LINES_MAX = 1000


class AsideStream(io.TextIOBase):
    """Writes to standard error from a thread of its own; what does not fit in is dropped."""

    def __init__(self) -> None:
        self._lines: queue.Queue[str] = queue.Queue(_LINES_MAX)
        threading.Thread(target=self._write_on, name="log", daemon=True).start()

    def write(self, text: str) -> int:
        """Put a line on the way."""
        with suppress(queue.Full):
            self._lines.put_nowait(text)
        return len(text)

    def _write_on(self) -> None:
        while True:
            line = self._lines.get()
            with suppress(OSError, ValueError):
                sys.stderr.write(line)
                sys.stderr.flush()
