"""The lines for programs at the top of a model card."""

from __future__ import annotations

from catalog.sidecars.model_card import read

CARD = b"""---
license: other
license_name: "flux-1-dev"   # see the repository
language:
- en
tags:
- text-generation
- 'Image Editing'
- license:mit
- region:us
- owner/dataset
pipeline_tag: text-to-image
library_name: diffusers
base_model: [stabilityai/stable-diffusion-xl-base-1.0, another/one]
model-index:
- name: x
  results:
    license: nested
---
# license: not this one
"""


def test_a_card_gives_licence_tags_and_what_it_was_made_from() -> None:
    told = read(CARD)

    assert told.licence == "flux-1-dev"
    assert told.tags == ("text-generation", "Image Editing", "text-to-image", "diffusers")
    assert told.base == "stabilityai/stable-diffusion-xl-base-1.0"


def test_a_card_without_such_lines_says_nothing() -> None:
    assert read(b"# A model\n---\nlicense: mit\n---\n").licence == ""


def test_windows_line_ends_and_markup_do_no_harm() -> None:
    assert read(b"---\r\nlicense: <img src=x onerror=alert(1)>mit\r\n---\r\n").licence == "mit"
