"""Models that look at pictures: detectors, maps of depth and pose, classifiers; and those that mend faces."""

from __future__ import annotations

from catalog.recognition.base import Sign
from catalog.recognition.markers import Begins, Either, Has, No, Tells
from catalog.recognition.rules import BaseRule, Family, KindRule
from catalog.vocabulary import Base, Kind

_DETECTOR = frozenset({Kind.DETECTOR})
_LAYER = ("", "model.", "model.model.")
_YOLO = Either(
    (
        Has("model.0.conv.weight", _LAYER, {2: (3, 6), 3: (3, 6)}),
        Has("0.conv.weight", _LAYER, {2: (3, 6), 3: (3, 6)}),
    )
)
_HEAD = Either(
    (
        Begins(
            tuple(
                f"{prefix}{at}.{head}"
                for prefix in ("model.", "model.model.")
                for at in (21, 22, 23, 29)
                for head in ("cv2.0.", "dfl.", "cv3.0.")
            )
        ),
        Has("model.24.anchors", _LAYER),
        Has("model.24.m.0.weight", _LAYER),
    )
)
_SAM = Either(
    (
        Has("mask_decoder.iou_token.weight"),
        Has("sam_mask_decoder.iou_token.weight"),
        Has("detector.backbone.vision_backbone.trunk.blocks.0.attn.qkv.weight"),
    )
)
_BOXES = Either(
    (
        Has("bbox_embed.0.layers.0.weight"),
        Has("transformer.decoder.bbox_embed.0.layers.0.weight"),
        Has("bbox_predictor.layers.0.weight"),
        Has("model.decoder.bbox_embed.0.layers.0.weight"),
        Has("encoder.pan_blocks.1.cv4.conv.weight"),
        Has("BboxHead.0.conv1x1.weight"),
    )
)
_CASCADE = (
    Has("prelu1.weight", ndim=1),
    Either((Has("conv4_1.weight"), Has("dense5_1.weight"), Has("dense6_1.weight"))),
)
"""MTCNN's three networks."""

_DEPTH = Either(
    (
        Begins(("depth_head.scratch.", "head.scratch.refinenet1.")),
        Has("scratch.refinenet1.out_conv.weight"),
        Has("neck.fusion_stage.layers.0.projection.weight"),
    )
)
_POSE = Has("model0.conv1_1.weight")
_BACKGROUND = Either((Has("decoder.decoder_block4.conv_in.weight"), Has("stage1.rebnconvin.conv_s1.weight")))
_CLASSES = Either(
    (
        (Has("classifier.weight", ndim=2)),
        (Has("head.weight", ndim=2)),
        (Has("fc.weight", ndim=2)),
        (Has("classifier.1.weight", ndim=2)),
    )
)
_BACKBONE = Either(
    (
        Has("vit.encoder.layer.0.attention.attention.query.weight"),
        Has("patch_embed.proj.weight", dims={1: 3}),
        Has("conv1.weight", dims={1: 3, 2: 7, 3: 7}),
        Has("features.0.0.weight", dims={1: 3}),
        Has("conv_stem.weight", dims={1: 3}),
        Has("stem.0.weight", dims={1: 3}),
    )
)
_KEYS = ("description", "names", "task", "producer_name", "author")

FAMILY = Family(
    kinds=(
        KindRule(
            Kind.FACE_RESTORER,
            (Begins(("stylegan_decoder.",)), Begins(("conv_body_first.", "toRGB.", "conv_body_down."))),
        ),
        KindRule(Kind.FACE_RESTORER, (Has("idx_pred_layer.1.weight"), Has("quantize.embedding.weight"))),
        KindRule(Kind.DETECTOR, (_YOLO, _HEAD)),
        KindRule(Kind.DETECTOR, (_SAM,)),
        KindRule(Kind.DETECTOR, (_BOXES,)),
        KindRule(Kind.DETECTOR, (_BACKGROUND,)),
        KindRule(Kind.DETECTOR, _CASCADE),
        KindRule(Kind.DETECTOR, (Tells(("description",), ("ultralytics yolo",)),)),
        KindRule(Kind.PREPROCESSOR, (_DEPTH, No(_BOXES))),
        KindRule(Kind.PREPROCESSOR, (_POSE,)),
        KindRule(Kind.CLASSIFIER, (_CLASSES, _BACKBONE), Sign.LIKENESS),
    ),
    bases=(
        BaseRule(Base.YOLO, _DETECTOR, (_YOLO, _HEAD)),
        BaseRule(Base.SAM, _DETECTOR, (_SAM,)),
        BaseRule(Base.YOLO, _DETECTOR, (Tells(_KEYS, ("ultralytics yolo",)),)),
    ),
)
