"""Model files for the benchmark of probing: true headers, bodies that are holes, so that a disk holds thousands."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, NamedTuple

from catalog.formats.safetensors import BITS
from catalog.management.demo.writers import Packed, gguf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from catalog.management.demo.writers import Value

BLOCKS = 24
IN_A_FOLDER = 100
_WORDS = 2000


class Template(NamedTuple):
    """The files of one model: name -> beginning and whole size. `{}` in a name stands for the number of the model."""

    files: Mapping[str, tuple[bytes, int]]


def make(tree: Path, count: int) -> list[Path]:
    """Model files below `tree`, `count` and what their folders need: LoRAs mostly, language models, checkpoints, ONNX,
    folders with shards.
    """
    kinds = [*[lora()] * 5, language_model(_WORDS), pickled(), onnx(), sharded()]
    made: list[Path] = []
    number = models = 0
    while models < count:
        place = tree / f"folder-{number // IN_A_FOLDER:04}"
        for name, (start, size) in kinds[number % len(kinds)].files.items():
            made.append(place / name.format(f"{number:06}"))
            write(made[-1], start, size)
            models += made[-1].suffix != ".json"
        number += 1
    return made


def remove(top: Path, made: Sequence[Path]) -> None:
    """Removes the files and every folder of them below `top`."""
    for path in made:
        path.unlink(missing_ok=True)
    places = {place for path in made for place in path.parents if top in place.parents}
    for place in sorted(places, key=lambda place: len(place.parts), reverse=True):
        place.rmdir()


def write(path: Path, start: bytes, size: int) -> None:
    """A file of `size` bytes that begins so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.write(start)
        file.truncate(max(size, len(start)))


def safetensors(shapes: Mapping[str, tuple[int, ...]], dtype: str = "F16") -> tuple[bytes, int]:
    """The header of a file with these tensors, and its whole size."""
    fields: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + _values(shape) * BITS[dtype] // 8
        fields[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(fields, separators=(",", ":")).encode()
    return len(text).to_bytes(8, "little") + text, 8 + len(text) + end


def lora() -> Template:
    """A LoRA in kohya's naming."""
    shapes: dict[str, tuple[int, ...]] = {}
    for block in range(BLOCKS):
        for part in ("q", "k", "v", "out_0"):
            name = f"lora_unet_input_blocks_{block}_1_transformer_blocks_0_attn2_to_{part}"
            shapes |= {f"{name}.alpha": (), f"{name}.lora_down.weight": (16, 640), f"{name}.lora_up.weight": (640, 16)}
    return Template({"lora-{}.safetensors": safetensors(shapes)})


def language_model(words: int, blocks: int = BLOCKS, width: int = 512) -> Template:
    """A quantised language model with a vocabulary of so many words."""
    metadata: dict[str, Value] = {"general.architecture": "llama", "general.file_type": 15, "llama.block_count": blocks}
    metadata["tokenizer.ggml.tokens"] = [f"word{number:06}" for number in range(words)]
    metadata["tokenizer.ggml.scores"] = [0.5] * words
    metadata["tokenizer.ggml.token_type"] = [1] * words
    shapes = [("token_embd.weight", (words // 32 * 32, width))]
    for block in range(blocks):
        shapes += [(f"blk.{block}.attn_{part}.weight", (width, width)) for part in ("q", "k", "v", "output")]
        shapes += [(f"blk.{block}.ffn_{part}.weight", (width * 4, width)) for part in ("gate", "up", "down")]
    header = gguf({name: Packed("Q8_0", shape, b"") for name, shape in shapes}, metadata)
    return Template({"model-{}.gguf": _with_offsets(header, [_values(shape) // 32 * 34 for _, shape in shapes])})


def pickled() -> Template:
    """A checkpoint as PyTorch writes it."""
    shapes = {f"layers.{block}.{part}.weight": (64, 64) for block in range(BLOCKS) for part in ("q", "k", "v", "fc")}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("archive/data.pkl", _state_dict(shapes))
        archive.writestr("archive/byteorder", "little")
        for number, shape in enumerate(shapes.values()):
            archive.writestr(f"archive/data/{number}", bytes(4 * _values(shape)))
        archive.writestr("archive/version", "3\n")
    return Template({"checkpoint-{}.ckpt": (content.getvalue(), 0)})


def onnx() -> Template:
    """A small network with its weights inside."""
    tensors = b""
    for number in range(BLOCKS * 2):
        fields = _number(1, 64) + _number(1, 64) + _number(2, 1) + _block(8, f"layers.{number}.weight".encode())
        tensors += _block(5, fields + _block(9, bytes(4 * 64 * 64)))
    graph = _block(2, b"main") + tensors
    return Template({"net-{}.onnx": (_number(1, 8) + _block(7, graph) + _block(8, _number(2, 17)), 0)})


def sharded() -> Template:
    """A folder of transformers with its configuration, two shards and their index."""
    names = [f"model-0000{part}-of-00002.safetensors" for part in (1, 2)]
    shards = [
        {f"model.layers.{block}.self_attn.{part}_proj.weight": (64, 64) for block in blocks for part in "qkvo"}
        for blocks in (range(BLOCKS), range(BLOCKS, BLOCKS * 2))
    ]
    places = {tensor: name for name, shapes in zip(names, shards, strict=True) for tensor in shapes}
    index = json.dumps({"metadata": {}, "weight_map": places}).encode()
    config = json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}).encode()
    files = {"llama-{}/" + name: safetensors(shapes) for name, shapes in zip(names, shards, strict=True)}
    texts = {"llama-{}/config.json": (config, 0), "llama-{}/model.safetensors.index.json": (index, 0)}
    return Template({**files, **texts})


def _values(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


def _with_offsets(header: bytes, sizes: list[int]) -> tuple[bytes, int]:
    """A GGUF header whose tensors were written without bytes, with the offsets that their sizes need."""
    fixed = bytearray(header)
    at, offset = len(header), 0
    for place, size in zip(_offset_places(header, len(sizes)), sizes, strict=True):
        fixed[place : place + 8] = offset.to_bytes(8, "little")
        offset += size + -size % 32
    return bytes(fixed), at + offset


def _offset_places(header: bytes, count: int) -> Iterator[int]:
    """Where the offsets stand: each is the last field of a tensor, whose two lengths stand before its type."""
    at = header.index(b"token_embd.weight") - 8
    for _ in range(count):
        name = int.from_bytes(header[at : at + 8], "little")
        at += 8 + name + 4 + 16 + 4
        yield at
        at += 8


def _state_dict(shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    """The opcodes of a dict of tensors (protocol 2), each over a storage of its own."""
    parts = [b"\x80\x02}("]
    for number, (name, shape) in enumerate(shapes.items()):
        values, strides = _values(shape), (shape[1], 1)
        storage = b"(" + _text("storage") + b"ctorch\nFloatStorage\n" + _text(str(number)) + _text("cpu") + _int(values)
        view = storage + b"tQ" + _int(0) + b"".join(map(_int, shape)) + b"\x86" + b"".join(map(_int, strides)) + b"\x86"
        hooks = b"\x89ccollections\nOrderedDict\n)R"
        parts.append(_text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(" + view + hooks + b"tR")
    return b"".join([*parts, b"u."])


def _text(text: str) -> bytes:
    raw = text.encode()
    return b"X" + len(raw).to_bytes(4, "little") + raw


def _int(value: int) -> bytes:
    return b"J" + value.to_bytes(4, "little")


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _block(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])
