"""OpenVINO's intermediate representation: an `.xml` with the network, a `.bin` beside it with its numbers alone.

Definition: docs.openvino.ai, "OpenVINO IR format"; the writer is src/core/src/pass/serialize.cpp.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.heads import Head

_NET = re.compile(rb"<net\s[^<>]{0,1000}>")
_ATTRIBUTE = re.compile(rb'\b(name|version)="([ !#-~]{0,100})"')


def recognise(head: Head) -> Guess | None:
    """The network by its first element; the numbers by their usual name, since they have no header."""
    if head.name.startswith(b"openvino_") and head.suffix == b".bin":
        return Guess(Format.OPENVINO)
    if not head.start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<?xml", b"<net")):
        return None
    net = _NET.search(head.start)
    if net is None:
        return None
    return Guess(Format.OPENVINO, facts={key.decode(): value.decode() for key, value in _ATTRIBUTE.findall(net[0])})
