"""The page of a model shows what was recognised and why, what others list, and what is wrong."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from catalog.formats.base import Probe, Stored, TensorInfo
from catalog.formats.packing import pack
from catalog.models import ModelRecord, TensorIndex, Variant
from catalog.vocabulary import Format, Outcome
from tests import rows

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db


def _page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def _text(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def _named(name: str) -> ModelRecord:
    return ModelRecord.objects.get(name=name)


def test_every_answer_stands_with_its_reason_and_the_others(boss: Client, catalogue: list[ModelRecord]) -> None:
    text = _text(_page(boss, f"/models/{catalogue[1].pk}/"))
    for words in (
        "Diffusion model tensors named double_blocks and single_blocks",
        "FLUX.1 img_in is 64 wide",
        "Could also be Chroma : the same blocks; but distilled_guidance_layer is missing",
        "Traits dev guidance_in is there",
        "bf16 98.7 %",
        "fp32 1.3 %",
        "Quantisation fp8 scaled",
    ):
        assert words in text, words


def test_a_mixture_is_called_mixed_with_its_parts(boss: Client, catalogue: list[ModelRecord]) -> None:
    text = _text(_page(boss, f"/models/{catalogue[1].pk}/"))
    assert "78.1 % fp8 e4m3, 20.6 % bf16, 1.3 % fp32; 1 place" in text
    assert re.search(r"Precision mixed .{0,80}fp8 e4m3 78.1 % bf16 20.6 % fp32 1.3 %", text)


def test_a_persons_word_stands_beside_what_the_file_says(boss: Client, catalogue: list[ModelRecord]) -> None:
    model = catalogue[5]
    boss.post(f"/models/{model.pk}/edit/", {"name": model.name, "kind": "vae", "base": model.base})
    text = _text(_page(boss, f"/models/{model.pk}/"))
    assert "LoRA VAE, as a person set it" in text


def test_trigger_words_can_be_copied_one_by_one(boss: Client, catalogue: list[ModelRecord]) -> None:
    page = _page(boss, f"/models/{catalogue[5].pk}/")
    assert 'data-copy="masterpiece, best quality, intricate"' in page
    assert "8 more" in _text(page)


def test_trigger_words_are_edited_a_line_each(boss: Client, catalogue: list[ModelRecord]) -> None:
    model = catalogue[5]
    given = {
        "name": model.name,
        "kind": model.kind,
        "base": model.base,
        "trigger_words": "a cat, sitting\r\n\r\nA Cat, sitting\r\ndog",
    }
    assert boss.post(f"/models/{model.pk}/edit/", given).status_code == 302
    model.refresh_from_db()
    assert model.trigger_words == ["a cat, sitting", "dog"]
    assert "trigger_words" in model.edited


def test_other_ids_are_links_where_they_have_a_page(boss: Client, catalogue: list[ModelRecord]) -> None:
    page = _page(boss, f"/models/{catalogue[0].pk}/")
    assert 'href="https://civitai.com/model-versions/128078" rel="noopener nofollow"' in page
    assert "huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/tree/462165984030" in page
    assert "InvokeAI 3f2a9c1e-7c3b-4a55-9f0e" in _text(page)
    assert 'href="https://civitai.com/models/101055" rel="noopener nofollow"' in page


def test_hashes_that_others_list_for_a_file_of_a_set_stand_with_it(boss: Client, catalogue: list[ModelRecord]) -> None:
    text = _text(_page(boss, f"/models/{catalogue[0].pk}/"))
    assert "computed, listed by Hugging Face" in text
    assert "listed by InvokeAI; not computed" in text
    assert "computed; listed in A1111's cache as" in text


def test_the_picture_has_its_place_before_it_is_there(boss: Client, catalogue: list[ModelRecord]) -> None:
    page = _page(boss, f"/models/{catalogue[0].pk}/")
    picture = re.search(r'<img class="preview"[^>]*>', page)
    assert picture is not None
    assert 'width="64" height="64"' in picture[0]
    assert 'alt="Preview picture of SDXL base 1.0 VAE fix"' in picture[0]
    assert "<img" not in _page(boss, f"/models/{catalogue[1].pk}/")


@pytest.mark.parametrize(
    ("name", "tone", "word", "sentence"),
    [
        ("pickled-surprise", "bad", "Unsafe", "It calls os.system, at opcode 12 of data.pkl"),
        ("old-training-run", "warn", "Carries foreign objects", "the pickle names pytorch_lightning"),
        ("half-a-download", "bad", "Malformed", "The header promises 6.94 GB"),
        ("mobilenet-v3", "quiet", "Format not read yet", "Tensors of this format (Keras) are not read yet"),
    ],
)
def test_what_is_wrong_is_said_in_a_word_a_sentence_and_the_next_step(
    boss: Client, catalogue: list[ModelRecord], name: str, tone: str, word: str, sentence: str
) -> None:
    page = _page(boss, f"/models/{_named(name).pk}/")
    assert f'class="callout {tone} trouble"' in page
    assert word in _text(page)
    assert sentence in _text(page)
    anchor = re.search(r'href="/help/formats/#([^"]+)"', page)
    assert anchor is not None
    assert f'id="{anchor[1]}"' in _page(boss, "/help/formats/")


def test_the_tensors_of_an_unsafe_file_are_withheld(boss: Client, catalogue: list[ModelRecord]) -> None:
    variant = _named("pickled-surprise").variants.get()
    probe = Probe(Format.PICKLE, Outcome.UNSAFE, (TensorInfo("secret", "F32", (1,), 0, 4),))
    TensorIndex.objects.create(variant=variant, packed=pack(probe), tensors=1)
    page = _page(boss, f"/variants/{variant.pk}/tensors/")
    assert "Withheld" in page
    assert "secret" not in page
    assert "withheld" in _page(boss, f"/models/{variant.model_id}/")


def test_of_a_format_that_is_not_read_the_tensors_page_says_so(boss: Client, catalogue: list[ModelRecord]) -> None:
    variant = _named("mobilenet-v3").variants.get()
    text = _text(_page(boss, f"/variants/{variant.pk}/tensors/"))
    assert "Tensors of this format are not read yet; hashes are computed." in text


def _stored(variant: Variant) -> None:
    tensors = (
        TensorInfo("plain", "F32", (2,), 0, 8, 0),
        TensorInfo("turned", "F16", (2, 3), 8, 12, 1, Stored(strides=(1, 2), big_endian=True)),
        TensorInfo("small", "I64", (), 20, 1, 1, Stored(varint=True)),
    )
    TensorIndex.objects.update_or_create(
        variant=variant, defaults={"packed": pack(Probe(Format.ONNX, Outcome.OK, tensors)), "tensors": 3}
    )


def test_how_a_tensor_is_stored_and_in_which_file_is_told(boss: Client, catalogue: list[ModelRecord]) -> None:
    variant = catalogue[0].variants.filter(format="diffusers").order_by("number")[0]
    _stored(variant)
    text = _text(_page(boss, f"/variants/{variant.pk}/tensors/"))
    assert "turned unet/diffusion_pytorch_model.safetensors 2 \N{MULTIPLICATION SIGN} 3 F16 strided, big-endian" in text
    assert "one value I64 varint" in text


def test_tensors_of_one_dtype_alone(boss: Client, catalogue: list[ModelRecord]) -> None:
    variant = rows.variant("one file")
    _stored(variant)
    page = _page(boss, f"/variants/{variant.pk}/tensors/?dtype=F16")
    assert "turned" in page
    assert "plain" not in page
    assert "File</th>" not in page
    assert "None is stored as F99" in _text(_page(boss, f"/variants/{variant.pk}/tensors/?dtype=F99"))


def test_the_list_shows_pictures_and_what_is_wrong(boss: Client, catalogue: list[ModelRecord]) -> None:
    page = _page(boss, "/models/")
    pictured = catalogue[0].variants.order_by("number")[0]
    assert f'src="/variants/{pictured.pk}/preview/" alt="" width="40" height="40" loading="lazy"' in page
    assert '<span class="status bad">Unsafe</span>' in page
    assert '<span class="status warn">Carries foreign objects</span>' in page


def test_a_long_filter_folds_what_is_rare_but_not_what_is_chosen(boss: Client, catalogue: list[ModelRecord]) -> None:
    kinds = re.compile(r'data-filter-title="kind".*?</details></details>', re.DOTALL)
    found = kinds.search(_page(boss, "/models/"))
    assert found is not None
    rare = re.findall(r'href="\?kind=([a-z-]+)"', found[0].partition("more</summary>")[2])
    assert len(rare) >= 2
    chosen = _page(boss, f"/models/?kind={rare[-1]}")
    assert re.search(rf'<li class="selected"><a href="\?kind={rare[-1]}"', chosen)
