"""Evidence as one compact value, and what is refused."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.matching.base import Difference, Evidence
from catalog.matching.packing import pack, unpack
from catalog.vocabulary import Certainty, Relation, SameModel
from tests.matching import evidence as some

FIRST = (
    b"0eGC1QNeD)Fbw^doTDfy&_X|8mz{P-RTNqS+0v9HE(lHg_c?6`^sr4k)b)FDUhL-&7Qh*_oo6L`?~O+rp<$fW5YSkUSK^~-PYxonl!0!"
    b"$1{~2CdLXW`0qRL1LBJ7eXIqP`^u2SOosH`u>bh%BCeRC|ym4KR(KawpCueGUsZ830LU#tzm4c3TSN#Up3G7Lfm3!kNl{H<zyFUaWj?J"
    b"_N>tlIVsc%5E{y@Upie{rGIu9Nb{$LLFIQAaw;rN~Y$Chyr5|dn#emv5MdXycy9f?VOV1Ax#=Fp=xKN#ECh{o4&$Fp^W-XEsLJi0XZdF"
    b"E#5E@_l)y2C2IWy8LOGgop}ND;y9wL$cP`a~@?&GITPFigk)s8+M;q`q@+RF*2VysJF0>aqGs<#d{2LN81GOmO%S-Y(@P=P3~Q&Wq~Tl"
    b"i7Cfc{-WqA9gxLB_*dXWqDB)naVjOYqe0>t!6E<6<>?RCR?uxwVYzQB37KfBHv^Sd5cx`S$%#1kjxvm"
)
"""Evidence as it lies in a database since the first version of packing; a further version is read beside it."""


@given(some.evidence)
def test_what_was_packed_comes_back(found: Evidence) -> None:
    assert unpack(pack(found)) == found


def test_a_table_of_2500_rows_is_small() -> None:
    found = some.large(2500)

    packed = pack(found)

    assert len(packed) <= 60_000
    assert unpack(packed) == found


def test_a_table_that_is_too_long_is_left_out() -> None:
    found = some.large(2500)

    kept = unpack(pack(found, longest=100_000))

    assert not kept.rows
    assert kept.relation is found.relation
    assert len(kept.components) == len(found.components)


@given(st.binary(max_size=60))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="This evidence"):
        unpack(data)


@given(st.data())
def test_a_packed_value_that_was_cut_is_refused(data: st.DataObject) -> None:
    packed = pack(some.large(3))
    with pytest.raises(ValueError, match="This evidence"):
        unpack(packed[: data.draw(st.integers(0, len(packed) - 1))])


def test_another_version_is_refused() -> None:
    packed = pack(some.large(1))
    with pytest.raises(ValueError, match="another version"):
        unpack(b"\x02" + packed[1:])


@pytest.mark.parametrize(
    "told",
    [
        [],
        {"relation": "identical"},
        {"doubt": None, "settings": [[]], "components": []},
        {"doubt": "of a kind that is not known", "settings": [], "components": []},
        {"doubt": None, "settings": [], "components": [], "relation": "twins"},
        {"doubt": None, "settings": [], "components": [], "unknown": 1},
        {"doubt": None, "settings": [], "components": [{"doubt": None, "rows": [["a"]]}]},
        "[" * 100_000,
    ],
)
def test_json_that_is_no_evidence_is_refused(told: object) -> None:
    text = told if isinstance(told, str) else json.dumps(told)
    with pytest.raises(ValueError, match=r"evidence|is not a valid"):
        unpack(b"\x01" + zlib.compress(text.encode()))


def test_a_bomb_is_refused_before_it_fills_the_memory() -> None:
    deflater = zlib.compressobj()
    mebibyte = bytes(1 << 20)
    bomb = b"\x01" + b"".join(deflater.compress(mebibyte) for _ in range(70)) + deflater.flush()
    with pytest.raises(ValueError, match="longer than any can be"):
        unpack(bomb)


def test_what_json_cannot_hold_is_refused() -> None:
    found = Evidence(
        Relation.IDENTICAL, Certainty.PROVEN, SameModel.YES, settings=(Difference("key", b"bytes", None),)  # type: ignore[arg-type] # what the test is about
    )  # fmt: skip
    with pytest.raises(ValueError, match="which is not kept"):
        pack(found)


def test_a_shape_without_end_is_refused() -> None:
    told = zlib.decompress(pack(some.large(1))[1:])
    endless = told.replace(b"[[4096,4096]]", b"[[1e999]]", 1)
    assert endless != told
    with pytest.raises(ValueError, match="cannot be read"):
        unpack(b"\x01" + zlib.compress(endless))


def test_what_was_packed_before_is_read_as_it_was() -> None:
    assert unpack(base64.b85decode(FIRST)) == some.large(2)
