"""A power cut, as it may leave the folder of the usage journal behind."""
import os
import random
import shutil

from tg.build import build

PAGE = 4096


class Power:
    """Watches what a gateway syncs; cut() takes the rest away. The gateway is started with env."""

    def __init__(self, folder, watched):
        self.watched = watched
        self.copies = os.path.join(folder, "synced")
        os.makedirs(self.copies)
        self.env = {"LD_PRELOAD": build("preload/faults.c", shared=True),
                    "TOLLGATE_TEST_SYNCED": self.copies, "TOLLGATE_TEST_SYNCED_OF": watched}

    def times(self):
        """[("write" or "sync", monotonic seconds)], as they came."""
        try:
            with open(os.path.join(self.copies, "times"), encoding="ascii") as f:
                lines = [line.split() for line in f if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [(what, float(at)) for what, at in lines]

    def rounds(self):
        """When all that was written had been synced, be it of several files; told once more is
        written. Whatever was appended before the one is on the disk with the next."""
        ends, synced = [], None
        for what, at in self.times():
            if what == "sync":
                synced = at
            elif synced is not None:
                ends.append(synced)
                synced = None
        return ends

    def cut(self, chance_of_page=0.0, seed=0):
        """The gateway was killed. Of files that were never synced, like mapped ones, each page
        may have reached the disk or not."""
        lost = self.watched + ".before"
        os.rename(self.watched, lost)
        self._restore(self._inode(lost), self.watched, lost, random.Random(seed), chance_of_page)
        shutil.rmtree(lost)

    def _inode(self, path):
        inode = f"{os.stat(path).st_ino}-"
        return next(name for name in os.listdir(self.copies) if name.startswith(inode))

    def _restore(self, inode, to, lost, rnd, chance):
        os.mkdir(to, 0o700)
        listed = os.path.join(self.copies, inode)
        if not os.path.exists(listed):
            return
        with open(listed, encoding="utf-8") as f:
            entries = [line.rstrip("\n").split(" ", 3) for line in f]
        for kind, entry, size, name in entries:
            path, before = os.path.join(to, name), os.path.join(lost, name)
            if kind == "d":
                self._restore(entry, path, before, rnd, chance)
            elif os.path.exists(os.path.join(self.copies, entry)):
                shutil.copy(os.path.join(self.copies, entry), path)
            else:
                self._pages(path, before, int(size), rnd, chance)

    @staticmethod
    def _pages(path, before, size, rnd, chance):
        pages = bytearray(size)
        if os.path.exists(before):
            with open(before, "rb") as f:
                for at in range(0, size, PAGE):
                    page = f.read(PAGE)
                    if rnd.random() < chance:
                        pages[at:at + len(page)] = page
        with open(path, "wb") as f:
            f.write(pages)
