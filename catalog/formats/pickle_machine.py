"""Walks the opcodes of a pickle and says what they would build, without building any of it.

All opcodes of protocols 0 to 5 (CPython Lib/pickletools.py and Modules/_pickle.c). What the names in it may do is
decided the moment a name is met, so a payload is seen even where the stream breaks after it. Memory and time are
bounded by `MAX_STEPS` and `MAX_KEPT`, whatever lengths the stream claims.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.errors import UnsafeFile
from catalog.formats.base import malformed
from catalog.formats.pickle_names import FOREIGN, PLANTED, RENAMED, verdict
from catalog.formats.pickle_values import Blob, Made, Name, Pairs, Value
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.errors import MalformedFile
    from catalog.formats.pickle_tape import Tape

MAX_STEPS = 600_000
"""Opcodes of all pickles of one file; a checkpoint of 2,500 tensors has a hundred thousand."""
MAX_KEPT = 33_554_432
"""Bytes of all texts and long numbers that are kept."""
LONGEST = 65_536
"""Bytes of one text that is kept; longer ones, and bytes beyond `_LONGEST_BYTES`, are passed over."""

_LONGEST_BYTES = 64
_CONTAINERS = (tuple, list, Pairs, Made)
_LISTS = frozenset({"list", "bytearray"})
_WITHOUT_HASH = frozenset({"builtins.set", "builtins.bytearray", "builtins.list", "collections.deque"})
_MAX_NAMES = 10_000
_LONGEST_NAME = 512  # characters, module and all


class Findings:
    """What is learnt while the pickles of one file are walked. `script`: they are TorchScript's."""

    def __init__(self, *, script: bool = False) -> None:
        self.foreign: dict[str, None] = {}
        """The names outside the list, in the order in which they were met."""
        self.steps = MAX_STEPS
        self.kept = MAX_KEPT
        self._script = script
        self._known: dict[tuple[str, str], Name] = {}

    def name(self, module: str, name: str, place: str) -> Name:
        """The name, judged; raises `UnsafeFile` for a dangerous one."""
        known = self._known.get((module, name))
        if known is not None:
            return known
        if len(module) + len(name) > _LONGEST_NAME:
            raise malformed(f"A name of {len(module) + len(name):,} characters in a pickle", place)
        self.charge(len(module) // 8, place)
        said = verdict(module, name, script=self._script)
        if said == FOREIGN:
            self.foreign[_shown(f"{module}.{name}")] = None
        elif said:
            raise unsafe(f"{said} {_shown(f'{module}.{name}')}", place)
        if len(self._known) >= _MAX_NAMES:
            raise malformed(f"More than {_MAX_NAMES:,} names in a pickle", place)
        return self._known.setdefault((module, name), Name(RENAMED.get(module, module), name))

    def charge(self, steps: int, place: str) -> None:
        """Count work that no opcode of its own stands for."""
        self.steps -= steps
        if self.steps < 0:
            raise malformed(f"A pickle of more than {MAX_STEPS:,} steps", place)


def unsafe(what: str, where: str) -> UnsafeFile:
    """The error for a file that would run code, or that hides what it would do."""
    return UnsafeFile(FindingCode.UNSAFE, what=what, where=where)


def _refuse(value: Value) -> Value:
    raise malformed("An object that is kept outside the pickle", "a persistent id")


class Machine:
    """One pickle's stack and memo. `call`: what an allowed name makes of its arguments, `fetch`: what an id means."""

    def __init__(
        self,
        tape: Tape,
        findings: Findings,
        call: Callable[[Name, Value, str], Value],
        fetch: Callable[[Value], Value] = _refuse,
    ) -> None:
        self.tape = tape
        self.findings = findings
        self.call = call
        self.fetch = fetch
        self.stack: list[Value] = []
        self.marks: list[list[Value]] = []
        self.memo: dict[int, Value] = {}

    def popped(self) -> list[Value]:
        """Everything above the last mark, which goes with it."""
        items, self.stack = self.stack, self.marks.pop()
        return items

    def remember(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    def text(self, length: int, errors: str = "surrogatepass") -> str | Blob:
        """A text of `length` bytes; a longer one than is kept becomes a `Blob`."""
        if length > LONGEST:
            return self.passed(length)
        self.keep(length)
        return self.tape.take(length).decode(errors=errors)

    def keep(self, length: int, steps: int = 0) -> None:
        """Count bytes that are kept, and the work of reading them beyond that of a common opcode."""
        self.findings.kept -= length
        if self.findings.kept < 0:
            raise self.bad(f"More than {MAX_KEPT:,} bytes of text in a pickle")
        if steps:
            self.findings.charge(steps, self.tape.place)

    def octets(self, length: int) -> bytes | Blob:
        self.keep(min(length, _LONGEST_BYTES), 3)
        return self.passed(length) if length > _LONGEST_BYTES else self.tape.take(length)

    def passed(self, length: int) -> Blob:
        """A literal that is not read."""
        blob = Blob(self.tape.position, length)
        self.tape.skip(length)
        return blob

    def name(self, module: Value, name: Value) -> Name:
        """A name out of two texts of the stack or the stream."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise unsafe("A name that the pickle computes", self.tape.place)
        return self.findings.name(module, name, self.tape.place)

    def make(self, maker: Value, args: Value) -> Value:
        """What the call of a named thing gives; calling anything else is no way to store data."""
        if not isinstance(maker, Name):
            raise unsafe("A call of something that the pickle itself made", self.tape.place)
        return self.call(maker, args, self.tape.place)

    def new(self, maker: Value, args: Value) -> Value:
        """The same for a class that is asked for a new object; a function cannot be."""
        if isinstance(maker, Name) and maker.module == "torch._utils":
            raise self.bad("A new object of something that is no class")
        return self.make(maker, args)

    def build(self, target: Value, state: Value) -> None:
        """Give an object its state."""
        if isinstance(target, Name):
            raise unsafe(f"A change of {_shown(str(target))} itself", self.tape.place)
        for part in state[:2] if isinstance(state, tuple) else (state,):
            if isinstance(part, Pairs) and part.planted:
                raise unsafe(f"A planted {part.planted}", self.tape.place)
        if isinstance(target, Made):
            target.state = state
        elif target is None or isinstance(target, (bool, int, float, str, bytes, list, tuple)):
            raise self.bad("A state for something that has none")
        elif isinstance(target, Pairs) and (target.bare or not _is_attributes(state)):
            raise self.bad("A state that is no dictionary")

    def append(self, items: list[Value]) -> None:
        target = self.stack[-1]
        if isinstance(target, list):
            target += items
        elif isinstance(target, Made) and (target.maker.module != "builtins" or target.maker.name in _LISTS):
            target.items = target.items or []
            target.items += items
        else:
            raise self.bad("Items for something that is no list")

    def add(self, items: list[Value]) -> None:
        """Put values into the set on top."""
        target = self.stack[-1]
        if not isinstance(target, Made) or (target.maker.module == "builtins" and target.maker.name != "set"):
            raise self.bad("Values for something that is no set")
        self._check_keys(items)
        target.items = target.items or []
        target.items += items

    def set_items(self, flat: list[Value]) -> None:
        """Keys and values in turn, for the dictionary on top."""
        target = self.stack[-1]
        if isinstance(target, Made) and target.maker.module != "builtins":
            target.pairs = target.pairs or Pairs()
            target = target.pairs
        if not isinstance(target, Pairs) or len(flat) % 2:
            raise self.bad("Keys for something that is no dictionary")
        target.flat += flat
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            if isinstance(key, _CONTAINERS):
                self._check_keys([key])
            elif isinstance(key, str) and key in PLANTED and (key == "__setstate__" or isinstance(value, (Name, Made))):
                target.planted = key

    def _check_keys(self, keys: list[Value]) -> None:
        """Keys must have a hash, which a tuple has if all in it have one."""
        waiting = [*keys]
        while waiting:
            key = waiting.pop()
            if isinstance(key, tuple):
                self.findings.charge(len(key), self.tape.place)
                waiting += key
            elif isinstance(key, (list, Pairs)) or (isinstance(key, Made) and str(key.maker) in _WITHOUT_HASH):
                raise self.bad("A key that no dictionary can have")

    def last(self) -> Value:
        """The one object that is left when a pickle stops."""
        if len(self.stack) != 1 or self.marks:
            raise self.bad("A pickle that leaves more than one object")
        return self.stack.pop()

    def bad(self, what: str) -> MalformedFile:
        return malformed(what, self.tape.place)


def _is_attributes(state: Value) -> bool:
    """Whether a dictionary can take it as its own attributes: names and values, or those and slots."""
    parts = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    return all(part is None or isinstance(part, Pairs) for part in parts)


def _shown(name: str) -> str:
    """A name short enough for a sentence, on one line."""
    short = name if len(name) <= 160 else f"{name[:160]}…"
    return "".join(letter if letter.isprintable() else "�" for letter in short)
