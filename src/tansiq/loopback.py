"""What means this machine only: plain http, and whatever else is not under TLS, goes no further."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Report whether a host name or address means this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
