"""What `VERSION` stands for, frozen: a change of any of it makes stored fingerprints meet no new one.

A better fingerprint is a new version beside this one; these vectors never change.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np
import pytest
from blake3 import blake3

from catalog.fingerprints import base
from catalog.fingerprints.base import KeyKind, Rung
from catalog.fingerprints.keys import ANCHORS, anchors, component_keys
from catalog.fingerprints.packing import unpack
from catalog.fingerprints.positions import places
from tests.fingerprints.built import built, lanes_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from catalog.fingerprints.base import Fingerprint, TensorPrint


def values(shape: tuple[int, ...], seed: bytes) -> npt.NDArray[np.float32]:
    """Between -1/16 and 1/16, the same on every machine."""
    drawn = np.frombuffer(blake3(seed).digest(length=4 * int(np.prod(shape))), "<u4").astype(np.float64)
    return ((drawn / 2**32 - 0.5) / 8).astype(np.float32).reshape(shape)


MATRIX, SCALE = values((24, 20), b"a"), values((3,), b"s")


def whole() -> Fingerprint:
    kernel = values((3, 16, 16), b"b").astype(np.float16)
    return built({"a.weight": MATRIX, "b.weight": kernel, "norm": values((80,), b"n") + 1, "scale": SCALE})


TENSORS = {
    "a.weight": (
        "69445047828d9ac17991ddb5dfc6696f",
        "129025a390258c12a5e11c0e6b32cb0b",
        "f0657ac29d6f38ea172fd06809cae381",
        "b208fa258252996b8cf225914a27baae",
        0x2F3495DB9E83EC8C,
        (15744, 15743, 48512, 48511),
        (255, 255, 255, 255, 255, 49, 49, 49, 47, 47, 48),
    ),
    "b.weight": (
        "92f73b1cf04441db2f5877d885fa36cf",
        "92f73b1cf04441db2f5877d885fa36cf",
        "",
        "483f3f6929641e4a14e3040da6d1078f",
        0xB1E9CAE461F6778D,
        (15743, 15742, 48512, 48511),
        (255, 255, 255, 255, 255, 49, 49, 49, 56, 56, 56),
    ),
    "norm": (
        "67cba2f37d49d842b98e60dabdb9611c",
        "37c0934726afa4d856295880dece487f",
        "2b6149778db5d2b0d1043ba6cc6dd596",
        "6ed98e8dc3346a500029132fd9310cef",
        0xB14BE379483EF271,
        (16264, 16263, 16240, 16241),
        (68, 23, 23, 22, 68, 2, 2, 2, 1, 1, 1),
    ),
    "scale": (
        "5bf568e7872e24ca208f3a2659a01dca",
        "1fcab3e6cd1934edce82c64658ae8121",
        "7c0915ca88cbd9b993ab509f8c64dd73",
        "c7d695ec331f39abea0d83cedc57fc8e",
        0x928FF312B128746B,
        (15570, 48436, 48441, 48436),
        (3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2),
    ),
}
"""Digest, the same in f16 and in bf16, digest of the lanes, exact word, extremes, different values on each rung."""

COMPONENT = {
    KeyKind.E: "e6c0734d1f5f2b7ca909babf1661c7df",
    KeyKind.F16: "82cc394e79db987925962c0a7bb0915e",
    KeyKind.BF16: "10b5a1154fe3ac726587a04b1b50d03d",
    KeyKind.FB: "db113aeb55e03ad12ee6f15184f8085d",
    KeyKind.BF: "95b6718ac6380633a0a005faa8126d21",
    KeyKind.FZ: "f8d9bcb40e792e17d30bf289e8b82e29",
    KeyKind.E4M3: "fe0c8a9d4262ed00943f8c3fa9153332",
    KeyKind.E4M3_F16: "e2e79fea5e50d7e7d1e19697697f9f70",
    KeyKind.E4M3_BF16: "27b0ccc5a9dd661d276f99e8a012acc7",
    KeyKind.E5M2: "86a9d7aac7debd817b635961d8eea6be",
    KeyKind.E5M2_F16: "185258b806dffd2278ed5011e4288f01",
    KeyKind.E5M2_BF16: "1d69f3e461070afa90b96459a0108089",
}
SINGLE = [
    (KeyKind.ANCHOR_CORE_F16, "7544e3b7b7af27fbba42aed09acb6b55"),
    (KeyKind.ANCHOR_CORE_F16, "102f50542cbcaad2b5df967a4f137e9b"),
    (KeyKind.ANCHOR_CORE_BF16, "8ca087115462ae5c42d0d40d5d679ee6"),
    (KeyKind.ANCHOR_CORE_BF16, "425863d5d07cccdc369fb12f9c6d5029"),
    (KeyKind.ANCHOR_AUX_F16, "6d5ef0a78e7289067fdf9b88bc186fe7"),
    (KeyKind.ANCHOR_AUX_BF16, "1de968d06d96e7b8e5c2983cca4a8804"),
    (KeyKind.EXTREMES, "ad8301b0d746742d3f6dec7c94a4c752"),
    (KeyKind.EXTREMES, "cd70a9fed390e663d809ae17601c59cf"),
    (KeyKind.EXTREMES, "5f4035cecd940df71d261d9d78f0a72b"),
]
PLACES = {
    (4096,): "7e988eab1827858a20b42060e3967b54",
    (4096, 1024): "265ab22d4a57b30dbb1ca6ffd7ba0691",
    (320, 4, 3, 3): "2f3f750477cfca0de812ead21ce4ad3a",
    (7, 1000): "fe720f46d51053bf982c8a817706eb3c",
    (1, 640, 1, 17): "bce77d1bfa3ecbd4a0790792cad96c60",
    (12, 12): "f7b7414bdeb5782741466111bc461221",
    (100003,): "9ba863993a2b16050cc0a9c66dd41052",
}
PACKED = base64.b85decode(
    b"NmE8K0Ez$r0DB^KWpZ<AZ*C$wF)Si(VQpn1IwB%0B5q-AWpg4rTOwgDcV%g3XmlbhB6DM5Y-J){EFxrdd2nTOB05_lMl&)ZT`VGVXkl<=b"
    b"0RuhTQW2(GB8~%TQgl<EFxrdd2nSSI$JO-FkLJnb7*03Wg<FTFf1`$EFyDZZE$R5b0RuhF)%PJGhKZI1SbP018GE1M}m!-!FiG0wco~RZ("
    b"H?f=Z7vN${>$ACRv~z$`X(zqmU(x5~blB4r?;Y3m?j}=FJ&2?aqS6Mp&+aA@F5-!kuq8>K8B2XbH;WfqV%S%81L^xs$6<pNwSPa}_%mJ?~"
    b"EUIt$_;Jylh$yo~IFp4*i)FKcutu@du-lFk8j0RsR70RR90|Nk*DF)uGL0|NsC0|NsC0s;bnJ%2rby??#ZJT$#Iy)?Z50RjU61qKHQ2?_u"
    b"K0s#O81qBEQ2q+Z=Q^@OEn?L>8%i{)@!5b8KiLN~7MRMlf#vE+FjliVD1%|o_UV0rw_0=B*b3n>F1{_G~Febn6s+ItQGs+D>IX;}%@u)QE"
    b"PFLASS%yMVBJ;ZzN@Bv+w`?ewqI|_!P^deqjNgyWC2|Q@ha+~JXZ?sq$`}2R(s@P`qFsiHt_X4XVis7#nS=`=14%aEm*M};7pRL=or+@VT"
    b"WWVrh^Nzedd6#$W^=2ak)x_P_9X1QN9%cYpf{7xVlJ-n{Elrbm!OT|8v+KzX~^HKx(n3x&&RaE<F{&$?J;8yHDroX3;qGyHK@P`Q2v#6JP"
    b"fnyyfoi|JgL`hy|#F-JY<+xJx2-zJw{GZJvRawy(lt?ybGduJ>LwkJkHuBJIlipJ4jqLz1htQJ?bKSJx0^_JT+#OJWe?KJV%0Qy|rFOJ)F"
    b"HwypBdMJseQ;yPp4tys6qxJyNzDJ=awrI*F)eJ>hB_y?hEcy+c$OJ;p+fJjDYuy`$(oyqw6%JhaeqJ=Rjby!+c-J^YPVy<?IAJtMVuy{fr"
    b"YJ$Cs;Jr#{LJ<8d}JSxMdyn<^*JwH7gJOac8y%^Q=JH73>yFO0aJX)(;yaA#CyqmX;Jf&Eyyft@Ry(rZXz0pDnJ<LKmy|&1xyu8o9yvsyW"
    b"Jr<^NyiB2gy-J*Sz19ZHybwEpyF7kmy=KADJ7RegJuD{Myc&lMz2qHxJyvxCJz7VyyfiaEJuk>1J51*8yfF+1Jr!&xJq+v@J$sg-yiPO_y"
    b"=pZ=J*Wy4ynXzlJkAY!J&ByXJZ)6nyg|^qye|(qy=*_NJaEOlymutIJA8jeJmf(%yKYCSJjUBNy{xy<JXxVLy#"
)
"""A fingerprint as it lies in a database, of `MATRIX` and `SCALE`."""


def told(tensor: TensorPrint) -> tuple[object, ...]:
    lanes = blake3(lanes_of(tensor).astype("<u8").tobytes()).hexdigest()[:32]
    digests = (one.hex() for one in (tensor.td, tensor.td_f16, tensor.td_bf16))
    return (*digests, lanes, tensor.m32, tensor.extremes, tensor.codes)


def test_the_prints_of_tensors_never_change() -> None:
    assert {tensor.name: told(tensor) for tensor in whole().tensors} == TENSORS


def test_the_keys_of_components_and_of_tensors_never_change() -> None:
    assert {key.kind: key.key.hex() for key in component_keys(whole())} == COMPONENT
    assert {(key.kind, key.key.hex()) for key in anchors(whole())} == set(SINGLE)


@pytest.mark.parametrize(("shape", "expected"), PLACES.items())
def test_samples_never_move(shape: tuple[int, ...], expected: str) -> None:
    assert blake3(np.ascontiguousarray(places(shape), "<i8").tobytes()).hexdigest()[:32] == expected


def test_what_was_packed_before_is_read_as_it_was() -> None:
    found, now = unpack(PACKED), built({"a.weight": MATRIX, "scale": SCALE})
    assert (found.name, found.version) == (now.name, now.version)
    assert list(map(told, found.tensors)) == list(map(told, now.tensors))
    for one, other in zip(found.tensors, now.tensors, strict=True):
        assert one._replace(lanes=None, samples=other.samples, rms=0, mean=0) == other._replace(
            lanes=None, rms=0, mean=0
        )
        assert (one.rms, one.mean) == pytest.approx((other.rms, other.mean), rel=1e-6)
        assert all(np.array_equal(mine, theirs) for mine, theirs in zip(one.samples, other.samples, strict=True))


def test_the_numbers_that_are_stored_or_decide_what_is_stored_never_change() -> None:
    assert base.VERSION == 1
    assert (base.CORE_VALUES, base.AUX_VALUES, base.CODES, base.PRIME, ANCHORS) == (256, 64, 17, 11, 8)
    assert [rung.name for rung in Rung] == [
        "F16", "BF16", "FB", "BF", "FZ", "E4M3", "E4M3_F16", "E4M3_BF16", "E5M2", "E5M2_F16", "E5M2_BF16",
    ]  # fmt: skip
    assert [rung.value for rung in Rung] == list(range(11))
    kinds = "E F16 BF16 FB BF FZ E4M3 E4M3_F16 E4M3_BF16 ANCHOR_CORE_F16 ANCHOR_CORE_BF16 ANCHOR_AUX_F16"
    assert [kind.name for kind in KeyKind] == [
        *kinds.split(), "ANCHOR_AUX_BF16", "EXTREMES", "E5M2", "E5M2_F16", "E5M2_BF16",
    ]  # fmt: skip
    assert [kind.value for kind in KeyKind] == list(range(1, 18))
