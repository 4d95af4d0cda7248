"""Keys and certificates, made with the openssl command."""

import os
import subprocess

_KEYS = {
    "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa3072": ["RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "rsa4096": ["RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
    "pss": ["RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ec": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ec384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ed25519": ["ED25519"],
    "ed448": ["ED448"],
}


class Credentials:
    """An authority, and what it has signed: files in `directory`, each made when it is first asked for."""

    def __init__(self, directory):
        self._directory = directory

    @property
    def authority(self):
        """The authority's certificate."""
        self._make_authority()
        return self._path("ca.crt")

    def key(self, kind):
        path = self._path(kind + ".key")
        if not os.path.exists(path):
            self._openssl("genpkey", "-algorithm", *_KEYS[kind], "-out", path)
        return path

    def certificate(self, kind, name="localhost"):
        """Of key(kind), for localhost and 127.0.0.1."""
        path = self._path(f"{kind}.{name}.crt")
        if not os.path.exists(path):
            self._sign(self.key(kind), name, path)
        return path

    def both(self, kind, name="localhost"):
        """The certificate and the key in one file."""
        path = self._path(f"{kind}.{name}.pem")
        with open(path, "w", encoding="ascii") as out:
            for part in (self.certificate(kind, name), self.key(kind)):
                with open(part, encoding="ascii") as file:
                    out.write(file.read())
        return path

    def _make_authority(self):
        if not os.path.exists(self._path("ca.crt")):
            self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                          "2",
                          "-subj", "/CN=authority", "-keyout", self._path("ca.key"), "-out", self._path("ca.crt"))

    def _sign(self, key, name, path):
        self._make_authority()
        extensions = self._path("extensions")
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName=DNS:{name},DNS:localhost,IP:127.0.0.1\n")
        self._openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", path + ".request")
        self._openssl("x509", "-req", "-in", path + ".request", "-days", "2", "-CA", self._path("ca.crt"), "-CAkey",
                      self._path("ca.key"), "-CAcreateserial", "-extfile", extensions, "-out", path)

    def _path(self, name):
        return os.path.join(self._directory, name)

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr}")
