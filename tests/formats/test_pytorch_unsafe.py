"""Files that would run code or hide what they hold: each is told as unsafe, and nothing of it is listed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.formats.pickle_names import ALLOWED, FOREIGN, verdict
from catalog.vocabulary import Outcome
from tests.builders.pickles import (
    MAGIC,
    Call,
    Global,
    Raw,
    Storages,
    code,
    pickled,
    torch_legacy,
    torch_tar,
    torch_zip,
)
from tests.formats.pickled import PAYLOAD, SOUND, STATE, probe, unsafe

DANGEROUS = """
    os system|posix system|nt system|sys exit|subprocess Popen|builtins eval|builtins exec|builtins compile
    builtins getattr|builtins setattr|builtins open|builtins __import__|builtins globals|builtins breakpoint
    __builtin__ eval|__builtin__ apply|runpy _run_code|importlib import_module
    importlib._bootstrap _call_with_frames_removed
    operator attrgetter|operator itemgetter|operator methodcaller|_operator attrgetter|functools partial
    _functools partial|ctypes CDLL|ctypes.util find_library|marshal loads|pickle loads|_pickle loads|cPickle loads
    types CodeType|types FunctionType|socket socket|shutil rmtree|webbrowser open|pty spawn|pdb run|timeit timeit
    cProfile runctx|profile run|asyncio.unix_events _UnixSubprocessTransport._start|urllib.request urlopen|pip main
    pip._internal main|logging FileHandler|io FileIO|_io FileIO|io open|numpy.f2py.crackfortran getlincoef
    numpy.testing._private.utils runstring|torch.utils.collect_env run
    torch.utils._config_module ConfigModule.load_config
    torch.utils.bottleneck.__main__ run_cprofile|torch.utils.data.datapipes.utils.decoder basichandlers
    torch.hub load|torch load|torch.serialization load|torch.jit load
    torch._inductor.codecache compile_file|torch._dynamo.guards GuardBuilder.get
    torch.jit.unsupported_tensor_ops execWrapper
    torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression|torch.fx.graph_module reduce_graph_module
    lib2to3.pgen2.grammar Grammar.loads|lib2to3.pgen2.pgen ParserGenerator.make_label|pkgutil resolve_name|pydoc locate
    idlelib.pyshell ModifiedInterpreter.runcode|idlelib.autocomplete AutoComplete.get_entity|ensurepip _run_pip
    code InteractiveInterpreter.runcode|codeop compile_command|bdb Bdb.run|trace Trace.run|doctest debug_script
    commands getoutput|imaplib IMAP4_stream|distutils.file_util write_file|test.support.script_helper assert_python_ok
    cloudpickle.cloudpickle _make_function|dill loads|uuid _popen|venv create|aiohttp.client ClientSession
    multiprocessing.util spawnv_passfds|numpy load|numpy memmap|pandas read_pickle|joblib load|tempfile mkdtemp
    posixpath os.mkdir|random _os.mkdir|random _os|torch os.system|builtins exec.__call__|collections _sys.exit
    numpy.core os|six.moves.builtins eval|gevent.subprocess Popen|my.module eval|my.module subprocess.run
    torch.nn Module.__init__|collections OrderedDict.__reduce__|__main__ __builtins__|a.b c.d|logging os
    weakref finalize
    atexit register|sqlite3 connect|zipimport zipimporter|codecs open|linecache getline|gc get_objects|inspect getsource
"""
PAIRS = [tuple(pair.split()) for line in DANGEROUS.splitlines() for pair in line.strip().split("|") if pair]


@pytest.mark.parametrize(("module", "name"), PAIRS)
def test_dangerous_names_are_unsafe_wherever_they_stand(module: str, name: str) -> None:
    value = Call(Global(module, name), ("x",))
    assert module in unsafe(torch_zip({"state_dict": STATE, "x": value}))
    assert module in unsafe(torch_legacy({"x": value}))
    assert module in unsafe(pickled(Global(module, name)), b"a.pkl")


HARMLESS = """
    collections OrderedDict|torch FloatStorage|torch.cuda HalfStorage|torch._utils _rebuild_tensor_v2
    torch float8_e4m3fn
    torch._utils _rebuild_parameter|torch Size|torch device|numpy dtype|numpy.core.multiarray scalar|_codecs encode
    builtins set|__builtin__ set|builtins complex|torch.nn.parameter Parameter|torch.serialization _get_layout
    pytorch_lightning.callbacks.model_checkpoint ModelCheckpoint|torch.nn.modules.container ParameterDict
    collections Counter|builtins bytearray|torch.storage UntypedStorage|torch.jit._pickle build_intlist
    copy_reg _reconstructor
