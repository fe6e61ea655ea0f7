"""What each opcode does to a machine's stack (CPython Lib/pickletools.py); numbers are those of `pickle.py`."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, TypeAlias

from catalog.formats.pickle_machine import MAX_STEPS, Machine, unsafe
from catalog.formats.pickle_values import Made, Name, Pairs, Value

if TYPE_CHECKING:
    from collections.abc import Callable

Operation: TypeAlias = "Callable[[Machine], None]"

MAX_DIGITS = 1024
"""Digits, or bytes, of one whole number; a pickle may write any."""

_SET, _FROZEN = Name("builtins", "set"), Name("builtins", "frozenset")
_STOP = 0x2E
_F64 = struct.Struct(">d")
_ESCAPES = re.compile(r"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
_SHORT_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\n": ""}


def run(machine: Machine) -> Value:
    """The object that the next pickle on the machine's tape would be. Raises `MalformedFile` and `UnsafeFile`."""
    byte, steps, operations = machine.tape.byte, machine.findings.steps, OPERATIONS
    try:
        for step in range(steps):
            code = byte()
            if code == _STOP:
                machine.findings.steps -= step
                return machine.last()
            operations[code](machine)
    except (IndexError, KeyError) as error:
        raise machine.bad("A pickle that takes what it did not put there") from error
    except UnicodeDecodeError as error:
        raise machine.bad("A text that is no UTF-8") from error
    raise machine.bad(f"A pickle of more than {MAX_STEPS:,} steps")


def _push(value: Value) -> Operation:
    def operation(machine: Machine) -> None:
        machine.stack.append(value)

    return operation


def _unknown(machine: Machine) -> None:
    raise machine.bad("An opcode that does not exist")


def _outside(machine: Machine) -> None:
    raise machine.bad("Bytes that are kept outside the pickle")


def _extension(machine: Machine) -> None:
    raise unsafe("A name hidden behind an extension code", machine.tape.place)


def _protocol(machine: Machine) -> None:
    if machine.tape.byte() > 5:
        raise machine.bad("A pickle of a protocol that does not exist")


def _frame(machine: Machine) -> None:
    if machine.tape.number(8) > machine.tape.left:
        raise machine.bad("A frame that is longer than the pickle")


def _mark(machine: Machine) -> None:
    machine.marks.append(machine.stack)
    machine.stack = []


def _pop(machine: Machine) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.popped()


def _pop_mark(machine: Machine) -> None:
    machine.popped()


def _dup(machine: Machine) -> None:
    machine.stack.append(machine.stack[-1])


def _put(machine: Machine) -> None:
    machine.remember(_line_number(machine))


def _binput(machine: Machine) -> None:
    machine.memo[machine.tape.byte()] = machine.stack[-1]


def _long_binput(machine: Machine) -> None:
    machine.remember(machine.tape.number(4))


def _memoize(machine: Machine) -> None:
    machine.remember(len(machine.memo))


def _get(machine: Machine) -> None:
    machine.stack.append(machine.memo[_line_number(machine)])


def _binget(machine: Machine) -> None:
    machine.stack.append(machine.memo[machine.tape.byte()])


def _long_binget(machine: Machine) -> None:
    machine.stack.append(machine.memo[machine.tape.number(4)])


def _line_number(machine: Machine) -> int:
    number = _whole(machine, machine.tape.line())
    if not 0 <= number < 1 << 32:
        raise machine.bad("A place in the memo that does not exist")
    return number


