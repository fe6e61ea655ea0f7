"""OpenVINO: the network, and the numbers beside it."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Format
from tests.builders.named import named, no_model

NET = b'<net name="torch_jit" version="11">\n<layers>'


@pytest.mark.parametrize(
    "before", [b'<?xml version="1.0"?>\n', b'\xef\xbb\xbf<?xml version="1.0" ?>\n<!-- x -->\n', b""]
)
def test_the_network_tells_its_name_and_version(before: bytes) -> None:
    probe = named(before + NET, b"openvino_model.xml")
    assert (probe.format, probe.metadata) == (Format.OPENVINO, {"name": "torch_jit", "version": "11"})


@pytest.mark.parametrize("content", [bytes(5000), b"\x9a\x99" * 2000])
def test_the_numbers_are_known_by_their_usual_name(content: bytes) -> None:
    assert named(content, b"openvino_model.bin").format is Format.OPENVINO


def test_other_xml_is_no_network() -> None:
    assert "XML" in no_model(b'<?xml version="1.0"?><network><net2/></network>', b"a.xml")
