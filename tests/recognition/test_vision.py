"""Models that look at pictures, and those that mend faces."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Base, Kind
from tests.builders import shapes
from tests.recognition.telling import of

FILES: dict[str, tuple[Kind, Base, shapes.Shapes]] = {
    "gfpgan": (
        Kind.FACE_RESTORER,
        Base.UNKNOWN,
        {"stylegan_decoder.style_mlp.1.weight": (512, 512), "conv_body_first.weight": (64, 3, 1, 1)},
    ),
    "codeformer": (
        Kind.FACE_RESTORER,
        Base.UNKNOWN,
        {
            "idx_pred_layer.1.weight": (1024, 512),
            "quantize.embedding.weight": (1024, 256),
            "position_emb": (256, 512),
            "fuse_convs_dict.32.encode_enc.conv1.weight": (256, 512, 3, 3),
        },
    ),
    "yolo 8": (
        Kind.DETECTOR,
        Base.YOLO,
        {"model.0.conv.weight": (16, 3, 3, 3), "model.22.cv2.0.0.conv.weight": (64, 64, 3, 3)},
    ),
    "yolo 5": (Kind.DETECTOR, Base.YOLO, {"model.0.conv.weight": (32, 3, 6, 6), "model.24.anchors": (3, 3, 2)}),
    "yolo in a module": (
        Kind.DETECTOR,
        Base.YOLO,
        {"model.model.0.conv.weight": (16, 3, 3, 3), "model.model.22.dfl.conv.weight": (1, 16, 1, 1)},
    ),
    "sam": (
        Kind.DETECTOR,
        Base.SAM,
        {"image_encoder.patch_embed.proj.weight": (768, 3, 16, 16), "mask_decoder.iou_token.weight": (1, 256)},
    ),
    "sam 2": (Kind.DETECTOR, Base.SAM, {"sam_mask_decoder.iou_token.weight": (1, 256)}),
    "grounding dino": (
        Kind.DETECTOR,
        Base.UNKNOWN,
        {**shapes.prefixed("bert.", shapes.BERT), "bbox_embed.0.layers.0.weight": (256, 256)},
    ),
    "depth anything": (
        Kind.PREPROCESSOR,
        Base.UNKNOWN,
        {"depth_head.scratch.layer1_rn.weight": (64, 48, 3, 3), "pretrained.blocks.0.ls1.gamma": (384,)},
    ),
    "openpose": (Kind.PREPROCESSOR, Base.UNKNOWN, {"model0.conv1_1.weight": (64, 3, 3, 3)}),
    "vit": (
        Kind.CLASSIFIER,
        Base.UNKNOWN,
        {"patch_embed.proj.weight": (768, 3, 16, 16), "head.weight": (9083, 768), "blocks.0.attn.qkv.weight": (8, 8)},
    ),
    "resnet": (Kind.CLASSIFIER, Base.UNKNOWN, {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 2048)}),
    "mtcnn": (Kind.DETECTOR, Base.UNKNOWN, {"prelu1.weight": (28,), "dense5_1.weight": (2, 128)}),
}


@pytest.mark.parametrize("name", FILES)
def test_each_is_known(name: str) -> None:
    kind, base, stated = FILES[name]
    found = of(stated)
    assert (found.kind, found.base) == (kind, base)
    assert not [one for one in found.candidates if one.about == "kind"]


def test_what_ultralytics_exports_says_so() -> None:
    found = of({"onnx::Conv_1": (16, 3, 3, 3)}, {"description": "Ultralytics YOLOv8n-seg model", "task": "segment"})
    assert (found.kind, found.base) == (Kind.DETECTOR, Base.YOLO)
