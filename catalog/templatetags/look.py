"""How values look to people: sizes, times, labels of stored words, letters of a kind, the mass of a precision."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog import layouts
from catalog import vocabulary as words
from catalog.layouts.kept import Tools
from catalog.matching import wording
from catalog.vocabulary.sizes import human_count, human_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from django.utils.safestring import SafeString

    from catalog.matching.base import Row
    from catalog.models import Library
    from catalog.queries.attention import Item
    from catalog.queries.imported import Count

register = template.Library()

_SYMBOLS = {
    words.Kind.CHECKPOINT: "Ck", words.Kind.DIFFUSION_MODEL: "Dm", words.Kind.LORA: "Lo", words.Kind.VAE: "Va",
    words.Kind.TEXT_ENCODER: "Te", words.Kind.CLIP_VISION: "Cv", words.Kind.CONTROLNET: "Cn",
    words.Kind.IP_ADAPTER: "Ip", words.Kind.EMBEDDING: "Em", words.Kind.UPSCALER: "Up", words.Kind.LLM: "Lm",
    words.Kind.CONTROL_LORA: "Cl", words.Kind.VAE_APPROX: "Vp", words.Kind.SIGLIP: "Sl", words.Kind.T2I_ADAPTER: "T2",
    words.Kind.STYLE_MODEL: "Sm", words.Kind.HYPERNETWORK: "Hn", words.Kind.MOTION_MODULE: "Mm",
    words.Kind.GLIGEN: "Gl", words.Kind.PHOTOMAKER: "Pm", words.Kind.FACE_RESTORER: "Fr", words.Kind.DETECTOR: "De",
    words.Kind.PREPROCESSOR: "Pp", words.Kind.CLASSIFIER: "Cf", words.Kind.PROJECTOR: "Mp", words.Kind.EMBEDDER: "Tm",
    words.Kind.PROMPT_EXPANSION: "Px", words.Kind.AUDIO: "Au",
}  # fmt: skip
_STEPS: tuple[tuple[int, int, Callable[[int], str]], ...] = (
    (60, 1, lambda n: ngettext("%(n)d second", "%(n)d seconds", n)),
    (3600, 60, lambda n: ngettext("%(n)d minute", "%(n)d minutes", n)),
    (86_400, 3600, lambda n: ngettext("%(n)d hour", "%(n)d hours", n)),
    (14 * 86_400, 86_400, lambda n: ngettext("%(n)d day", "%(n)d days", n)),
)
_JUST_NOW = timedelta(seconds=10)
_LABELS = {
    "algorithm": words.Algorithm, "base": words.Base, "certainty": words.Certainty, "claim": words.ClaimSource,
    "decision": words.DecisionKind, "format": words.Format, "job": words.JobKind, "job_state": words.JobState,
    "kind": words.Kind, "name_source": words.NameSource, "outcome": words.Outcome, "precision": words.Precision,
    "relation": words.Relation, "role": words.FileRole, "skip": words.SkipReason, "stage": words.Stage,
    "state": words.LocationState, "trait": words.Trait,
}  # fmt: skip
_DOTS = {
    "present": "present", "changed": "warn", "offline": "offline", "missing": "offline", "in_trash": "paused",
    "removed": "offline", "waiting": "waiting", "running": "running", "paused": "paused", "done": "done",
    "failed": "failed", "cancelled": "offline", "ok": "ok", "pending": "waiting", "unsafe": "bad", "invalid": "bad",
    "unreadable": "bad", "suspicious": "warn", "unsupported": "offline", "skipped": "offline",
}  # fmt: skip
_FILLS = {
    "equal": "eq", "rounded": "ro", "quantised": "qu", "different": "di", "only_left": "on", "only_right": "ot",
    "not_compared": "no",
}  # fmt: skip
_MEANINGS = {
    "unsafe": "Loading this file would run a program, or it is built so as to hide what it does. Nothing of it was "
    "executed, and its tensors are withheld. Do not load it.",
    "suspicious": "Besides tensors it names other things of Python, which a program that loads it would run. Nothing "
    "of it was executed. Load it only if you trust whoever made it.",
    "invalid": "It breaks the rules of its format. Its hashes are right for the bytes that are there, but it will "
    "hardly load. Download it again.",
    "unreadable": "Its bytes could not be read.",
    "unsupported": "Tensors of this format are not read yet; hashes are computed. There is nothing to do.",
    "changed": "It was written to while it was read. The next scan reads it again.",
    "pending": "Its header has not been read yet.",
}
"""What an outcome means to whoever has such a file; a finding says more."""
_TONES = {"unsafe": "bad", "invalid": "bad", "unreadable": "bad", "suspicious": "warn", "changed": "warn"}


@register.filter
def size(count: int) -> str:
    """Bytes as people write them: `6.94 GB`."""
    return human_size(count)


@register.filter
def big(count: int) -> SafeString:
    """A size with its unit set smaller."""
    figure, _space, unit = human_size(count).partition(" ")
    return format_html("{} <small>{}</small>", figure, unit)


@register.filter
def values(count: int) -> str:
    """A number of parameters: `11.9 B`."""
    return human_count(count)


@register.filter
def label(value: str, of: str) -> str:
    """The words for a stored word: `"gguf"|label:"format"`."""
    if of == "format" and value == words.Outcome.PENDING:
        return _(words.Outcome.PENDING.label)
    return _(_LABELS[of].label_of(value)) if value else ""


@register.filter
def meaning(outcome: str) -> str:
    """What it means that reading a file came to this."""
    return _(_MEANINGS[outcome]) if outcome in _MEANINGS else ""


@register.filter
def tone(outcome: str) -> str:
    """The ground of the box that says it: red, amber, or grey."""
    return _TONES.get(outcome, "quiet")


@register.filter
def web(text: str) -> str:
    """The text where it is the address of a page on the web; nothing else that a stranger wrote becomes a link."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    sound = parts.scheme in ("http", "https") and parts.hostname and not any(c.isspace() for c in text)
    return text if sound else ""


