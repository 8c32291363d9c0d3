"""A hot standby of a test's cluster."""
import os

from tg.ports import free_port
from tg.postgres import Cluster, program


class Standby(Cluster):
    def __init__(self, primary, port=None):
        self._begin(port or free_port())
        self._run(program("pg_basebackup"), "-D", self.data, "-h", "127.0.0.1", "-p", str(primary.port),
                  "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "--no-sync")
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a", encoding="utf-8") as f:
            f.write(f"port = {self.port}\nunix_socket_directories = '{self.folder}'\n")
        self.start()

    def promote(self):
        self._run(program("pg_ctl"), "promote", "-w", "-D", self.data)
