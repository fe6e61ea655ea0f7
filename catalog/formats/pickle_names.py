"""Which names a pickle may say: those that only hold data, those that are foreign, those that do harm.

Allowed are exact pairs: the list of torch's own weights-only reader (torch/_weights_only_unpickler.py), that of
stable-diffusion-webui (modules/safe.py), NumPy's arrays, and Python's own containers. A list of what is dangerous never
ends, so a name in neither list is foreign, not harmless; the dangerous ones only get the sharper word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FOREIGN = "foreign"
"""The verdict on a name that is in no list."""

DTYPES = {
    "float64": ("F64", 64),
    "double": ("F64", 64),
    "float32": ("F32", 32),
    "float": ("F32", 32),
    "float16": ("F16", 16),
    "half": ("F16", 16),
    "bfloat16": ("BF16", 16),
    "float8_e4m3fn": ("F8_E4M3", 8),
    "float8_e5m2": ("F8_E5M2", 8),
    "float8_e4m3fnuz": ("F8_E4M3FNUZ", 8),
    "float8_e5m2fnuz": ("F8_E5M2FNUZ", 8),
    "float8_e8m0fnu": ("F8_E8M0", 8),
    "float4_e2m1fn_x2": ("F4_X2", 8),  # two values a byte, and the shape counts bytes
    "int64": ("I64", 64),
    "long": ("I64", 64),
    "int32": ("I32", 32),
    "int": ("I32", 32),
    "int16": ("I16", 16),
    "short": ("I16", 16),
    "int8": ("I8", 8),
    "uint8": ("U8", 8),
    "uint16": ("U16", 16),
    "uint32": ("U32", 32),
    "uint64": ("U64", 64),
    "bool": ("BOOL", 8),
    "complex32": ("C32", 32),
    "complex64": ("C64", 64),
    "cfloat": ("C64", 64),
    "complex128": ("C128", 128),
    "cdouble": ("C128", 128),
    "qint8": ("I8", 8),
    "quint8": ("U8", 8),
    "qint32": ("I32", 32),
    "bits8": ("U8", 8),
    "bits16": ("U16", 16),
}
"""torch's dtypes: safetensors' name where it has one (a quantised one counts as its whole numbers), bits of a value."""

_STORAGES = {
    "Double": "float64",
    "Float": "float32",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
    "ComplexDouble": "complex128",
    "ComplexFloat": "complex64",
    "QInt8": "qint8",
    "QInt32": "qint32",
    "QUInt8": "quint8",
}
UNTYPED = ("U8", 8)
STORAGES = {
    **{f"{name}Storage": DTYPES[dtype] for name, dtype in _STORAGES.items()},
    **dict.fromkeys(("UntypedStorage", "_UntypedStorage", "TypedStorage", "_TypedStorage"), UNTYPED),
}
"""Storage classes (torch/storage.py, `_dtype_to_storage_type_map`) and the dtype of their values; untyped: bytes."""

TENSOR_CLASSES = frozenset(f"{name}Tensor" for name in _STORAGES) | {"Tensor"}

_SUB_BYTE = "bits1x8 bits2x4 bits4x2 quint4x2 quint2x4 bcomplex32".split()  # noqa: SIM905 # a line, not six
_PLAIN_DTYPES = (*DTYPES, *(f"{sign}int{bits}" for sign in ("", "u") for bits in range(1, 8)), *_SUB_BYTE)
_REBUILD = (
    "_rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor _rebuild_tensor _rebuild_tensor_v2 "
    "_rebuild_tensor_v3 _rebuild_sparse_tensor _rebuild_sparse_csr_tensor _rebuild_meta_tensor_no_storage "
    "_rebuild_nested_tensor _rebuild_wrapper_subclass _rebuild_device_tensor_from_numpy _rebuild_xla_tensor "
    "_rebuild_device_tensor_from_cpu_tensor"
)
_QUANTISED = (
    "per_tensor_affine per_tensor_symmetric per_channel_affine per_channel_symmetric per_channel_affine_float_qparams "
    "QUInt4x2Storage QUInt2x4Storage"
)
_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")

ALLOWED: dict[str, frozenset[str]] = {
    "collections": frozenset({"OrderedDict", "Counter", "defaultdict", "deque"}),
    "builtins": _words(
        """
    set frozenset bytearray bytes complex list dict tuple str int float bool object slice range
    """
    ),
    "copyreg": frozenset({"_reconstructor", "__newobj__"}),
    "_codecs": frozenset({"encode"}),
    "torch": frozenset(
        [*_QUANTISED.split(), *_PLAIN_DTYPES, *STORAGES, *TENSOR_CLASSES, "Size", "device"],
    ),
    **{f"torch.{place}": frozenset([*STORAGES, *TENSOR_CLASSES]) for place in ("cuda", "sparse", "cuda.sparse")},
    "torch.storage": frozenset(STORAGES),
    "torch._tensor": frozenset({"Tensor", "_rebuild_from_type_v2", "_rebuild_from_type"}),
    "torch.tensor": frozenset({"Tensor", "_rebuild_from_type_v2", "_rebuild_from_type"}),
    "torch._utils": frozenset(_REBUILD.split()),
    "torch.nn.parameter": frozenset({"Parameter", "Buffer"}),
    "torch.nn.modules.container": frozenset({"ParameterDict"}),
    "torch.serialization": frozenset({"_get_layout"}),
    "torch.jit._pickle": _words(
        """
    build_intlist build_tensorlist build_doublelist build_boollist build_tensor_from_id restore_type_tag
    """
    ),
    "numpy": frozenset({"dtype", "ndarray"}),
    **{module: frozenset({"_reconstruct", "scalar"}) for module in _NUMPY},
    "pytorch_lightning.callbacks": frozenset({"model_checkpoint"}),
    "pytorch_lightning.callbacks.model_checkpoint": frozenset({"ModelCheckpoint"}),
}
"""The pairs that hold data and nothing else: module -> names."""

RENAMED = {
    "__builtin__": "builtins",
    "copy_reg": "copyreg",
    "cPickle": "pickle",
    "_pickle": "pickle",
    "commands": "subprocess",
    "exceptions": "builtins",
    "httplib": "http",
    "urllib2": "urllib",
    "anydbm": "dbm",
    "whichdb": "dbm",
    "SimpleXMLRPCServer": "xmlrpc",
    "SocketServer": "socketserver",
}
"""Modules of Python 2 under their names of today (CPython Lib/_compat_pickle.py)."""

_MODULES = _words(
    """
    os posix nt sys subprocess socket ssl shutil runpy importlib imp ctypes _ctypes cffi marshal pickle
    pickletools _posixsubprocess dill cloudpickle joblib.externals timeit pdb bdb cProfile profile
    pstats pty tty asyncio webbrowser urllib http ftplib smtplib telnetlib poplib imaplib nntplib xmlrpc
    socketserver requests httpx aiohttp urllib3 pip setuptools distutils ensurepip venv code codeop
    trace doctest pydoc idlelib test lib2to3 unittest multiprocessing threading _thread concurrent
    signal faulthandler gc inspect linecache zipimport zipapp site sitecustomize usercustomize tempfile
    fileinput mmap fcntl resource crontab sched commands platform antigravity turtle tkinter curses
    readline rlcompleter cmd getpass sqlite3 dbm shelve tarfile zipfile logging.config logging.handlers
    wsgiref cgi cgitb _osx_support _aix_support _pyrepl _testcapi _testinternalcapi numpy.f2py
    numpy.testing numpy.distutils numpy.lib.npyio numpy.ctypeslib scipy.weave torch.hub torch.package
    torch.utils.collect_env torch.utils.bottleneck torch.utils.cpp_extension torch.utils.model_zoo
    torch.utils.model_dump torch.utils.show_pickle torch.utils.benchmark torch.utils.hipify
    torch.utils._config_module torch.utils.data.datapipes torch.utils.file_baton torch._inductor
    torch._dynamo.guards torch.testing torch.distributed.rpc torch.distributed.elastic
    torch.multiprocessing torch.jit.unsupported_tensor_ops torch.jit.frontend torch.fx.graph_module
    torch.fx.experimental torch.fx.graph torch._library torch.ops torch._ops torch.classes torch.onnx
    """
)
"""Nothing out of these modules, or out of what lies below them, belongs into a file of weights."""

_PARTS = _words(
    """
    os posix nt sys subprocess builtins socket ctypes importlib marshal shutil runpy pty webbrowser pip
    """
)
"""Modules that are dangerous below any other too: `six.moves.builtins`, `gevent.subprocess`."""

_WALKED = _PARTS | _words(
    """
    pickle timeit pdb cProfile asyncio urllib multiprocessing inspect posixpath ntpath
    """
)
"""Modules that a name may reach through the imports of another one: `random._os`."""

_NAMES: dict[str, frozenset[str]] = {
    "builtins": _words(
        """
    eval exec execfile compile open file input raw_input getattr setattr delattr vars globals locals
    apply breakpoint reload map filter reduce super exit quit help
    """
    ),
    "operator": _words(
        """
    attrgetter itemgetter methodcaller call setitem delitem concat iconcat
    """
    ),
    "functools": frozenset({"partial", "partialmethod", "reduce"}),
    "types": _words(
        """
    CodeType FunctionType LambdaType MethodType ModuleType BuiltinFunctionType new_class GeneratorType
    CoroutineType
    """
    ),
    "logging": frozenset({"FileHandler", "basicConfig", "shutdown"}),
    "io": _words(
        """
    FileIO open open_code OpenWrapper TextIOWrapper BufferedWriter BufferedReader
    """
    ),
    "pkgutil": _words(
        """
    resolve_name get_loader find_loader get_data importer walk_packages
    """
    ),
    "codecs": frozenset({"open", "EncodedFile", "register"}),
    "copyreg": frozenset({"add_extension", "remove_extension", "pickle"}),
    "itertools": frozenset({"starmap", "accumulate", "takewhile", "dropwhile", "filterfalse"}),
    "atexit": frozenset({"register", "unregister"}),
    "weakref": frozenset({"finalize", "ref", "proxy"}),
    "numpy": _words(
        """
    load save savez memmap fromfile loadtxt savetxt genfromtxt DataSource vectorize fromregex frompyfunc
    apply_along_axis apply_over_axes fromfunction piecewise
    """
    ),
    "numpy.core": frozenset({"memmap"}),
    "torch": frozenset({"load", "save", "compile", "hub"}),
    "torch.serialization": frozenset({"load", "save"}),
    "torch.jit": frozenset({"load", "save", "script", "CompilationUnit"}),
    "pandas": frozenset({"eval", "read_pickle", "read_csv", "read_json", "HDFStore"}),
    "uuid": frozenset({"_get_command_stdout", "_popen", "getnode", "uuid1", "_load_system_functions"}),
}
"""Dangerous names of modules that hold harmless ones too."""

_ANYWHERE = _words(
    """
    eval exec execfile system popen Popen spawn spawnl spawnv spawnlp spawnvp execv execve execl execlp
    execvp fork check_output check_call getoutput getstatusoutput import_module load_module exec_module
    loads load unpickle read_pickle import_string load_source load_compiled run_module run_path runcode
    runsource runctx run_code run call system_call shell rmtree unlink remove rmdir mkdir makedirs
    rename urlopen urlretrieve create_subprocess_shell execWrapper compile_file basichandlers safe_eval
    literal_eval run_command bash getattr setattr attrgetter methodcaller resolve_name locate
    exec_command compile_command
    """
)
"""Functions that do harm wherever somebody has put or re-exported them."""

PLANTED = _words(
    """
    __setstate__ __class__ __call__ __getattr__ __getattribute__ __del__ append extend add
    """
)
"""Keys in an object's state that Python itself would call or obey, while it loads or later."""

