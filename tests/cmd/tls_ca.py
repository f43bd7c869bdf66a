"""tls_ca.py - a CA of a test's own, and server certificates under it."""

import pathlib
import ssl
import subprocess


class Authority:
    """Its certificate is FOLDER/NAME.pem; a server's chain and key are one file."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = pathlib.Path(folder), name
        self.pem, self.key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self.run("req", "-x509", *self.new(self.key), "-out", self.pem, "-days", 30, "-subj",
                 f"/CN={name}")

    @staticmethod
    def new(key):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key)

    @staticmethod
    def run(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    def server(self, name, alternatives, days=10):
        """A certificate for "IP:127.0.0.1,DNS:x"; one that has expired with days below 0."""
        out, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request, extra = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extra.write_text(f"subjectAltName={alternatives}\n")
        self.run("req", *self.new(key), "-out", request, "-subj", f"/CN={name}")
        self.run("x509", "-req", "-in", request, "-CA", self.pem, "-CAkey", self.key, "-out", out,
                 "-days", days, "-extfile", extra)
        out.write_bytes(out.read_bytes() + key.read_bytes())
        return out


    P256 = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")

    def issue(self, name, extra="subjectAltName=DNS:localhost,IP:127.0.0.1", kind=P256, **how):
        """(certificate, key), each the bytes of a PEM; `extra` is what stands in the certificate.
        Between: its two dates, as YYYYMMDDHHMMSSZ; digest: what it is signed with;
        pss: by RSASSA-PSS; renewed: with the key that `name` has already."""
        out, key = self.folder / f"{name}.crt", self.folder / f"{name}.pk8"
        request, config = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        config.write_text(extra + "\n")
        self.run("req", *(("-new", "-key", key) if how.get("renewed") else
                          ("-newkey", *kind, "-nodes", "-keyout", key)), "-out", request, "-subj",
                 f"/CN={name}")
        if "between" in how:
            self.dated(request, config, out, *how["between"])
        else:
            self.run("x509", "-req", "-in", request, "-CA", self.pem, "-CAkey", self.key, "-out",
                     out, "-days", how.get("days", 90), "-extfile", config,
                     "-" + how.get("digest", "sha256"),
                     *(("-sigopt", "rsa_padding_mode:pss") if how.get("pss") else ()))
        return out.read_bytes(), key.read_bytes()

    def dated(self, request, config, out, begin, end):
        (self.folder / "index").write_text("")
        settings = self.folder / "ca.cnf"
        settings.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.folder}/index\n"
                            f"new_certs_dir={self.folder}\ndefault_md=sha256\npolicy=p\n"
                            "rand_serial=yes\n[p]\ncommonName=supplied\n")
        self.run("ca", "-batch", "-notext", "-config", settings, "-in", request, "-cert", self.pem,
                 "-keyfile", self.key, "-extfile", config, "-out", out, "-startdate", begin,
                 "-enddate", end)

    def below(self, name, kind=P256, **how):
        """An intermediate CA."""
        made = Authority.__new__(Authority)
        made.folder, made.name = self.folder, name
        made.pem, made.key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate, key = self.issue(name, "basicConstraints=critical,CA:TRUE\n"
                                      "keyUsage=critical,keyCertSign\n"
                                      "subjectKeyIdentifier=hash\n"
                                      "authorityKeyIdentifier=keyid", kind, **how)
        made.pem.write_bytes(certificate)
        made.key.write_bytes(key)
        return made


def wrap(listener, certificate, most=None):
    """The listening socket, under TLS, of that version at most."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if most:
        context.maximum_version = most
    context.load_cert_chain(certificate)
    return context.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)
