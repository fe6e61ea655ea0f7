"""What a person decides about models: merge, split, "not the same", and the undoing of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models.functions import Now

from catalog.errors import Refused
from catalog.models import Decision, Match, ModelRecord, Variant
from catalog.services import findings, grouping, totals
from catalog.services.identity import joining, rejections, undoing
from catalog.services.identity.before_image import Change, Image, Table
from catalog.services.identity.holding import hold_models
from catalog.services.identity.locking import in_one_transaction
from catalog.services.identity.parting import hold_with_aliases, move_out, with_its_like
from catalog.services.identity.uniting import unite
from catalog.services.identity.wording import named
from catalog.vocabulary import DecisionKind, FindingCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias
    from uuid import UUID

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    Person: TypeAlias = AbstractBaseUser | AnonymousUser | None

NO_PERSON = "command line"
"""Who decided when nobody is signed in: whoever may use the command line."""


@in_one_transaction
def merge(*, models: Sequence[ModelRecord], into: ModelRecord, user: Person, reason: str = "") -> Decision:
    """Makes the models one, which keeps the id of `into`; the other ids answer with it from then on.

    Raises `Refused` if one of them is an alias already, if there is nothing to merge, or if a "not the same" stands
    between any two.
    """
    held = hold_models({into.pk, *(model.pk for model in models)})
    _refuse_aliases(held[pk] for pk in (into.pk, *(model.pk for model in models)))
    target = held.pop(into.pk)
    others = sorted(held.values(), key=lambda model: model.number)
    if not others:
        raise Refused("Choose at least two models: there is nothing to merge.")
    _refuse_rejected([target, *others])
    target.touched = True
    image = unite(models=others, into=target)
    _settle(Variant.objects.filter(model=target).values_list("pk", flat=True))
    return _write(_decision(DecisionKind.MERGE, user, reason), image, [target, *others])


@in_one_transaction
def split(*, variants: Sequence[Variant], user: Person, reason: str = "") -> Decision:
    """Moves variants of one model to a new model, or to the one that they were in before they were joined.

    Raises `Refused` if nothing would be left, or for variants of several models.
    """
    moving, held = hold_with_aliases(variants)
    homes = {variant.model_id for variant in moving}
    if len(homes) != 1:
        raise Refused("Choose variants of one model: only those can be moved to a new one.")
    old = held[homes.pop()]
    image, new = move_out(moving, old, held)
    return _write(_decision(DecisionKind.SPLIT, user, reason), image, [old, new])


@in_one_transaction
def not_same(*, left: Variant, right: Variant, user: Person, reason: str = "") -> Decision:
    """Keeps two variants apart for good; if they are in one model, the younger is split off with its like.

    A rejection that stands already is given back. Raises `Refused` when both ids name one variant.
    """
    pair, held = hold_with_aliases([left, right])
    if len(pair) < 2:
        raise Refused("These are one variant: its bytes are the same, so it cannot be different from itself.")
    stays, goes = pair
    image, homes = Image(), [held[stays.model_id], held[goes.model_id]]
    if stays.model_id == goes.model_id:
        image, new = move_out(with_its_like(goes, stays), homes[0], held)
        homes[1] = new
    standing = rejections.first_between(([stays], [goes]))
    if standing is not None and not image.changes:
        return standing
    decision = _decision(DecisionKind.NOT_SAME, user, reason)
    decision.basis, decision.left, decision.right = rejections.bind(stays, goes)
    _settle([stays.pk, goes.pk])
    return _write(decision, image, homes)


@in_one_transaction
def undo(*, decision: Decision, user: Person) -> Decision:
    """Puts back the variants, aliases and fields that a decision changed, and nothing else.

    What was joined or merged stands as "not the same" from then on; undoing the undo lifts that. Raises `Refused` with
    the name of a later decision that changed the same, or if a variant of it was absorbed since.
    """
    row = Decision.objects.select_for_update(of=("self",)).select_related("actor").get(pk=decision.pk)
    image = Image.read(row.before)
    held = hold_models(image.models())
    undoing.refuse(row, image)
    changes = undoing.put_back(image, held)
    if row.kind == DecisionKind.NOT_SAME:
        Decision.objects.filter(pk=row.pk).update(closed_at=Now())
        changes.append(Change(Table.REJECTION, str(row.pk), "open", before=True, after=False))
    if row.kind in {DecisionKind.JOIN, DecisionKind.MERGE}:
        changes += _kept_apart(image, user, reason=f"Undone: {named(row)}.")
    undone = _decision(DecisionKind.UNDO, user)
    undone.undoes = row
    return _write(undone, Image(tuple(changes)), row.models_touched.all())


def _refuse_aliases(models: Iterable[ModelRecord]) -> None:
    for model in models:
        if model.merged_into is not None:
            raise Refused(f"“{model}” was merged into “{model.merged_into}” already. Choose that one instead.")


def _refuse_rejected(models: Sequence[ModelRecord]) -> None:
    members: dict[UUID, list[Variant]] = {model.pk: [] for model in models}
    for variant in Variant.objects.filter(model__in=members, merged_into=None):
        members[variant.model_id].append(variant)
    standing = rejections.first_between(list(members.values()))
    if standing is not None:
        raise Refused(f"{named(standing)}. Undo that first if it was wrong.")


def _kept_apart(image: Image, user: Person, reason: str) -> list[Change]:
    """No two of the groups that were joined are joined again."""
    groups = [*image.moved().values(), list(image.stayed)]
    rows = Variant.objects.select_related("merged_into").in_bulk([pk for group in groups for pk in group])
    live = [[rows[pk].merged_into or rows[pk] for pk in group] for group in groups]
    pairs = (
        (one, other)
        for number, group in enumerate(live)
        for later in live[number + 1 :]
        for one in group
        for other in later
        if one.pk != other.pk
    )
    made = rejections.reject(pairs, user=user, rule="undone", reason=reason)
    models = ModelRecord.objects.filter(pk__in=image.models(), merged_into=None).values_list("pk", flat=True)
    about = Decision.models_touched.through
    about.objects.bulk_create(about(decision_id=row.pk, modelrecord_id=pk) for row in made for pk in models)
    return [Change(Table.REJECTION, str(row.pk), "open", before=False, after=True) for row in made]


def _settle(variants: Iterable[UUID]) -> None:
    """A person has looked at them: what asked for that needs no more attention."""
    codes = (FindingCode.SETTINGS_DIFFER, FindingCode.MODELS_SHARE_A_FILE)
    asking = findings.open_findings().filter(variant__in=list(variants), code__in=codes)
    asking.update(cleared_at=Now())


def _decision(kind: DecisionKind, user: Person, reason: str = "") -> Decision:
    return Decision(
        kind=kind,
        actor_id=user.pk if user is not None else None,
        rule="" if user is not None else NO_PERSON,
        reason=reason.replace("\0", ""),
    )


def _write(decision: Decision, image: Image, models: Iterable[ModelRecord]) -> Decision:
    """Stores the decision and marks its models as touched."""
    decision.before = image.written()
    decision.save()
    ids = {*image.models(), *(model.pk for model in models)}
    decision.models_touched.set(ModelRecord.objects.filter(pk__in=ids))
    ModelRecord.objects.filter(pk__in=ids, merged_into=None).update(touched=True)
    grouping.due(Variant.objects.filter(model__in=ids, merged_into=None).values_list("pk", flat=True))
    joining.note(Match.objects.filter(left__model__in=ids, right__model__in=ids).only("pk"))
    totals.stale_of(ids)
    return decision
