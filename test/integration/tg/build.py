"""C programs and libraries of the tests' own, compiled when a test first asks for them."""
import functools
import os
import subprocess
import tempfile

from tg.gateway import ROOT

WARNINGS = ["-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-std=gnu11"]


@functools.lru_cache(None)
def _folder():
    return tempfile.TemporaryDirectory(prefix="tollgate-test-")


@functools.lru_cache(None)
def build(source, shared=False):
    """The program, or shared library, of a source below test/."""
    name = os.path.splitext(os.path.basename(source))[0] + (".so" if shared else "")
    target = os.path.join(_folder().name, name)
    how = ["-shared", "-fPIC"] if shared else []
    subprocess.run(["gcc", *WARNINGS, *how, "-o", target, os.path.join(ROOT, "test", source),
                    "-ldl", "-pthread"], check=True)
    return target
