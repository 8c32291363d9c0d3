"""Debian's nginx with config/nginx.conf as it is, only ports, certificates and the log replaced."""
import os
import re
import subprocess

from tg.gateway import ROOT
from tg.ports import free_port
from tg.wait import eventually

FRAME = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log info;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


class Nginx:
    def __init__(self, folder, gateway, certificate, key, sockets=None, user="root"):
        """sockets: paths of the gateway's and the manager's, in place of ports."""
        self.folder, self.port = folder, free_port()
        with open(os.path.join(ROOT, "config", "nginx.conf"), encoding="utf-8") as f:
            site = f.read()
        servers = [f"unix:{path}" for path in sockets or ()] or [f"127.0.0.1:{port}" for port in (
            gateway.port, gateway.manager_port)]
        for port, server in zip((8787, 8000), servers):
            site = site.replace(f"server 127.0.0.1:{port};", f"server {server};")
        site = site.replace("listen 443 ", f"listen 127.0.0.1:{self.port} ")
        site = re.sub(r"^\s*listen \[::\]:443 .*\n", "", site, flags=re.M)
        site = re.sub(r"(ssl_certificate)\s+\S+;", rf"\1 {certificate};", site)
        site = re.sub(r"(ssl_certificate_key)\s+\S+;", rf"\1 {key};", site)
        site = site.replace("/var/log/nginx/tollgate.log", f"{folder}/access.log")
        self._write("site.conf", site)
        self._write("nginx.conf", FRAME.format(folder=folder))
        if os.getuid() == 0:  # its workers run as another user
            self._write("nginx.conf", f"user {user};" + FRAME.format(folder=folder))
        self.process = subprocess.Popen(
            ["/usr/sbin/nginx", "-p", folder, "-e", f"{folder}/error.log",
             "-c", f"{folder}/nginx.conf"], stdin=subprocess.DEVNULL)
        eventually(lambda: os.path.exists(f"{folder}/pid") and os.path.getsize(f"{folder}/pid"),
                   "nginx runs")

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)

    def access_log(self):
        with open(f"{self.folder}/access.log", encoding="utf-8") as f:
            return f.read()

    def error_log(self):
        with open(f"{self.folder}/error.log", encoding="utf-8") as f:
            return f.read()

    def spooled(self):
        """Names of what nginx put on disk (it unlinks its files, so look at open ones too)."""
        names = []
        for kind in ("body", "proxy"):
            for _, _, files in os.walk(f"{self.folder}/{kind}"):
                names += files
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(children, encoding="ascii") as f:
            for pid in f.read().split():
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    target = os.readlink(f"/proc/{pid}/fd/{fd}")
                    if "/body/" in target or "/proxy/" in target:
                        names.append(target)
        return names

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
