"""Keras, without what TensorFlow prints beside it. Import Keras from here and nowhere else.

TensorFlow says on stderr which instructions it could use and, on some processors twice, that oneDNN is on. No
variable silences that: its library prints it before it reads TF_CPP_MIN_LOG_LEVEL. So stderr passes through
a filter while Keras is imported. The filter is a process of its own, so that the last words of an import that
crashes are printed too.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["keras", "ops"]

# Ctrl-C reaches the filter too; it ends when the import has ended.
_FILTER = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
for line in sys.stdin.buffer:
    if b"absl::InitializeLog()" not in line and b"oneDNN custom operations are on" not in line:
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""


@contextmanager
def _filtered_stderr() -> Iterator[None]:
    """Keep those lines from stderr, which a library in C++ prints past that of Python."""
    kept, (read, write) = os.dup(2), os.pipe()
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", _FILTER], stdin=read):
        os.dup2(write, 2)
        os.close(read)
        os.close(write)
        try:
            yield
        finally:
            os.dup2(kept, 2)  # nothing else holds the pipe: the filter reads its end
            os.close(kept)


# Keras' own predict is traced anew for each model of a study, which TensorFlow doubts at length.
logging.getLogger("tensorflow").addFilter(lambda record: "retracing" not in record.getMessage())
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow reads it while it loads
with _filtered_stderr():
    import keras
    from keras import ops
