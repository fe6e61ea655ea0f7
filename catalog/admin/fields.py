"""Form fields for the lists of words that the tables keep."""

from __future__ import annotations

from typing import Any

from django import forms


class WordsField(forms.CharField):
    """A list typed in one box: a word a line, or separated by commas. Doubles and blanks are dropped."""

    def __init__(self, *, separator: str = ",", **options: Any) -> None:
        self.separator = separator
        rows = 4 if separator == "\n" else 2
        widget = forms.Textarea(attrs={"rows": rows, "class": "vLargeTextField"})
        super().__init__(required=False, widget=widget, **options)

    def prepare_value(self, value: Any) -> Any:
        """The stored list as text."""
        if isinstance(value, list | tuple):
            return (self.separator if self.separator == "\n" else f"{self.separator} ").join(value)
        return value

    def to_python(self, value: Any) -> Any:
        """The text as a list."""
        text = str(value or "").replace("\0", "").replace("\r", "")
        return list(dict.fromkeys(word.strip() for word in text.split(self.separator) if word.strip()))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """By words, not by blanks."""
        return bool(list(initial or []) != self.to_python(data))
