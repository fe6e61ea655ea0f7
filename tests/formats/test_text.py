"""Text out of foreign files is fit for a database, and different names stay different."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from catalog.formats.text import clean_json, clean_name, clean_text

ANYTHING = st.text(st.characters() | st.sampled_from("\0\u2400\ud800\udfff0"), max_size=20)


@given(ANYTHING)
def test_cleaned_text_can_be_stored(text: str) -> None:
    cleaned = clean_text(text)
    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned


@given(st.lists(st.text("\0\u24000ab", max_size=5), unique=True, max_size=10))
def test_different_names_stay_different(names: list[str]) -> None:
    cleaned = [clean_name(name) for name in names]
    assert len(set(cleaned)) == len(names)
    assert not any("\0" in name for name in cleaned)


@given(st.text("abc./_0", max_size=20))
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert clean_name(name) == name


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | ANYTHING,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner, max_size=3),
        max_leaves=8,
    )
)
def test_cleaned_json_can_be_stored(value: object) -> None:
    stored = json.dumps(clean_json(value), allow_nan=False, ensure_ascii=False)  # type: ignore[arg-type] # is JSON
    assert "\\u0000" not in stored
    assert stored.encode()
