"""Run by a Python that has PyTorch: writes files in every form of PyTorch, and what PyTorch itself reads from them.

`python torch_files.py FOLDER` leaves the files and `expected.json`: file -> name -> dtype, shape, hex of the values
(little-endian, in C order).
"""

from __future__ import annotations

import json
import pickle  # noqa: TID251 - PyTorch's own writer asks for the protocol as a module
import sys
from pathlib import Path

DTYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "uint8": "U8", "bool": "BOOL"}


def main(folder: Path) -> None:
    """Writes all of it."""
    import torch

    base = torch.arange(48, dtype=torch.float32).view(6, 8) / 7
    weights = {
        "a.weight": base,
        "a.turned": base.t(),
        "a.row": base[2],
        "a.column": base[:, 3],
        "a.every_other": base[::2, 1::3],
        "a.one": torch.tensor(2.5),
        "a.none": torch.zeros(0, 4),
        "b.half": (base * 3).half(),
        "b.bf16": (base * 3).bfloat16(),
        "b.counts": torch.arange(5),
        "b.bytes": torch.arange(7, dtype=torch.uint8),
        "b.mask": torch.tensor([True, False]),
        "c.parameter": torch.nn.Parameter(base.clone()),
        "c.spread": torch.ones(1, 3).expand(4, 3),
    }
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 3)).sum().backward()
    optimiser.step()
    trained = {"epoch": 3, "state_dict": model.state_dict(), "optimizer": optimiser.state_dict()}
    expected = {}
    for name, content, told in (
        ("plain", weights, weights),
        ("nested", {"state_dict": weights, "global_step": 7}, weights),
        ("trained", trained, _trained(trained)),
        ("module", model, dict(model.state_dict())),
    ):
        torch.save(content, folder / f"{name}.zip.pt")
        torch.save(content, folder / f"{name}.old.pt", _use_new_zipfile_serialization=False)
        torch.save(content, folder / f"{name}.protocol4.pt", pickle_module=pickle, pickle_protocol=4)
        for form in ("zip", "old", "protocol4"):
            expected[f"{name}.{form}.pt"] = {key: _values(tensor) for key, tensor in told.items()}
    torch.jit.script(model).save(str(folder / "module.jit"))
    expected["module.jit"] = {key: _values(tensor) for key, tensor in model.state_dict().items()}
    (folder / "expected.json").write_text(json.dumps(expected))


def _trained(content: dict) -> dict:  # type: ignore[type-arg]  # whatever PyTorch puts there
    """The weights, and the optimiser's own tensors by the way to them."""
    found = dict(content["state_dict"])
    for number, state in content["optimizer"]["state"].items():
        found |= {f"optimizer.state.{number}.{key}": value for key, value in state.items() if hasattr(value, "numpy")}
    return found


def _values(tensor: object) -> list[object]:
    import torch

    assert isinstance(tensor, torch.Tensor)
    plain = tensor.detach().contiguous()
    dtype = DTYPES[str(plain.dtype).removeprefix("torch.")]
    raw = plain.view(torch.int16) if plain.dtype is torch.bfloat16 else plain
    return [dtype, list(plain.shape), raw.numpy().tobytes().hex()]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
