"""SHA-256 of two ranges of one read side by side: the instructions of one wait for each other, those of two do not.

A processor with SHA instructions spends most of SHA-256 waiting for the round before. Two digests that advance in turn,
of a whole file and of its body, take about as long as one. The loops are made by llvmlite when they are first wanted,
and are believed only if they say what hashlib says; else, or without llvmlite, hashlib stays.
FIPS 180-4; Intel's SHA extensions (sha256rnds2, sha256msg1, sha256msg2).
"""

from __future__ import annotations

import ctypes
import hashlib
import threading
from functools import cache
from itertools import count, islice
from math import isqrt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

WORTH = 32 << 20
"""Bytes of a file from which on making the loops, a tenth of a second once a process, is worth its time."""
_BLOCK = 64
_WORD = (1 << 32) - 1


class Loops(NamedTuple):
    """`one(state, data, blocks)` and `two(state, data, state, data, blocks)`: addresses, and blocks of 64 bytes."""

    one: Callable[[object, object, int], None]
    two: Callable[[object, object, object, object, int], None]
    engine: Any
    """Keeps the machine code alive."""


class Sha256:
    """As hashlib's: takes bytes in order, and says their digest."""

    __slots__ = ("_held", "_loops", "_state", "_tail", "_taken")

    def __init__(self, loops: Loops) -> None:
        self._loops = loops
        self._state = (ctypes.c_uint32 * 8)(*_START)
        self._tail = bytearray(_BLOCK)
        self._held = self._taken = 0

    def update(self, piece: memoryview, /) -> None:
        """The next bytes, in memory that may be written to."""
        data = self._begin(piece)
        self._go_on(data)
        self._end(data)

    def update_with(self, piece: memoryview, other: Sha256, another: memoryview) -> None:
        """The next bytes of this one and of another one, in turn."""
        data, more = self._begin(piece), other._begin(another)
        blocks = min(len(data), len(more)) // _BLOCK
        if blocks:
            self._loops.two(self._state, _address(data), other._state, _address(more), blocks)
        self._go_on(data, blocks)
        other._go_on(more, blocks)
        self._end(data)
        other._end(more)

    def digest(self) -> bytes:
        """32 bytes; more may follow."""
        last = bytes(self._tail[: self._held]) + b"\x80"
        last += bytes(-(len(last) + 8) % _BLOCK) + (self._taken * 8).to_bytes(8, "big")
        state = (ctypes.c_uint32 * 8)(*self._state)
        self._loops.one(state, last, len(last) // _BLOCK)
        return b"".join(word.to_bytes(4, "big") for word in state)

    def _begin(self, piece: memoryview) -> memoryview:
        """Completes the block that was cut; what is left of the bytes."""
        self._taken += len(piece)
        missing = min(-self._held % _BLOCK, len(piece))
        if missing:
            self._tail[self._held : self._held + missing] = piece[:missing]
            self._held = (self._held + missing) % _BLOCK
            if not self._held:
                self._loops.one(self._state, bytes(self._tail), 1)
        return piece[missing:]

    def _go_on(self, data: memoryview, first: int = 0) -> None:
        """The whole blocks from that one on."""
        blocks = len(data) // _BLOCK
        if blocks > first:
            self._loops.one(self._state, _address(data, first), blocks - first)

    def _end(self, data: memoryview) -> None:
        """Keeps what is no whole block."""
        left = len(data) % _BLOCK
        if left:
            self._tail[:left] = data[len(data) - left :]
            self._held = left


def _address(data: memoryview, block: int = 0) -> object:
    return ctypes.byref(ctypes.c_char.from_buffer(data, block * _BLOCK))


def loops() -> Loops | None:
    """The loops, where this processor has the instructions and they do what hashlib does."""
    with _MAKING:
        return _loops()


_MAKING = threading.Lock()


@cache
def _loops() -> Loops | None:
    try:
        from llvmlite import binding  # noqa: PLC0415 # only large files are worth it
    except ImportError:
        return None
    if not binding.get_process_triple().startswith("x86_64") or not binding.get_host_cpu_features().get("sha"):
        return None
    made = _made(binding)
    return made if _right(made) else None


def _made(binding: Any) -> Loops:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    features = binding.get_host_cpu_features().flatten()
    target = binding.Target.from_default_triple()
    machine = target.create_target_machine(cpu=binding.get_host_cpu_name(), features=features, opt=3)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(_assembly()), machine)
    engine.finalize_object()
    pointer = ctypes.c_void_p
    one = ctypes.CFUNCTYPE(None, pointer, pointer, ctypes.c_int64)
    two = ctypes.CFUNCTYPE(None, pointer, pointer, pointer, pointer, ctypes.c_int64)
    return Loops(one(engine.get_function_address("one")), two(engine.get_function_address("two")), engine)


def _right(made: Loops) -> bool:
    """Whether they say what hashlib says, in pieces cut anywhere."""
    data = memoryview(bytearray(hashlib.shake_256(b"two at once").digest(1500)))
    one, other = Sha256(made), Sha256(made)
    for start, stop in ((0, 0), (0, 5), (5, 700), (700, 702), (702, 1500)):
        one.update_with(data[start:stop], other, data[max(start, 77) : max(stop, 77)])
    other.update(data[:130])
    expected = hashlib.sha256(data).digest(), hashlib.sha256(bytes(data[77:]) + data[:130]).digest()
    return (one.digest(), other.digest()) == expected


def _primes() -> Iterator[int]:
    return (number for number in count(2) if all(number % factor for factor in range(2, isqrt(number) + 1)))


