"""A certificate authority for the tests, by the openssl command."""
import os
import ssl
import subprocess


def _openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Authority:
    def __init__(self, folder, name="Tollgate test CA"):
        self.folder = folder
        self.file = os.path.join(folder, "ca.pem")
        self._key = os.path.join(folder, "ca.key")
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", self._key, "-out", self.file, "-days", "30", "-subj", f"/CN={name}",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def server_files(self, names, expired=False, common_name="server"):
        """(certificate, key) of a server called names ("DNS:x" or "IP:127.0.0.1")."""
        stem = os.path.join(self.folder, f"server{len(os.listdir(self.folder))}")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", f"{stem}.key", "-out", f"{stem}.csr", "-subj", f"/CN={common_name}")
        with open(f"{stem}.ext", "w", encoding="ascii") as f:
            f.write(f"subjectAltName={','.join(names)}\n" if names else "basicConstraints=CA:FALSE\n")
        database, config = f"{stem}.db", f"{stem}.cnf"
        open(database, "w", encoding="ascii").close()
        with open(config, "w", encoding="ascii") as f:
            f.write(f"[ca]\ndefault_ca=c\n[c]\ndatabase={database}\nnew_certs_dir={self.folder}\n"
                    "rand_serial=yes\ndefault_md=sha256\npolicy=p\nunique_subject=no\n"
                    "[p]\ncommonName=supplied\n")
        period = ("20200101000000Z", "20200201000000Z") if expired else \
            ("20240101000000Z", "20490101000000Z")
        _openssl("ca", "-batch", "-config", config, "-cert", self.file, "-keyfile", self._key,
                 "-in", f"{stem}.csr", "-out", f"{stem}.pem", "-notext", "-extfile",
                 f"{stem}.ext", "-startdate", period[0], "-enddate", period[1])
        return f"{stem}.pem", f"{stem}.key"

    def server_context(self, names, expired=False, **how):
        """A TLS server's context with such a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server_files(names, expired, **how))
        return context
