"""A hot standby of a test's cluster."""
import os
import pwd
import tempfile

from tg.ports import free_port
from tg.postgres import Cluster, program


class Standby(Cluster):
    def __init__(self, primary, port=None):
        self.port = port or free_port()
        self.folder = tempfile.mkdtemp(prefix="tollgate-pg-")
        self.data = os.path.join(self.folder, "data")
        self.touched, self.stops, self._user = set(), 0, {}
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        self._run(program("pg_basebackup"), "-D", self.data, "-h", "127.0.0.1", "-p", str(primary.port),
                  "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "--no-sync")
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a", encoding="utf-8") as f:
            f.write(f"port = {self.port}\nunix_socket_directories = '{self.folder}'\n")
        self.start()

    def promote(self):
        self._run(program("pg_ctl"), "promote", "-w", "-D", self.data)
