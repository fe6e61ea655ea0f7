"""The tables behind lists and forms: models, library folders, accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin, ShowFacets, display
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.db.models.functions import Upper
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse

from catalog.admin.fields import WordsField
from catalog.admin.model_list import FILTERS, EstimatingPaginator, ModelChangeList
from catalog.errors import Refused
from catalog.models import Library, ModelRecord
from catalog.queries import facets, model_list
from catalog.services.identity import editing
from catalog.services.library_settings import LibrarySettings, change, why_read_only
from catalog.vocabulary import Base, Kind

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet

    from catalog.vocabulary import Word


def _choices(words: type[Word]) -> list[tuple[str, str]]:
    return [(word.value, word.label) for word in words]


class PlainForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """Labels without a colon."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})


class ModelForm(PlainForm):
    """What a person may set of a model."""

    kind = forms.ChoiceField(choices=_choices(Kind))
    base = forms.ChoiceField(label="Base model", choices=_choices(Base))
    tags = WordsField(help_text="Separated by commas.")
    trigger_words = WordsField(separator="\n", help_text="A line each: what a prompt must hold for the model to act.")
    name = forms.CharField(max_length=300, widget=AdminTextInputWidget)
    version_name = forms.CharField(required=False, max_length=200, widget=AdminTextInputWidget)
    licence = forms.CharField(required=False, max_length=200, widget=AdminTextInputWidget)
    source = forms.CharField(
        required=False,
        max_length=1000,
        widget=AdminTextInputWidget,
        help_text="Where it comes from: a repository, an address.",
    )

    class Meta:
        model = ModelRecord
        fields = ("name", "version_name", "kind", "base", "licence", "source", "tags", "trigger_words", "notes")


