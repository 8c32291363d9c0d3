"""Host names of a test's own, for a process that is started with `env` (test/preload/names.c)."""
import os

from tg.build import build


class Names:
    def __init__(self, folder):
        self.file = os.path.join(str(folder), "names")
        self.no_threads = os.path.join(str(folder), "no-threads")
        self._lines = {}
        self.env = {"LD_PRELOAD": build("preload/names.c", shared=True),
                    "TOLLGATE_TEST_NAMES": self.file,
                    "TOLLGATE_TEST_NO_THREADS": self.no_threads}
        self._write()

    def _write(self):
        fresh = self.file + ".new"
        with open(fresh, "w", encoding="ascii") as f:
            f.writelines(" ".join([name, *words]) + "\n" for name, words in self._lines.items())
        os.rename(fresh, self.file)

    def set(self, name, *addresses):
        """No address: the name does not exist."""
        self._lines[name] = addresses
        self._write()

    def hang(self, *names):
        for name in names:
            self.set(name, "hang")

    def calls(self, name):
        """How often it has been looked up."""
        try:
            with open(self.file + ".calls", encoding="ascii") as f:
                return f.read().split().count(name)
        except FileNotFoundError:
            return 0

    def forbid_threads(self, forbidden=True):
        if forbidden:
            open(self.no_threads, "w", encoding="ascii").close()
        else:
            os.unlink(self.no_threads)