def _root(number: int, power: int) -> int:
    """The first 32 bits of the fraction of a square or cube root."""
    low, high = 0, number << 32
    while low < high:  # the largest whole number whose power is not above number * 2**(32 * power)
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**power <= number << 32 * power else (low, middle - 1)
    return low & _WORD


_START = [_root(number, 2) for number in islice(_primes(), 8)]

_HEAD = """
declare <4 x i32> @llvm.x86.sha256rnds2(<4 x i32>, <4 x i32>, <4 x i32>)
declare <4 x i32> @llvm.x86.sha256msg1(<4 x i32>, <4 x i32>)
declare <4 x i32> @llvm.x86.sha256msg2(<4 x i32>, <4 x i32>)
declare <4 x i32> @llvm.bswap.v4i32(<4 x i32>)
"""


def _assembly() -> str:
    return _HEAD + _function("one", "a") + _function("two", "ab")


def _function(name: str, ways: str) -> str:
    """A loop over blocks of as many digests as there are ways; LLVM's language."""
    given = ", ".join(f"ptr %state_{way}, ptr %data_{way}" for way in ways)
    lines = [f"define void @{name}({given}, i64 %blocks) {{", "entry:"]
    for way in ways:
        lines += [
            f"%after_{way} = getelementptr i8, ptr %state_{way}, i64 16",
            f"%abcd_{way} = load <4 x i32>, ptr %state_{way}, align 4",
            f"%efgh_{way} = load <4 x i32>, ptr %after_{way}, align 4",
            _shuffled(f"abef0_{way}", f"abcd_{way}", f"efgh_{way}", (5, 4, 1, 0)),
            _shuffled(f"cdgh0_{way}", f"abcd_{way}", f"efgh_{way}", (7, 6, 3, 2)),
        ]
    lines += ["br label %loop", "loop:", "%at = phi i64 [ 0, %entry ], [ %next, %loop ]"]
    for way in ways:
        for part in ("abef", "cdgh"):
            lines.append(f"%{part}_{way} = phi <4 x i32> [ %{part}0_{way}, %entry ], [ %{part}1_{way}, %loop ]")
    lines.append("%byte = shl i64 %at, 6")
    lines += [line for step in range(16) for way in ways for line in _rounds(step, way)]
    for way in ways:
        lines += [
            f"%abef1_{way} = add <4 x i32> %abef_{way}, %high15_{way}",
            f"%cdgh1_{way} = add <4 x i32> %cdgh_{way}, %low15_{way}",
        ]
    lines += ["%next = add i64 %at, 1", "%done = icmp eq i64 %next, %blocks", "br i1 %done, label %end, label %loop"]
    lines.append("end:")
    for way in ways:
        lines += [
            _shuffled(f"first_{way}", f"abef1_{way}", f"cdgh1_{way}", (3, 2, 7, 6)),
            _shuffled(f"second_{way}", f"abef1_{way}", f"cdgh1_{way}", (1, 0, 5, 4)),
            f"store <4 x i32> %first_{way}, ptr %state_{way}, align 4",
            f"store <4 x i32> %second_{way}, ptr %after_{way}, align 4",
        ]
    return "\n".join([*lines, "ret void", "}", ""])


def _rounds(step: int, way: str) -> Iterator[str]:
    """Four rounds of one block, with the four words that enter them."""
    yield from _words(step, way)
    abef, cdgh = (f"high{step - 1}_{way}", f"low{step - 1}_{way}") if step else (f"abef_{way}", f"cdgh_{way}")
    known = ", ".join(f"i32 {word}" for word in _CONSTANTS[4 * step : 4 * step + 4])
    yield f"%k{step}_{way} = add <4 x i32> %w{step}_{way}, <{known}>"
    yield _shuffled(f"l{step}_{way}", f"k{step}_{way}", f"k{step}_{way}", (2, 3, 2, 3))
    yield _called(f"low{step}_{way}", "sha256rnds2", cdgh, abef, f"k{step}_{way}")
    yield _called(f"high{step}_{way}", "sha256rnds2", abef, f"low{step}_{way}", f"l{step}_{way}")


def _words(step: int, way: str) -> Iterator[str]:
    if step < 4:
        yield f"%o{step}_{way} = add i64 %byte, {16 * step}"
        yield f"%p{step}_{way} = getelementptr i8, ptr %data_{way}, i64 %o{step}_{way}"
        yield f"%r{step}_{way} = load <4 x i32>, ptr %p{step}_{way}, align 1"
        yield f"%w{step}_{way} = call <4 x i32> @llvm.bswap.v4i32(<4 x i32> %r{step}_{way})"
        return
    before = [f"w{step - back}_{way}" for back in range(5)]
    yield _called(f"m{step}_{way}", "sha256msg1", before[4], before[3])
    yield _shuffled(f"s{step}_{way}", before[2], before[1], (1, 2, 3, 4))
    yield f"%t{step}_{way} = add <4 x i32> %m{step}_{way}, %s{step}_{way}"
    yield _called(before[0], "sha256msg2", f"t{step}_{way}", before[1])


def _called(name: str, function: str, *given: str) -> str:
    return f"%{name} = call <4 x i32> @llvm.x86.{function}({', '.join(f'<4 x i32> %{one}' for one in given)})"


def _shuffled(name: str, one: str, other: str, chosen: tuple[int, ...]) -> str:
    mask = ", ".join(f"i32 {at}" for at in chosen)
    return f"%{name} = shufflevector <4 x i32> %{one}, <4 x i32> %{other}, <4 x i32> <{mask}>"


_CONSTANTS = [_root(number, 3) for number in islice(_primes(), 64)]
