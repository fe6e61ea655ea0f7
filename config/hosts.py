"""Under which names this machine is reached."""

from __future__ import annotations

import ipaddress
import re
import socket
from pathlib import Path

_LOCAL = re.compile(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL")
ANY = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to


def is_any(host: str) -> bool:
    """Does listening at `host` mean: at every address of this machine?"""
    return host in ANY


def addresses() -> list[str]:
    """The IPv4 addresses of this machine, loopback last, as the kernel's routing table lists them."""
    try:
        found = _LOCAL.findall(Path("/proc/net/fib_trie").read_text())
    except OSError:
        found = ["127.0.0.1"]
    return sorted(set(found), key=lambda text: (ipaddress.ip_address(text).is_loopback, ipaddress.ip_address(text)))


def allowed(host: str, configured: list[str]) -> list[str]:
    """The names under which requests are answered when we listen at `host`."""
    names = [*configured]
    names += [socket.gethostname(), *addresses()] if is_any(host) else [f"[{host}]" if ":" in host else host]
    return list(dict.fromkeys(names))


def urls(host: str, port: int, *, contained: bool) -> list[str]:
    """Where a browser finds us, the most likely first. A container's own addresses are of no use outside it."""
    if contained and is_any(host):
        return [_url("localhost", port)]
    if is_any(host):
        return [_url(name, port) for name in addresses()]
    return [_url(host, port)]


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
