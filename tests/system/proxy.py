"""A real nginx with the files of deploy/nginx, on ports and a certificate of ours, and browsers that reach it by name."""

import os
import pwd
import shutil
import socket
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from system.harness import ROOT, free_port

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or "nginx"
DEPLOY = ROOT / "deploy"
CHAT, CONSOLE = "chat.example.ir", "console.example.ir"

#: What stands beside the files of conf.d inside `http`: Debian's nginx.conf, and the one of the image nginx:1.26.
STOCK = {
    "debian": """
        sendfile on; tcp_nopush on; types_hash_max_size 2048; default_type application/octet-stream;
        ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on;
        access_log {0}/access.log; gzip on;
        server {{ listen 127.0.0.1:{http} default_server; server_name _; return 404; }}
    """,
    "image": """
        default_type application/octet-stream; sendfile on; keepalive_timeout 65;
        log_format main '$remote_addr - $remote_user [$time_local] "$request"'; access_log {0}/access.log main;
    """,
}
_WRAPPER = """
daemon off; worker_processes 2; pid {0}/nginx.pid; error_log {0}/error.log info;
user {user};
events {{ worker_connections 768; }}
http {{
    client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;
    uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
    {stock}
    include {0}/conf.d/*.conf;
}}
"""


class Nginx:
    """One nginx in a directory; `places` says what of the upstreams file is elsewhere here."""

    def __init__(self, directory: Path, *, upstreams: str, places: dict[str, str], stock: str = "debian") -> None:
        self.directory = directory
        self.http, self.https = free_port(), free_port()
        self.certificate = directory / "tls/fullchain.pem"
        self._config = directory / "nginx.conf"
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("conf.d", "tls"):
            (directory / name).mkdir(parents=True)
        make_certificate(directory / "tls")
        own = {
            "listen 80;": f"listen 127.0.0.1:{self.http};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.https} ssl;",
            "/etc/panah/tls": str(directory / "tls"),
            "/var/log/nginx": str(directory),
        }
        self._copy("panah.conf", own)
        self._copy(upstreams, places)
        ours = STOCK[stock].format(directory, http=self.http)
        user = pwd.getpwuid(os.getuid()).pw_name
        self._config.write_text(_WRAPPER.format(directory, stock=ours, user=user), encoding="utf-8")

    def _copy(self, name: str, places: dict[str, str]) -> None:
        text = (DEPLOY / "nginx" / name).read_text(encoding="utf-8")
        for there, here in places.items():
            assert there in text, there
            text = text.replace(there, here)
        (self.directory / "conf.d" / name).write_text(text, encoding="utf-8")

    @property
    def _command(self) -> list[str]:
        return [NGINX, "-p", str(self.directory), "-e", str(self.directory / "error.log"), "-c", str(self._config)]

    def check(self) -> subprocess.CompletedProcess[str]:
        """Run `nginx -t`."""
        return subprocess.run([*self._command, "-t"], capture_output=True, text=True, timeout=60, check=False)

    def start(self) -> "Nginx":
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while not is_open(self.https):
            assert self._process.poll() is None, self.log("error.log")
            assert time.monotonic() < until, self.log("error.log")
            time.sleep(0.02)
        return self

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    def log(self, name: str) -> str:
        found = self.directory / name
        return found.read_text(encoding="utf-8") if found.exists() else ""

    def browser(self, name: str, *, address: str = "127.0.0.1", **headers: str) -> aiohttp.ClientSession:
        """Give a browser with a page of `name` open, at a network address of its own."""
        connector = aiohttp.TCPConnector(
            resolver=_ToNginx(self),
            ssl=ssl.create_default_context(cafile=str(self.certificate)),
            local_addr=(address, 0),
        )
        return aiohttp.ClientSession(connector=connector, headers={"Origin": f"https://{name}", **headers})


class _ToNginx(AbstractResolver):
    """Whatever name is asked for: nginx here, on the port that stands for the one asked for."""

    def __init__(self, nginx: Nginx) -> None:
        self._nginx = nginx

    async def resolve(self, host, port=0, family=socket.AF_INET):
        here = {80: self._nginx.http, 443: self._nginx.https}.get(port, port)
        found = {"hostname": host, "host": "127.0.0.1", "port": here, "family": socket.AF_INET, "proto": 0}
        return [{**found, "flags": socket.AI_NUMERICHOST}]

    async def close(self):
        pass


def is_open(port: int) -> bool:
    """True when somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def make_certificate(directory: Path) -> None:
    """Write a certificate that signs itself, for both names, where panah.conf looks for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, CHAT)])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(CHAT), x509.DNSName(CONSOLE)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
