"""C programs and libraries of the tests' own, compiled when a test first asks for them."""
import functools
import os
import subprocess
import tempfile

from tg.gateway import BINARY, ROOT

WARNINGS = ["-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-std=gnu11"]


@functools.lru_cache(None)
def _folder():
    return tempfile.TemporaryDirectory(prefix="tollgate-test-")


SANITIZERS = {"asan": ["-fsanitize=address,undefined"], "tsan": ["-fsanitize=thread"]}
LIBRARIES = ["libevent", "libevent_openssl", "openssl", "libpq", "libcjson"]


@functools.lru_cache(None)
def build(source, shared=False):
    """The program, or shared library, of a source below test/."""
    name = os.path.splitext(os.path.basename(source))[0] + (".so" if shared else "")
    target = os.path.join(_folder().name, name)
    how = ["-shared", "-fPIC"] if shared else []
    subprocess.run(["gcc", *WARNINGS, *how, "-o", target, os.path.join(ROOT, "test", source),
                    "-ldl", "-pthread"], check=True)
    return target


@functools.lru_cache(None)
def build_with_library(source):
    """The program of a source below test/, with what the tested one is made of."""
    folder = os.path.dirname(BINARY)
    target = os.path.join(_folder().name, os.path.splitext(os.path.basename(source))[0])
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", *LIBRARIES], check=True,
                           capture_output=True, text=True).stdout.split()
    subprocess.run(["gcc", *WARNINGS, *SANITIZERS.get(os.path.basename(folder), []), "-I", ROOT,
                    "-o", target, os.path.join(ROOT, "test", source),
                    os.path.join(folder, "libtollgate.a"), *flags, "-lcjose", "-lcurl", "-lm",
                    "-pthread"], check=True)
    return target