NO_NAME = "A name that is none"
"""Verdict on words that Python could not import: a sign of an odd pickle, or that the text is no pickle at all."""

_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def verdict(module: str, name: str, *, script: bool = False) -> str:
    """Empty for an allowed name, `FOREIGN`, else what is dangerous about it. `script`: the names are TorchScript's."""
    module = RENAMED.get(module, module)
    if name in ALLOWED.get(module, ()) or (script and module.partition(".")[0] == "__torch__"):
        return ""
    if not _NAME.fullmatch(module) or not _NAME.fullmatch(name):
        return NO_NAME
    if _dangerous(module, name.split(".")):
        return "The pickle calls for"
    return FOREIGN


def _dangerous(module: str, parts: list[str]) -> bool:
    """Whether any of the ways to harm is in these words. Dots in a name walk from one thing to what it holds."""
    if any(prefix in _MODULES for prefix in _prefixes(module)) or not _PARTS.isdisjoint(_bare(module.split(".")[1:])):
        return True
    if parts[0] in _NAMES.get(module.removeprefix("_"), ()) or parts[0] in _NAMES.get(module, ()):
        return True
    if not _ANYWHERE.isdisjoint(parts) or not _WALKED.isdisjoint(_bare(parts)) or any(map(_is_special, parts)):
        return True
    return any(not part.lstrip("_")[:1].isupper() for part in parts[:-1])


def _prefixes(module: str) -> Iterable[str]:
    """`a.b.c` -> `a`, `a.b`, `a.b.c`, and the same of it without an underscore before it."""
    for start in {module, module.removeprefix("_")}:
        words = start.split(".")
        for count in range(1, len(words) + 1):
            yield ".".join(words[:count])


def _bare(words: list[str]) -> set[str]:
    return {*words, *(word.lstrip("_") for word in words)}


def _is_special(word: str) -> bool:
    return word.startswith("__") and word.endswith("__")