class FormOnly(ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """A form over a row that is neither added nor deleted here; saving goes through a service."""

    section = ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows are born elsewhere."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are never deleted."""
        return False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """One button: save."""
        words = {"section": self.section, "title": f"Edit {context['original']}"}
        return super().render_change_form(request, {**context, **words}, *args, **options)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Back to the page of what was edited, with a word."""
        self.message_user(request, f"Saved: {obj}.")
        return HttpResponseRedirect(self.page_of(obj))

    def page_of(self, obj: Any) -> str:
        """The address of its page."""
        raise NotImplementedError

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The history of a row is told by its own tables."""


class ModelsAdmin(FormOnly):
    """Models: the list, and the form behind Edit."""

    form = ModelForm
    section = "models"
    list_display = ("title", "variants_", "size_", "places", "seen_")
    list_display_links = ("title",)
    list_filter = FILTERS
    search_fields = ("name",)
    search_help_text = "A name, part of a path, a former name, a tag, an id, or digits of a hash"
    ordering = (Upper("name"), "id")
    sortable_by = ("title", "size_")
    list_per_page = 50
    list_max_show_all = 0
    show_facets = ShowFacets.NEVER
    show_full_result_count = False
    paginator = EstimatingPaginator
    actions = None

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, under its word of the main navigation."""
        words = {"section": "models", "title": "Models"}
        return super().changelist_view(request, {**(extra_context or {}), **words})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """The filters, and no column besides."""
        return lookup in facets.FACETS

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ModelChangeList]:
        """Ours."""
        return ModelChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelRecord]:
        """Live models only: an alias is answered by what it became."""
        return model_list.sized(super().get_queryset(request).filter(merged_into=None))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ModelRecord], search_term: str
    ) -> tuple[QuerySet[ModelRecord], bool]:
        """Anything that names a model."""
        return facets.searched(queryset, search_term), False

    def get_urls(self) -> list[URLPattern]:
        """The list and the form; the page of a model stands among the pages."""
        return [
            path("", self.admin_site.admin_view(self.changelist_view), name="catalog_modelrecord_changelist"),
            path("<uuid:object_id>/edit/", self.admin_site.admin_view(self.edit), name="catalog_modelrecord_edit"),
        ]

    def edit(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """The form of one model, for those who may change it."""
        if not self.has_change_permission(request):
            return HttpResponseRedirect(reverse("admin:catalog_modelrecord_change", args=[object_id]))
        try:
            return self.changeform_view(request, str(object_id))
        except Refused as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return HttpResponseRedirect(request.path)

    def save_model(self, request: HttpRequest, obj: ModelRecord, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        """Only what was changed, as set by a person."""
        fields = {name: form.cleaned_data[name] for name in form.changed_data}
        editing.edit(model=obj, fields=fields, user=request.user)

    def page_of(self, obj: ModelRecord) -> str:
        """The model's page."""
        return reverse("admin:catalog_modelrecord_change", args=[obj.pk])

    @display(description="Name", ordering=Upper("name"))
    def title(self, row: Any) -> str:
        """Picture, name, kind, base, short id, and whether something is wrong with a file of it."""
        words = {"model": row, "preview": row.summary.preview, "outcome": row.summary.outcome}
        return render_to_string("catalog/cells/who.html", words)

    @display(description="Variants")
    def variants_(self, row: Any) -> str:
        """A chip for each format with its precisions."""
        return render_to_string("catalog/cells/chips.html", {"chips": row.summary.chips})

    @display(description="Size", ordering="-size_sum")
    def size_(self, row: Any) -> str:
        """Bytes on disk."""
        return render_to_string("catalog/cells/size.html", {"size": row.summary.size})

    @display(description="Places")
    def places(self, row: Any) -> str:
        """How many places hold its bytes."""
        return f"{row.summary.places:,}"

    @display(description="Last seen")
    def seen_(self, row: Any) -> str:
        """When a scan last saw it, or that it is not there."""
        return render_to_string("catalog/cells/seen.html", {"summary": row.summary})


class LibraryForm(PlainForm):
    """What a person may set of a library folder."""

    name = forms.CharField(max_length=200, widget=AdminTextInputWidget)
    include = WordsField(
        separator="\n", label="Only these", help_text="A pattern a line, such as *.safetensors; none means everything."
    )
    exclude = WordsField(
        separator="\n", label="Not these", help_text="A pattern a line, such as old/*. Counts from the next scan on."
    )
    speed_limit = forms.IntegerField(label="Speed limit, MB/s", min_value=1, max_value=100_000, required=False)

    class Meta:
        model = Library
        fields = ("name", "include", "exclude", "paused", "speed_limit", "quiet_from", "quiet_until", "read_only")
        help_texts = {
            "read_only": "Isotope never writes to this folder. Nothing in this release does; leave it on.",
            "quiet_from": "Hashing rests between the two times.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        """The folder of a managing tool cannot be opened to writing; the box says why."""
        super().__init__(*args, **options)
        reason = why_read_only(self.instance)
        if reason:
            box = self.fields["read_only"]
            box.disabled, box.initial, box.help_text = True, True, reason
            self.initial["read_only"] = True


class LibraryAdmin(FormOnly):
    """The form behind the Edit of a library folder."""

    form = LibraryForm
    section = "libraries"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Library]:
        """Those that were not removed."""
        return super().get_queryset(request).filter(removed_at=None)

    def get_urls(self) -> list[URLPattern]:
        """The form alone; list and page stand among the pages."""
        return [
            path("<int:object_id>/edit/", self.admin_site.admin_view(self.edit), name="catalog_library_edit"),
        ]

    def edit(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The form of one library folder, for those who may change it."""
        if not self.has_change_permission(request):
            return HttpResponseRedirect(reverse("admin:library", args=[object_id]))
        return self.changeform_view(request, str(object_id))

    def save_model(self, request: HttpRequest, obj: Library, form: Any, change_: bool) -> None:  # noqa: FBT001 - Django's
        """All settings at once."""
        given: dict[str, Any] = {name: form.cleaned_data[name] for name in LibraryForm.Meta.fields}
        patterns: dict[str, Any] = {name: tuple(given.pop(name)) for name in ("include", "exclude")}
        change(library_id=obj.pk, to=LibrarySettings(**given, **patterns))

    def page_of(self, obj: Library) -> str:
        """The page of the folder."""
        return reverse("admin:library", args=[obj.pk])


class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Accounts, on the stock forms."""

    list_filter = ("is_active", "is_staff", "is_superuser")
    actions = None


class RoleAdmin(GroupAdmin):
    """Groups of permissions, on the stock forms."""

    actions = None
