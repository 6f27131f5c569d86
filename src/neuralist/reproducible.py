"""Have a stage round alike on every x86 processor: import this before NumPy, SciPy and TensorFlow.

These libraries choose instructions and numbers of threads by the machine. Each choice adds up in another
order, so the last bits of sums differ, and training drifts apart. Here the choices are made once, for any
processor with AVX2: Intel's since 2013, AMD's since 2017. The libraries read them from environment variables
while they load, so a script of `pipelines/` imports this module first. Whatever the environment already says
stays, as OPENBLAS_NUM_THREADS of a cluster.

| variable | what it holds fixed |
|---|---|
| OPENBLAS_CORETYPE | OpenBLAS' kernels: products and solvers of NumPy and SciPy, gensim's word vectors |
| OPENBLAS_NUM_THREADS | into how many parts a solver cuts a matrix |
| NPY_DISABLE_CPU_FEATURES | NumPy's own functions, as exp and log |
| TF_ENABLE_ONEDNN_OPTS | oneDNN's operations, which TensorFlow turns on where the processor has AVX512-VNNI |
| ONEDNN_MAX_CPU_ISA | oneDNN's matrix product, by which TensorFlow multiplies in any case |
| XLA_FLAGS | for which processor XLA compiles |
| TF_NUM_INTRAOP_THREADS | into how many parts TensorFlow cuts a sum |
"""

import os
from collections.abc import Mapping
from pathlib import Path

INSTRUCTIONS = {
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}
XLA = "--xla_cpu_max_isa=AVX2"
# One of OpenBLAS: it takes no more threads than there are cores, so any other number would depend on them.
THREADS = {"OPENBLAS_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "2"}


def settings(cpu_info: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables to add to an environment.

    Args:
        cpu_info: the text of Linux's /proc/cpuinfo; without AVX2 and FMA in it, on ARM for one, only the
            numbers of threads are fixed.
        environment: whose variables stay; to XLA_FLAGS one is added.
    """
    words = set(cpu_info.split())
    chosen = dict(THREADS)
    if {"avx2", "fma"} <= words:
        chosen |= INSTRUCTIONS
        flags = environment.get("XLA_FLAGS", "")
        if "--xla_cpu_max_isa" not in flags:
            return {"XLA_FLAGS": f"{flags} {XLA}".strip()} | _missing(chosen, environment)
    return _missing(chosen, environment)


def _missing(chosen: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in chosen.items() if name not in environment}


def _cpu_info() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # not Linux


os.environ.update(settings(_cpu_info(), os.environ))
