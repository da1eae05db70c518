"""A certificate that this machine signs for itself, so that a tablet in the same room may use its camera.

Browsers hand the camera to pages of their own machine (localhost) or over HTTPS, and to no others. Nobody vouches for
such a certificate: a browser warns once, and its fingerprint can be compared. For more than a room, a proxy with a
certificate of an authority belongs in front.
"""

import hashlib
import ipaddress
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from core.errors import SpecInvalid

DAYS = 365  # phones of Apple refuse more than 825 days
LEAST_SECONDS = 7 * 24 * 3600  # a certificate that ends sooner is made anew
OPENSSL_SECONDS = 30
CERTIFICATE, KEY, NAMES = "certificate.pem", "key.pem", "names.txt"
WHY = (
    "Browsers hand the camera to pages of their own machine (localhost) or over HTTPS only. Nobody vouches for this "
    "certificate, so the browser warns once; compare the fingerprint before you go on."
)
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM, and the SHA-256 fingerprint as browsers show it ("AB:CD:…")."""

    certificate: Path
    key: Path
    fingerprint: str


def own_names(host: str) -> list[str]:
    """Names and addresses under which a server at `host` is called; at every address, those of this machine."""
    names = ["localhost", "127.0.0.1", "::1"]
    if host in ("", "0.0.0.0", "::"):
        names += [socket.gethostname(), *_addresses()]
    else:
        names.append(host)
    return list(dict.fromkeys(name for name in names if _is_address(name) or _NAME.fullmatch(name)))


def _addresses() -> list[str]:
    """The address by which this machine would leave for another network; nothing is sent to find it."""
    try:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
            probe.connect(("192.0.2.1", 9))  # kept for examples (RFC 5737): there is nobody
            return [probe.getsockname()[0]]
    except OSError:  # no network at all
        return []


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def own_certificate(names: Sequence[str], folder: Path) -> Certificate:
    """A certificate for `names`: the one that lies in `folder`, or a new one when it is of other names or ends soon.

    Raises: SpecInvalid when the program openssl is missing, or fails.
    """
    wanted = "\n".join(names)
    kept = Certificate(folder / CERTIFICATE, folder / KEY, "")
    if _text(folder / NAMES) == wanted and kept.key.is_file() and _lasts(kept.certificate):
        return Certificate(kept.certificate, kept.key, fingerprint_of(kept.certificate))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with TemporaryDirectory(dir=folder) as scratch:
        made = Path(scratch)
        _openssl(names, made / CERTIFICATE, made / KEY)
        (made / KEY).chmod(0o600)
        (made / NAMES).write_text(wanted, encoding="utf-8")
        (folder / NAMES).unlink(missing_ok=True)  # first gone and last there: without it the others do not count
        for name in (KEY, CERTIFICATE, NAMES):
            (made / name).replace(folder / name)
    return Certificate(kept.certificate, kept.key, fingerprint_of(kept.certificate))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _lasts(certificate: Path) -> bool:
    program = shutil.which("openssl")
    if program is None or not certificate.is_file():
        return False
    command = [program, "x509", "-in", str(certificate), "-noout", "-checkend", str(LEAST_SECONDS)]
    return subprocess.run(command, capture_output=True, timeout=OPENSSL_SECONDS, check=False).returncode == 0


def _openssl(names: Sequence[str], certificate: Path, key: Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise SpecInvalid(
            "HTTPS needs the program openssl to make a certificate, and it is not installed here. Install it (Debian: "
            "apt install openssl; Windows: it comes with Git), or put a proxy with a certificate in front."
        )
    stated = ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
    command = [
        program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256",
        "-days", str(DAYS), "-keyout", str(key), "-out", str(certificate), "-subj", "/CN=MedLens on this machine",
        "-addext", f"subjectAltName={stated}", "-addext", "extendedKeyUsage=serverAuth",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=OPENSSL_SECONDS, check=False, umask=0o077
    )
    if done.returncode != 0 or not key.is_file() or not certificate.is_file():
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1][:200]
        raise SpecInvalid(f"openssl could not make a certificate: {said}. Version 1.1.1 or newer is needed.")


def fingerprint_of(certificate: Path) -> str:
    """SHA-256 of a certificate as browsers show it. Raises SpecInvalid when the file is none."""
    try:
        content = ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise SpecInvalid(f"{certificate.name} is no certificate; delete it, and a new one is made.") from error
    digest = hashlib.sha256(content).hexdigest().upper()
    return ":".join(digest[start : start + 2] for start in range(0, len(digest), 2))