"""


@pytest.mark.parametrize("pair", [pair for line in HARMLESS.splitlines() for pair in line.strip().split("|") if pair])
def test_names_of_the_list_are_allowed(pair: str) -> None:
    module, name = pair.split()
    assert verdict(module, name) == ""


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("torch.nn.modules.linear", "Linear"),
        ("argparse", "Namespace"),
        ("omegaconf.dictconfig", "DictConfig"),
        ("pathlib", "PosixPath"),
        ("builtins", "print"),
        ("models.yolo", "Model"),
        ("ultralytics.nn.tasks", "DetectionModel"),
        ("numpy.random._pickle", "__randomstate_ctor"),
        ("collections", "OrderedDict2"),
        ("collections.abc", "OrderedDict"),
        ("Torch", "FloatStorage"),
        ("my.module", "Outer.Inner"),
        ("sklearn.ensemble._forest", "RandomForestClassifier"),
    ],
)
def test_other_names_are_foreign(module: str, name: str) -> None:
    assert verdict(module, name) == FOREIGN
    assert probe(torch_zip({"state_dict": STATE, "x": Global(module, name)})).outcome is Outcome.SUSPICIOUS


def test_allowed_are_pairs_and_never_prefixes() -> None:
    for module, names in ALLOWED.items():
        for name in names:
            assert verdict(module, name + "x")
            assert verdict(module + ".x", name)


def text(value: str) -> bytes:
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


STREAMS = {
    "protocol 0": b"cos\nsystem\n(S'true'\ntR.",
    "INST": b"(S'true'\nios\nsystem\n.",
    "OBJ": b"\x80\x02(cos\nsystem\nX\x04\0\0\0trueo.",
    "STACK_GLOBAL": b"\x80\x04" + text("os") + text("system") + b"\x93" + text("true") + b"\x85R.",
    "names through the memo": b"\x80\x04" + text("system") + b"\x940" + text("os") + b"\x940h\x01h\0\x93.",
    "names by PUT": b"\x80\x04" + text("system") + b"p7\n0" + text("os") + b"g7\n\x93.",
    "a name of pieces": b"\x80\x04]\x94" + text("os") + b"\x93.",
    "an escaped name": b"S'\\x6fs'\nS'sys\\164em'\n\x93.",
    "an escaped unicode name": b"V\\u006fs\nVsystem\n\x93.",
    "a carriage return": b"\x80\x02cos\r\nsystem\n.",
    "payload before a broken stream": b"\x80\x02cos\nsystem\n(X\x04\0\0\0truetR\xff\xff",
    "payload before the end": b"\x80\x04cos\nsystem\n",
    "payload popped again": b"\x80\x02cos\nsystem\n0N.",
    "payload in a frame that lies": b"\x80\x04\x95\x02\0\0\0\0\0\0\0cos\nsystem\n.",
    "a second pickle": b"\x80\x02N.\x80\x02cos\nsystem\n.",
    "behind a thousand harmless ones": b"\x80\x02N." * 900 + b"cos\nsystem\n.",
    "NEWOBJ_EX": b"\x80\x04cos\nsystem\n)}\x92.",
    "an extension": b"\x80\x02\x82\x01.",
    "a long extension": b"\x80\x02\x84\x01\0\0\0.",
    "a computed name": b"\x80\x04K\x01K\x02\x93.",
    "a call of a text": b"\x80\x02X\x02\0\0\0os)R.",
    "a call of what was made": b"\x80\x02cmy.module\nthing\n)R)R.",
    "a state for a class": b"\x80\x02cmy.module\nThing\n}X\x01\0\0\0aK\x01sb.",
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
def test_every_way_to_say_a_name_is_seen(stream: bytes) -> None:
    unsafe(stream, b"a.pkl")
    unsafe(torch_zip(None, members={"data.pkl": stream}))
    unsafe(pickled(MAGIC) + pickled(1001) + pickled({}) + stream)


def planted(key: str, value: object) -> Call:
    return Call(Global("my.module", "Thing"), (), {key: value}, new=True)


def test_a_planted_method_is_unsafe() -> None:
    harmless = Global("my.module", "function")
    assert "__setstate__" in unsafe(torch_zip(planted("__setstate__", harmless)))
    assert "append" in unsafe(torch_zip(planted("append", harmless)))
    assert "__setstate__" in unsafe(torch_zip(Call(Global("my.m", "T"), (), (None, {"__setstate__": harmless}))))
    assert probe(torch_zip(planted("append", 3))).outcome is Outcome.SUSPICIOUS
    assert probe(torch_zip({"append": harmless})).outcome is Outcome.SUSPICIOUS


def test_the_magic_number_is_a_number_and_nothing_that_makes_one() -> None:
    made = pickled(Call(Global("builtins", "eval"), (str(MAGIC),)))
    assert "eval" in unsafe(torch_legacy(STATE, before=made))
    assert "eval" in unsafe(made + torch_legacy(STATE)[len(pickled(MAGIC)) :])


def test_each_of_the_legacy_pickles_is_judged() -> None:
    for at in range(5):
        parts = [pickled(MAGIC), pickled(1001), pickled({}), pickled(None), pickled([])]
        parts[at] = pickled(PAYLOAD)
        unsafe(b"".join(parts))


def test_danger_is_told_even_if_the_storages_are_missing() -> None:
    unsafe(torch_legacy({"w": STATE["w"], "x": PAYLOAD})[:-40])
    unsafe(torch_zip({"w": STATE["w"], "x": PAYLOAD}, members={"data/0": b""}))


def test_danger_in_a_tar_is_seen() -> None:
    unsafe(torch_tar(STATE, value=PAYLOAD))


@pytest.mark.parametrize(
    "stream",
    [
        b"\x80\x04\x8b\xff\xff\xff\x7f",
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x80\x04\x8e" + b"\xff" * 8,
        b"\x80\x04\x96\0\0\0\0\1\0\0\0",
        b"\x80\x04\x95" + b"\xff" * 8 + b"N.",
        b"\x80\x02X\xff\xff\xff\xffx",
        b"\x80\x02h\x05.",
        b"\x80\x02j\xff\xff\xff\xff.",
        b"I" + b"9" * 100_000 + b"\n.",
        b"L" + b"9" * 5_000 + b"L\n.",
        b"p99999999999999\n.",
        b"\x80\x06N.",
        b"\x80\x02.",
        b"\x80\x02NN.",
        b"\x80\x02(N.",
        b"\x80\x02\x85.",
        b"\x80\x02Na.",
        b"\x80\x02)(K\x01e.",
        b"\x80\x02}(K\x01u.",
        b"\x80\x02NNb.",
        b"\x80\x02X\x01\0\0\0\xff.",
        b"\x80\x05\x97.",
        b"Sno quotes\n.",
        b"Inumber\n.",
        b"Fnumber\n.",
        b"c" + b"a" * 100_000,
        b"\x80\x02" + b"]" * 5_000,
    ],
)
def test_broken_streams_are_malformed(stream: bytes) -> None:
    found = probe(torch_zip(None, members={"data.pkl": stream}))
    assert (found.outcome, found.tensors) == (Outcome.INVALID, ())


def test_a_memo_at_the_end_of_the_world_costs_nothing() -> None:
    assert probe(pickled(Raw(b"N" + b"r\xff\xff\xff\xff" * 1000))).outcome is Outcome.OK


def test_nests_and_shares_are_walked_once() -> None:
    deep = b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b"."
    shared = b"\x80\x02Nq\0" + b"0h\0h\0\x86q\0" * 5_000 + b"."
    itself = b"\x80\x02]q\0h\0ah\0a."
    for stream in (deep, shared, itself):
        assert probe(stream).outcome is Outcome.OK
    own_state = b"\x80\x02cmy.module\nThing\n)\x81q\0h\0b."
    states = b"\x80\x02cmy.module\nThing\nq\x000" + b"h\0)\x81" * 50_000 + b"b" * 49_999 + b"."
    for stream in (own_state, states):
        assert probe(stream).outcome is Outcome.SUSPICIOUS


def test_the_steps_of_a_pickle_are_counted() -> None:
    assert probe(b"\x80\x02" + b"N0" * 510_000 + b"N.").outcome is Outcome.INVALID


OPCODES = [bytes([number]) for number in range(256)]
PIECES = st.sampled_from(
    [
        *(b"cos\nsystem\n", b"ctorch\nFloatStorage\n", b"ccollections\nOrderedDict\n", b"K\x01", b"X\x01\0\0\0a"),
        *(
            b"ctorch._utils\n_rebuild_tensor_v2\n",
            b"\x8c\x07storage",
            b"N",
            b")",
            b"R",
            b"b",
            b"q\0",
            b"h\0",
            b"(Q.",
            b"}q\0",
            b"h\0h\0b",
        ),
    ]
)


@given(st.lists(PIECES | st.sampled_from(OPCODES) | st.binary(max_size=4), max_size=30), st.booleans())
def test_any_opcodes_are_no_crash(pieces: list[bytes], legacy: bool) -> None:
    stream = b"".join(pieces)
    stream = pickled(MAGIC) + pickled(1001) + pickled({}) + stream if legacy else b"\x80\x02" + stream
    for content in (stream, torch_zip(None, members={"data.pkl": stream})):
        found = probe(content)
        assert (found.outcome is Outcome.OK) is not bool(found.problems)
        assert all(problem.sentence for problem in found.problems)


MADE = {
    "zip": torch_zip({"state_dict": STATE, "epoch": 3}),
    "legacy": torch_legacy({"state_dict": STATE, "epoch": 3}),
    "tar": torch_tar(STATE),
}


@given(
    st.sampled_from(sorted(MADE)),
    st.lists(st.tuples(st.sampled_from(["set", "insert", "delete", "cut"]), st.floats(0, 1), st.binary(max_size=5))),
)
def test_any_change_is_no_crash(form: str, changes: list[tuple[str, float, bytes]]) -> None:
    content = MADE[form]
    for what, place, piece in changes:
        at = int(place * min(len(content), 3000))
        after = at + len(piece) * (what in {"set", "delete"})
        content = (
            content[:at] + (piece if what in {"set", "insert"} else b"") + (content[after:] if what != "cut" else b"")
        )
    found = probe(content)
    assert all(tensor.offset + tensor.nbytes <= len(content) for tensor in found.tensors)
    assert (found.outcome is Outcome.OK) is not bool(found.problems)


def inside(content: object) -> Call:
    return Call(Global("torch.storage", "_load_from_bytes"), (content,))


def test_bytes_that_would_be_unpickled_are_looked_into() -> None:
    storage = Storages(legacy=True).keep(STATE["w"])
    sound = torch_legacy(Raw(code(storage, Storages(legacy=True))), bases=[STATE["w"]])
    hooks = Call(Global("collections", "OrderedDict"))
    args = (inside(sound), 0, (3, 4), (4, 1), False, hooks)
    content = pickled({"w": Call(Global("torch._utils", "_rebuild_tensor_v2"), args)}, protocol=4)
    found = probe(content, b"a.pkl")
    assert (found.outcome, found.problems[0].params) == (
        Outcome.SUSPICIOUS,
        {"names": "torch.storage._load_from_bytes"},
    )
    [tensor] = found.tensors
    assert content[tensor.offset : tensor.offset + tensor.nbytes] == STATE["w"].tobytes()


@pytest.mark.parametrize(
    "content", [torch_legacy(PAYLOAD), torch_legacy(inside(bytes(200))), b"x", "text", pickled("x" * 99), SOUND]
)
def test_bytes_that_would_be_unpickled_are_unsafe_where_they_cannot_be_looked_into(content: object) -> None:
    assert probe(pickled(inside(content)), b"a.pkl").outcome in {Outcome.UNSAFE, Outcome.INVALID}
    unsafe(torch_zip({"x": inside(content)}))
    if content != SOUND:
        unsafe(pickled(inside(content)), b"a.pkl")


def test_danger_is_told_before_what_is_only_broken() -> None:
    members = {"data.pkl": b"\x80\x02N", "constants.pkl": pickled(PAYLOAD)}
    unsafe(torch_zip(None, members=members))
    unsafe(pickled(MAGIC) + pickled(999) + pickled(PAYLOAD))
