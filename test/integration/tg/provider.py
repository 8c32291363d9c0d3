"""A provider of sign-ins: keys, a set of them in a file, and JWTs, made with openssl alone."""
import base64
import json
import os
import re
import subprocess
import time


def b64(data):
    if not isinstance(data, bytes):
        data = data.encode() if isinstance(data, str) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def _raw(der):
    """r and s of an ECDSA signature, 32 bytes each (RFC 7518 3.4)."""
    numbers, at = b"", 2
    for _ in range(2):
        size = der[at + 1]
        numbers += der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + size
    return numbers


class Key:
    def __init__(self, folder, kid, algorithm="RS256"):
        self.kid, self.algorithm = kid, algorithm
        self.file = os.path.join(folder, f"{kid}.pem")
        how = ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if algorithm == "RS256" else [
            "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        _openssl("genpkey", "-algorithm", *how, "-out", self.file)
        self.public_pem = _openssl("pkey", "-in", self.file, "-pubout")

    def sign(self, text):
        signature = _openssl("dgst", "-sha256", "-sign", self.file, data=text.encode())
        return signature if self.algorithm == "RS256" else _raw(signature)

    def jwk(self):
        text = _openssl("pkey", "-in", self.file, "-noout", "-text_pub").decode()
        number = bytes.fromhex(re.sub(r"[^0-9a-f]", "", re.search(
            r"(?:Modulus|pub):\n((?: +[0-9a-f:]+\n)+)", text)[1]))
        about = {"kid": self.kid, "alg": self.algorithm, "use": "sig"}
        if self.algorithm == "RS256":
            return {**about, "kty": "RSA", "n": b64(number.lstrip(b"\0")), "e": "AQAB"}
        return {**about, "kty": "EC", "crv": "P-256", "x": b64(number[1:33]), "y": b64(number[33:])}


class Provider:
    """`issuer` signs with .keys, whose set is in .jwks_file."""

    def __init__(self, folder, issuer, *algorithms):
        self.issuer = issuer
        os.makedirs(folder, exist_ok=True)
        self.keys = [Key(folder, f"key-{a}", a) for a in algorithms or ("RS256",)]
        self.stranger = Key(folder, "stranger")  # in no set
        self.jwks_file = os.path.join(folder, "jwks.json")
        self.issued_at = int(time.time()) - 3000
        self.publish(self.keys)

    def publish(self, keys):
        with open(self.jwks_file + ".new", "w", encoding="utf-8") as f:
            json.dump({"keys": [k.jwk() for k in keys]}, f)
        os.replace(self.jwks_file + ".new", self.jwks_file)

    def token(self, key=None, header=None, raw_claims=None, raw_header=None, signature=None, **claims):
        """A JWT, newer than those before it; claims and members of the header that are None are left out."""
        key = key or self.keys[0]
        now = int(time.time())
        self.issued_at += 1
        header = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT", **(header or {})}
        claims = {"iss": self.issuer, "sub": "user_1", "iat": self.issued_at, "nbf": now, "exp": now + 300, **claims}
        text = ".".join(b64(raw if raw is not None else {n: v for n, v in members.items() if v is not None})
                        for raw, members in ((raw_header, header), (raw_claims, claims)))
        signature = key.sign(text) if signature is None else signature
        return f"{text}.{b64(signature)}"
