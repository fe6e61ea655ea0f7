"""Pictures: small previews, made anew from whatever lies beside a model."""

from __future__ import annotations

from catalog.images.previews import LARGEST, MEDIA_TYPE, Picture, PictureProblem, preview

__all__ = ["LARGEST", "MEDIA_TYPE", "Picture", "PictureProblem", "preview"]