def _whole(machine: Machine, text: bytes) -> int:
    """A decimal number, as `int` reads it; the text is bounded, since long ones take for ever."""
    if len(text) > MAX_DIGITS:
        raise machine.bad(f"A number of {len(text):,} digits")
    machine.keep(len(text), len(text) // 64)
    try:
        return int(text)
    except ValueError as error:
        raise machine.bad("A number that is none") from error


def _int(machine: Machine) -> None:
    text = machine.tape.line()
    machine.stack.append(text == b"01" if text in {b"00", b"01"} else _whole(machine, text))


def _long(machine: Machine) -> None:
    text = machine.tape.line()
    machine.stack.append(_whole(machine, text.removesuffix(b"L")))


def _float(machine: Machine) -> None:
    text = machine.tape.line()[:MAX_DIGITS]
    machine.keep(0, 2 + len(text) // 64)
    try:
        machine.stack.append(float(text))
    except ValueError as error:
        raise machine.bad("A number that is none") from error


def _binint(machine: Machine) -> None:
    machine.stack.append(int.from_bytes(machine.tape.take(4), "little", signed=True))


def _binint1(machine: Machine) -> None:
    machine.stack.append(machine.tape.byte())


def _binint2(machine: Machine) -> None:
    machine.stack.append(machine.tape.number(2))


def _long1(machine: Machine) -> None:
    length = machine.tape.byte()
    machine.keep(length, length // 32)
    machine.stack.append(int.from_bytes(machine.tape.take(length), "little", signed=True))


def _long4(machine: Machine) -> None:
    length = machine.tape.number(4)
    if length > MAX_DIGITS:
        raise machine.bad(f"A number of {length:,} bytes")
    machine.keep(length, length // 32)
    machine.stack.append(int.from_bytes(machine.tape.take(length), "little", signed=True))


def _binfloat(machine: Machine) -> None:
    machine.stack.append(_F64.unpack(machine.tape.take(8))[0])


def _string(machine: Machine) -> None:
    """A text of Python 2 between quotes, with escapes."""
    text = machine.tape.line().strip()
    machine.keep(len(text), 3 + text.count(b"\\"))
    if len(text) < 2 or text[:1] not in {b"'", b'"'} or text[-1:] != text[:1]:
        raise machine.bad("A text without its quotes")
    machine.stack.append(_ESCAPES.sub(_unescaped, text[1:-1].decode("latin-1")))


def _unescaped(found: re.Match[str]) -> str:
    code = found.group(1)
    if code[0] == "x" and len(code) == 3:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return _SHORT_ESCAPES.get(code, code if code in "\\'\"" else f"\\{code}")


def _unicode(machine: Machine) -> None:
    text = machine.tape.line()
    machine.keep(len(text), 3 + text.count(b"\\"))
    machine.stack.append(str(text, "raw-unicode-escape"))


def _text(width: int, errors: str = "surrogatepass") -> Operation:
    """A text after its length of `width` bytes; those of Python 2 may be in any encoding."""

    def operation(machine: Machine) -> None:
        machine.stack.append(machine.text(machine.tape.number(width), errors))

    return operation


def _octets(width: int) -> Operation:
    def operation(machine: Machine) -> None:
        machine.stack.append(machine.octets(machine.tape.number(width)))

    return operation


def _empty_list(machine: Machine) -> None:
    machine.stack.append([])


def _empty_dict(machine: Machine) -> None:
    machine.stack.append(Pairs(bare=True))


def _empty_set(machine: Machine) -> None:
    machine.stack.append(Made(_SET))


def _list(machine: Machine) -> None:
    items = machine.popped()
    machine.stack.append(items)


def _dict(machine: Machine) -> None:
    flat = machine.popped()
    machine.stack.append(Pairs(bare=True))
    machine.set_items(flat)


def _frozenset(machine: Machine) -> None:
    items = machine.popped()
    machine.stack.append(Made(_FROZEN, tuple(items)))


def _tuple(machine: Machine) -> None:
    items = machine.popped()
    machine.stack.append(tuple(items))


def _tuple_of(count: int) -> Operation:
    def operation(machine: Machine) -> None:
        stack = machine.stack
        if len(stack) < count:
            raise IndexError
        stack[-count:] = [tuple(stack[-count:])]

    return operation


def _append(machine: Machine) -> None:
    item = machine.stack.pop()
    machine.append([item])


def _appends(machine: Machine) -> None:
    machine.append(machine.popped())


def _additems(machine: Machine) -> None:
    machine.add(machine.popped())


def _setitem(machine: Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.set_items([key, value])


def _setitems(machine: Machine) -> None:
    machine.set_items(machine.popped())


def _global(machine: Machine) -> None:
    module = machine.tape.line().decode()
    machine.keep(0, 2)
    machine.stack.append(machine.name(module, machine.tape.line().decode()))


def _stack_global(machine: Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.name(module, name))


def _inst(machine: Machine) -> None:
    module = machine.tape.line().decode()
    machine.keep(0, 2)
    name = machine.name(module, machine.tape.line().decode())
    args = machine.popped()
    machine.stack.append(machine.make(name, tuple(args)))


def _obj(machine: Machine) -> None:
    items = machine.popped()
    machine.stack.append(machine.make(items[0], tuple(items[1:])))


def _reduce(machine: Machine) -> None:
    args = machine.stack.pop()
    machine.stack.append(machine.make(machine.stack.pop(), args))


def _newobj(machine: Machine) -> None:
    args = machine.stack.pop()
    machine.stack.append(machine.new(machine.stack.pop(), args))


def _newobj_ex(machine: Machine) -> None:
    named, args = machine.stack.pop(), machine.stack.pop()
    made = machine.new(machine.stack.pop(), args)
    if isinstance(made, Made) and isinstance(named, Pairs):
        made.pairs = named
    machine.stack.append(made)


def _build(machine: Machine) -> None:
    state = machine.stack.pop()
    machine.build(machine.stack[-1], state)


def _persid(machine: Machine) -> None:
    machine.stack.append(machine.fetch(machine.tape.line().decode("ascii", "replace")))


def _binpersid(machine: Machine) -> None:
    machine.stack.append(machine.fetch(machine.stack.pop()))


_BY_CODE: dict[bytes, Operation] = {
    b"\x80": _protocol, b"\x95": _frame, b"(": _mark, b"0": _pop, b"1": _pop_mark, b"2": _dup,
    b"p": _put, b"q": _binput, b"r": _long_binput, b"\x94": _memoize, b"g": _get, b"h": _binget, b"j": _long_binget,
    b"N": _push(None), b"\x88": _push(True), b"\x89": _push(False),  # noqa: FBT003 # the value itself
    b"I": _int, b"L": _long, b"F": _float, b"J": _binint, b"K": _binint1, b"M": _binint2, b"\x8a": _long1,
    b"\x8b": _long4, b"G": _binfloat, b"S": _string, b"V": _unicode,
    b"T": _text(4, "surrogateescape"), b"U": _text(1, "surrogateescape"),
    b"X": _text(4), b"\x8c": _text(1), b"\x8d": _text(8),
    b"B": _octets(4), b"C": _octets(1), b"\x8e": _octets(8), b"\x96": _octets(8), b"\x97": _outside, b"\x98": _outside,
    b"]": _empty_list, b"l": _list, b"a": _append, b"e": _appends, b")": _push(()), b"t": _tuple,
    b"\x85": _tuple_of(1), b"\x86": _tuple_of(2), b"\x87": _tuple_of(3),
    b"}": _empty_dict, b"d": _dict, b"s": _setitem, b"u": _setitems, b"\x8f": _empty_set, b"\x90": _additems,
    b"\x91": _frozenset, b"c": _global, b"\x93": _stack_global, b"i": _inst, b"o": _obj, b"R": _reduce,
    b"\x81": _newobj, b"\x92": _newobj_ex, b"b": _build, b"P": _persid, b"Q": _binpersid,
    b"\x82": _extension, b"\x83": _extension, b"\x84": _extension,
}  # fmt: skip

OPERATIONS: tuple[Operation, ...] = tuple(_BY_CODE.get(bytes([code]), _unknown) for code in range(256))
"""The operation of each opcode but STOP."""
