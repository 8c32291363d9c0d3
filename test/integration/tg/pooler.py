"""pgbouncer before a cluster."""
import os
import pwd
import shutil
import signal
import subprocess
import tempfile

import psycopg2

from tg.ports import free_port
from tg.wait import eventually


class Pooler:
    """mode: session or transaction; at most `size` sessions with PostgreSQL."""

    def __init__(self, cluster, mode, size=3):
        self.cluster, self.port = cluster, free_port()
        self.folder = tempfile.mkdtemp(prefix="tollgate-pgbouncer-")
        self.log = os.path.join(self.folder, "log")
        config = os.path.join(self.folder, "pgbouncer.ini")
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"[databases]\n* = host=127.0.0.1 port={cluster.port}\n[pgbouncer]\n"
                    f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
                    f"auth_type = any\npool_mode = {mode}\ndefault_pool_size = {size}\n"
                    f"server_round_robin = 1\nlogfile = {self.log}\n")
        user = {}
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        # auth_type = any takes the user from the [databases] line.
        with open(config, encoding="utf-8") as f:
            text = f.read().replace("port=%d\n" % cluster.port, "port=%d user=postgres\n" % cluster.port)
        with open(config, "w", encoding="utf-8") as f:
            f.write(text)
        self.process = subprocess.Popen([shutil.which("pgbouncer") or "/usr/sbin/pgbouncer", config],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd="/", **user)
        eventually(lambda: "process up" in self._said(), "pgbouncer is up")

    def _said(self):
        try:
            with open(self.log, encoding="utf-8") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def url(self, database):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def ask(self, database, statement):
        """As another client: in each try a connection of its own."""
        connection = psycopg2.connect(self.url(database), application_name="another")
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchone()
        finally:
            connection.close()

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)