@register.filter
def folded(choices: Iterable[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """The values of a filter that are not shown at first."""
    return [choice for choice in choices if choice.get("folded")]


@register.filter
def how_stored(stored: Mapping[str, object] | None) -> str:
    """How a tensor's values lie where that is not plainly: `strided, big-endian`."""
    words_for = {"strides": _("strided"), "big_endian": _("big-endian"), "varint": _("varint")}
    return ", ".join(word for key, word in words_for.items() if (stored or {}).get(key))


@register.filter
def at(things: Sequence[object], place: int) -> object:
    """One of a list by its number; nothing beyond its end."""
    return things[place] if 0 <= place < len(things) else ""


@register.filter
def layout(library: Library) -> str:
    """Whose folder it is: "ComfyUI", "Ollama, managed", "ComfyUI and InvokeAI", or "plain folder"."""
    if library.layout:
        name = layouts.label_of(library.layout)
        return _("%(tool)s, managed") % {"tool": name} if library.managed else name
    tools = Tools.kept(library.last_report) or Tools()
    labels = sorted({root.layout.label for root in tools.roots.values()})
    return get_text_list(labels, _("and")) or _("plain folder")


@register.filter
def tool(name: str) -> str:
    """A stored layout's name for people."""
    return layouts.label_of(name)


@register.filter
def symbol(kind: str) -> str:
    """Two letters for a kind of model, as on a tile of the periodic table."""
    return _SYMBOLS.get(kind, "··")  # type: ignore[call-overload, no-any-return]  # a str enum's key is found by str


@register.filter
def mass(precision: str, bits: int = 0) -> str:
    """The class that draws a precision by its weight: m32, m16, mb16, m8, m4; nothing where it is not known."""
    if precision == words.Precision.BF16:
        return "mb16"
    steps = ((32, "m32"), (16, "m16"), (8, "m8"), (1, "m4"))
    return next((name for least, name in steps if bits >= least), "")


@register.filter
def paint(weight: str) -> str:
    """The class that fills a part of a bar of that mass."""
    return {"": "f-used", "mb16": "f-bf16"}.get(weight, f"f-{weight}")


@register.filter
def dot(state: str) -> str:
    """The shape that stands before a state's word."""
    return _DOTS.get(state, "offline")


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """`2 days ago`, with the exact time for whoever points at it; a date after two weeks."""
    if moment is None:
        return _("not yet")
    local = timezone.localtime(moment)
    exact = date_format(local, "j M Y, H:i")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), exact, _distance(moment))


