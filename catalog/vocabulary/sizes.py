"""Sizes in bytes, as people write them."""

from __future__ import annotations

_UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")


def human_size(count: int) -> str:
    """Decimal units, three digits: `999 bytes`, `6.94 GB`, `1 byte`."""
    if count < 1000:
        return "1 byte" if count == 1 else f"{count} bytes"
    value = float(count)
    for unit in _UNITS:
        value /= 1000
        if value < 999.5 or unit == _UNITS[-1]:
            break
    return f"{value:.3g} {unit}" if value < 999.5 else f"{value:,.0f} {unit}"


def human_sizes(first: int, second: int) -> tuple[str, str]:
    """Both sizes; in exact bytes where the short forms would look alike."""
    short = human_size(first), human_size(second)
    return short if short[0] != short[1] else (f"{first:,} bytes", f"{second:,} bytes")


def human_count(count: int) -> str:
    """A number of parameters: `999`, `860 M`, `6.74 B`."""
    value = float(count)
    for unit in ("", " K", " M", " B", " T"):
        if value < 999.5:
            return f"{value:.3g}{unit}"
        value /= 1000
    return f"{value * 1000:,.0f} T"
