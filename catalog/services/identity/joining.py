"""Variants of one and the same weights become one model by themselves, as far as the rules go.

What stands against it is kept beside the relation, so that a person sees why and can decide.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from django.db import connection, transaction

from catalog.models import FormerName, Match
from catalog.services import findings, grouping
from catalog.services.identity import rejections, rules, standing, twins
from catalog.services.identity.declared import declared_by
from catalog.services.identity.holding import hold_homes
from catalog.services.identity.rules import Answer
from catalog.services.identity.scene import Scene
from catalog.storage.keys import path_key
from catalog.vocabulary import FindingCode, Obstacle

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from uuid import UUID

    from catalog.formats.base import Json
    from catalog.models import Decision, Variant
    from catalog.services.identity.rules import Row


_NEVER_ONE = frozenset({Answer.SHOWN, Answer.NOTHING})


def join_proven(*, variants: Sequence[Variant]) -> list[Decision]:
    """Joins the models of variants whose digests were just stored with those that digests prove to be the same.

    To be called at the end of the transaction that stores content, digests and fingerprints. Of each pair that was
    looked at a relation is kept, whether joined or not. What was joined, in order.
    """
    fresh = {variant.merged_into_id or variant.pk for variant in variants}
    digests = twins.digests_of(fresh)
    hold(digests)
    found = twins.find(fresh, digests)
    if not found:
        return []
    hold_homes({*found, *(other for others in found.values() for other in others)})
    return join(twins.keep_proven(found))


def join(matches: Iterable[Match]) -> list[Decision]:
    """Does with kept relations what the rules say; what was joined, in order. Doing so again changes nothing.

    Locks the models of both ends of each. Beside each relation is kept what stands against joining (`obstacle`),
    whether a person is asked (`proposed`), and who declares the two to be one (`declared`).
    """
    return _run([match.pk for match in matches], joins=True)


def note(matches: Iterable[Match]) -> None:
    """After a person decided: keeps beside each relation what stands against joining now, and joins nothing."""
    _run([match.pk for match in matches], joins=False)


def hold(digests: Iterable[bytes]) -> None:
    """One transaction at a time per digest: of two that store the same, the second one sees the rows of the first.

    A transaction that locks rows before it joins takes these first, so that two of them never wait for each other.
    """
    keys = sorted({int.from_bytes(digest[:8], "little", signed=True) for digest in digests})
    if keys:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) key", [keys])


def _run(ids: Sequence[int], *, joins: bool) -> list[Decision]:
    if not ids:
        return []
    with transaction.atomic():
        ends = Match.objects.filter(pk__in=ids).values_list("left", "right")
        scene = Scene.of({pk for pair in ends for pk in pair})
        kept = Match.objects.filter(pk__in=ids, left__in=scene.members, right__in=scene.members).defer("packed")
        _Round(scene, list(kept), joins=joins).run()
        return scene.decisions


class _Round:
    """Some relations, the strongest first, each by its row of the table."""

    def __init__(self, scene: Scene, matches: Sequence[Match], *, joins: bool) -> None:
        self._scene, self._joins = scene, joins
        self._rows = {match.pk: rules.row_of(match) for match in matches}
        self._matches = sorted(matches, key=self._turn)
        self._asking = rules.asking() if any(row.joins for row in self._rows.values()) else frozenset()

    def run(self) -> None:
        """Joins what may be joined, and notes the rest."""
        noted = []
        level: Row | None = None
        fitting: Collection[int] = ()
        for match in self._matches:
            row = self._rows[match.pk]
            if row is not level:
                level, fitting = row, self._fitting([one for one in self._matches if self._rows[one.pk] is row])
            if self._note(match, self._settle(match, row, fitting)):
                noted.append(match)
        Match.objects.bulk_update(noted, ["evidence"])
        grouping.due(pk for match in noted for pk in (match.left_id, match.right_id))

    def _turn(self, match: Match) -> tuple[int, bool, list[int]]:
        """The strongest relation first, then the touched model, then the older one."""
        homes = [self._scene.home(pk) for pk in (match.left_id, match.right_id)]
        touched = any(home.touched for home in homes)
        return rules.strength(self._rows[match.pk]), not touched, sorted(home.number for home in homes)

    def _settle(self, match: Match, row: Row, fitting: Collection[int]) -> Obstacle | None:
        """Joins the two, or says why not."""
        scene = self._scene
        together = scene.home(match.left_id).pk == scene.home(match.right_id).pk
        if row.answer in _NEVER_ONE or together:
            return None
        if match.pk not in fitting:
            return Obstacle.AMBIGUOUS
        obstacle = standing.obstacle(match, row, scene, self._asking)
        if obstacle is None and self._joins:
            scene.join(match, row)
        return obstacle

    def _note(self, match: Match, obstacle: Obstacle | None) -> bool:
        """Writes beside the relation what was found; True if that is news."""
        asked = obstacle is not None and obstacle not in standing.NEVER_PROPOSED and not match.compare_due
        told = {
            "obstacle": obstacle.value if obstacle is not None else None,
            "proposed": asked or None,
            "declared": (declared_by(match) or None) if asked else None,
        }
        before: dict[str, Json] = match.evidence
        rest = {name: value for name, value in before.items() if name not in told}
        match.evidence = rest | {name: value for name, value in told.items() if value is not None}
        if self._joins and obstacle is Obstacle.SETTINGS and self._rows[match.pk].joins:
            self._ask_about_settings(match)
        return bool(match.evidence != before)

    def _ask_about_settings(self, match: Match) -> None:
        left, right = (self._scene.members[pk] for pk in (match.left_id, match.right_id))
        newer, older = (left, right) if left.number > right.number else (right, left)
        stated = standing.stated_differently(match, self._scene)
        findings.raise_finding(
            code=FindingCode.SETTINGS_DIFFER,
            params={"other": str(self._scene.home(older.pk)), "setting": ", ".join(stated)},
            variant=newer,
        )

    def _fitting(self, matches: Sequence[Match]) -> set[int]:
        """Without those by which a variant would fit several models that are not the same."""
        by_end: dict[UUID, list[Match]] = defaultdict(list)
        for match in matches:
            if self._rows[match.pk].answer in _NEVER_ONE:
                continue
            by_end[match.left_id].append(match)
            by_end[match.right_id].append(match)
        unfit = {match.pk for end, some in by_end.items() for match in self._unfit(end, some)}
        return {match.pk for match in matches} - unfit

    def _unfit(self, end: UUID, matches: Sequence[Match]) -> Iterator[Match]:
        """Of models that are not the same, only the one whose place the variant took may have it."""
        homes: dict[UUID, list[Variant]] = {}
        others = {match.pk: match.right_id if match.left_id == end else match.left_id for match in matches}
        own = self._scene.home(end).pk
        for other in others.values():
            model = self._scene.home(other)
            if model.pk != own:
                homes.setdefault(model.pk, self._scene.of_model(model))
        if len(homes) < 2 or rejections.first_between(list(homes.values())) is None:
            return
        places = {(place.library_id, path_key(bytes(place.path))) for place in self._scene.members[end].locations.all()}
        for match in matches:
            home = self._scene.home(others[match.pk]).pk
            if home != own and not _were_at(homes[home], places):
                yield match


def _were_at(members: Collection[Variant], places: Collection[tuple[int, bytes]]) -> bool:
    rows = FormerName.objects.filter(variant__in=members).values_list("library", "path_key")
    return any((library, bytes(key)) in places for library, key in rows)