@register.filter
def left(seconds: float | None) -> str:
    """`about 5 minutes left`; nothing while it cannot be told."""
    if seconds is None:
        return ""
    if seconds < 1:
        return _("almost done")
    return _("about %(span)s left") % {"span": span(int(seconds))}


@register.filter
def span(seconds: float) -> str:
    """A length of time in its largest unit."""
    _below, unit, words_for = next((step for step in _STEPS if seconds < step[0]), _STEPS[-1])
    count = max(1, int(seconds / unit))
    return words_for(count) % {"n": count}


@register.filter
def rate(bytes_a_second: float | None) -> str:
    """`1.42 GB/s`; nothing while it cannot be told."""
    return f"{human_size(int(bytes_a_second))}/s" if bytes_a_second else ""


@register.filter
def plural(count: int, forms: str) -> str:
    """`3|plural:"model,models"`: the number with its noun."""
    one, many = forms.split(",")
    return f"{count:,} {one if count == 1 else many}"


@register.filter
def many(count: Count, forms: str) -> str:
    """A number with its noun, and whether there are more."""
    return (_("more than ") if count.more else "") + plural(count.rows, forms)


@register.filter
def sentence(item: Item) -> str:
    """What is wrong, where, and what to do; a code of a newer release is only named."""
    code = words.FindingCode._value2member_map_.get(item.code)
    if not isinstance(code, words.FindingCode):
        return ""
    try:
        said = _(code.template) % item.params
    except (KeyError, TypeError, ValueError):  # an older release raised it with other parameters
        said = code.heading + "."
    place = f"{item.params['file']}: " if "file" in item.params else ""
    if not place and code.template.startswith("%(what)s"):
        said = said[:1].upper() + said[1:]
    return f"{place}{said} {_(code.advice)}"


@register.filter
def spoken(key: str) -> str:
    """A key of the settings as words: `prediction_type` -> `Prediction type`."""
    return str(key).replace("_", " ").replace(".", " ").capitalize()


@register.filter
def told(value: object) -> str:
    """A setting's value: a list as its members, a group as `name: value`, yes and no in words."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict):
        return ", ".join(f"{spoken(key).lower()}: {told(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(told(part) for part in value)
    return _("not stated") if value is None else str(value)


@register.filter
def paint_verdict(verdict: str) -> str:
    """The two letters of the class that fills a tensor's part of a strip."""
    return _FILLS[verdict]


@register.filter
def mapped(row: Row) -> str:
    """How the values of one tensor lie beside those of its like: `part 2 of 3`, `transposed`."""
    return wording.mapped(row)


@register.filter
def ulps(deviation: float | None) -> str:
    """A deviation in units of the last place; nothing where none was measured."""
    if deviation is None:
        return ""
    return f"{deviation:,.0f}" if deviation >= 100 else f"{deviation:.2g}"


@register.filter
def first_digits(digest: str, count: int) -> str:
    """The digits that matched."""
    return digest[:count]


@register.filter
def after_digits(digest: str, count: int) -> str:
    """The others."""
    return digest[count:]


def _distance(moment: datetime) -> str:
    passed = timezone.now() - moment
    if passed < _JUST_NOW:
        return _("just now")
    if passed.total_seconds() >= _STEPS[-1][0]:
        return date_format(timezone.localtime(moment), "j M Y")
    return _("%(span)s ago") % {"span": span(passed.total_seconds())}
