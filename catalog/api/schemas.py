"""What the API says: sizes in bytes, times in UTC, digests in lower-case hexadecimal, unknown things null."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Schema
from pydantic import ConfigDict, StringConstraints

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""What PostgreSQL can hold: any text without NUL."""


class Strict(Schema):
    """A request body: a field that nobody knows is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Message(Schema):
    """Why a request was refused: a sentence, or for a malformed one the list of what does not fit."""

    detail: str | list[dict[str, object]]


REFUSALS = {frozenset({400, 401, 403, 404, 409, 422}): Message}


class QuestionIn(Strict):
    q: str = Field(min_length=1, max_length=4096)


class HitOut(Schema):
    """One answer of a look-up. `matched` of `of` digits agree.

    `listed`: somebody else states the digest, and it was not computed here; `differs`: the bytes have another one.
    """

    model: UUID
    variant: UUID | None
    name: str
    kind: str
    base: str
    format: str
    precision: str
    size: int
    algorithm: str
    matched: int
    of: int
    digest: str
    listed: bool
    differs: bool
    file: str
    state: str
    paths: list[str]
    tool_names: list[str] = Field(description="For each path what the tool that keeps it calls the model, or nothing.")


class AnswerOut(Schema):
    query: str
    hits: list[HitOut]
    note: str


class QueriesIn(Strict):
    queries: list[str] = Field(min_length=1, max_length=1000)


class HashOut(Schema):
    algorithm: str
    digest: str
    file: UUID | None


class ListedHashOut(Schema):
    algorithm: str
    digest: str
    source: str
    file: UUID | None


class ExternalIdOut(Schema):
    """Another program's id; `url` is its page on the web, empty where there is none."""

    scheme: str
    label: str
    value: str
    url: str


class CandidateOut(Schema):
    """Another answer that something speaks for: `about` is `kind`, `base` or `trait`, `value` its word."""

    about: str
    value: str
    text: str


class FileOut(Schema):
    id: UUID
    number: int
    name: str
    size: int
    role: str


class PlaceOut(Schema):
    library: int
    path: str
    set: str
    layout: str
    managed: bool
    tool_name: str = Field(description="What the tool of the layout calls it: a category and name, a tag, a key.")
    state: str
    size: int
    hashed_at: datetime | None
    verified_at: datetime | None


class VariantOut(Schema):
    id: UUID
    number: int
    model: UUID
    merged_from: list[UUID]
    format: str
    precision: str
    quantisation: str
    kind: str
    base: str
    parameters: int
    size: int
    outcome: str
    content: str | None
    settings: dict[str, object]
    reasons: list[list[str]]
    traits: list[str]
    candidates: list[CandidateOut]
    dtypes: dict[str, int]
    born_at: datetime
    hashed_at: datetime | None
    hashes: list[HashOut]
    listed: list[ListedHashOut]
    external_ids: list[ExternalIdOut]
    preview: str | None
    files: list[FileOut]
    places: list[PlaceOut]


class ModelRow(Schema):
    id: UUID
    number: int
    name: str
    version_name: str
    kind: str
    base: str
    variants: int
    size: int


class ModelOut(ModelRow):
    name_source: str
    licence: str
    source: str
    tags: list[str]
    trigger_words: list[str]
    notes: str
    created_at: datetime
    merged_from: list[UUID]
    variant_ids: list[UUID]
    external_ids: list[ExternalIdOut]
    preview: str | None


class EditIn(Strict):
    """What a person says of a model; what is left out stays as it is. No later scan writes over it."""

    name: Text = ""
    version_name: Text = ""
    kind: Text = ""
    base: Text = ""
    licence: Text = ""
    source: Text = ""
    tags: list[Text] = Field(default_factory=list)
    trigger_words: list[Text] = Field(default_factory=list)
    notes: Text = ""


class FiltersIn(Strict):
    """What the list is narrowed to; names take a fragment, the others one word of the catalog.

    `quantisation` and `layout` take `none` for what is not quantised, or lies in no tool's folder.
    """

    name: Text = ""
    kind: Text = ""
    base: Text = ""
    format: Text = ""
    precision: Text = ""
    quantisation: Text = ""
    layout: Text = ""
    trait: Text = ""
    state: Text = ""
    library: int | None = None
    after: int | None = Field(None, ge=0, description="`next` of the page before.")
    limit: int = Field(100, ge=1, le=1000)


class ModelPage(Schema):
    """Newest first; `next` is the `after` of the following page, null on the last."""

    items: list[ModelRow]
    next: int | None


class SliceIn(Strict):
    dtype: Text = ""
    offset: int = Field(0, ge=0)
    limit: int = Field(1000, ge=1, le=20_000)


class StoredOut(Schema):
    """How the values lie where not plainly: `strides` count elements, () is C order."""

    strides: list[int]
    big_endian: bool
    varint: bool


class TensorOut(Schema):
    name: str
    dtype: str
    shape: list[int]
    offset: int
    bytes: int
    file: int
    digest: str | None
    stored: StoredOut | None


class TensorsOut(Schema):
    """`total` counts those of the dtype that was asked for; `dtypes` counts all of them."""

    total: int
    dtypes: dict[str, int]
    tensors: list[TensorOut]
    metadata: dict[str, object]


class LibraryOut(Schema):
    id: int
    name: str
    path: str
    queue: str
    layout: str
    managed: bool
    read_only: bool
    online: bool
    paused: bool
    last_scan_at: datetime | None
    last_report: dict[str, object]


class LibraryIn(Strict):
    path: Text = Field(min_length=1, max_length=4096)
    name: Text = Field("", max_length=200)


class OfferOut(Schema):
    """A folder in which models were recognised by names. Not `whole`: it holds at least so much."""

    path: str
    layout: str
    label: str
    managed: bool
    files: int
    size: int
    whole: bool
    named_by: str


class ScanIn(Strict):
    path: Text = Field(min_length=1, max_length=4096, description="A library folder, or a path inside one.")


class JobsIn(Strict):
    state: Text = ""
    limit: int = Field(100, ge=1, le=1000)


class JobOut(Schema):
    id: UUID
    kind: str
    library: int | None
    state: str
    bytes_done: int
    bytes_total: int
    files_done: int
    files_total: int
    error: str
    report: dict[str, object]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ComparedTensorOut(Schema):
    """A tensor of the left variant beside its like of the right one; a name is null where that side has none."""

    component: str
    left: str | None
    right: str | None
    left_dtype: str | None
    right_dtype: str | None
    left_shape: list[int] | None
    right_shape: list[int] | None
    mapped: str
    compared: int
    of: int
    outside: int
    largest: float | None = Field(description="In units of the last place of the coarser side.")
    typical: float | None
    verdict: str


class SettingOut(Schema):
    """What both state and state differently. `stops`: it changes what the weights mean."""

    name: str
    left: Any
    right: Any
    file: str
    stops: bool


class ComparisonOut(Schema):
    """What the left variant is to the right one. `same_model`: true, false, "partial", or null for cannot tell."""

    left: UUID
    right: UUID
    relation: str
    certainty: str
    same_model: bool | str | None
    direction: str | None
    detection_limit: float | None
    values_compared: int
    values_outside: int
    summary: str
    settings_differ: list[SettingOut]
    tensors: list[ComparedTensorOut]
    waits: bool = Field(description="A full comparison of both files is waiting.")
