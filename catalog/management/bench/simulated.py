"""A catalogue of a million variants that nobody has: rows enough to measure questions on, in a database of its own."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import numpy as np
from django.core.management import call_command
from django.db import connection

from catalog.fingerprints import keys, packing
from catalog.fingerprints.base import Fingerprint, Key, KeyKind, Rung, Samples, TensorPrint
from catalog.matching import probes
from catalog.matching.base import Pair, Subject
from catalog.models import ComponentProbe
from catalog.queries.candidates import Asked
from catalog.services import bulk
from catalog.services.matching import searching
from config import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.queries.candidates import Candidate

FAMILY = 10_000
_CHUNK = 50_000
_NOBODY = UUID(int=0)
_MATRICES, _NORMS, _WIDTH = 64, 100, 64
_STEP = 0.1
"""Of the quantiser, in root mean squares: as with five or six bits."""
_VALUES = (860_000_000, 84_000_000)

_OWN_KINDS = [*(kind for kind in KeyKind if kind not in {*range(KeyKind.ANCHOR_CORE_F16, KeyKind.EXTREMES + 1)})]
_KINDS = [(kind, 0, False) for kind in _OWN_KINDS]
_KINDS += [(kind, slot, False) for kind in (KeyKind.ANCHOR_CORE_F16, KeyKind.ANCHOR_CORE_BF16) for slot in range(5)]
_KINDS += [(kind, slot, True) for kind in (KeyKind.ANCHOR_AUX_F16, KeyKind.ANCHOR_AUX_BF16) for slot in range(8)]
"""Kind, which of several of that kind, and whether the family has it in common: 38 keys."""

_TABLES = (
    "catalog_componentkey",
    "catalog_component",
    "catalog_componentprobe",
    "catalog_variant",
    "catalog_modelhash",
)
_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE conrelid = ANY(%s::regclass[])
  AND (contype = 'f' OR contype = 'p' AND conrelid = 'catalog_componentkey'::regclass)
"""
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s)
AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)
"""
_VARIANTS = """
INSERT INTO catalog_variant (id, model_id, format, precision, bits, quantisation, kind, base, parameters, size, outcome,
    settings, reasons, traits, candidates, dtypes, search_due, search_attempts)
SELECT md5('variant' || i)::uuid, %(model)s, 'safetensors', 'fp16', 16, '', 'unknown', 'unknown', 1, 1, 'ok',
    '{}', '[]', '{}', '[]', '{}', FALSE, 0 FROM generate_series(%(low)s, %(high)s) i
"""
_COMPONENTS = """
INSERT INTO catalog_component (id, variant_id, name, algorithm, tensors, "values", core_tensors, core_values, version,
    weights_digest)
SELECT 2 * i - 1 + part, md5('variant' || i)::uuid, CASE part WHEN 0 THEN 'unet' ELSE 'vae' END, 'parts:v1', 1, 1, 64,
    CASE part WHEN 0 THEN %(large)s ELSE %(small)s END, 1,
    decode(repeat(md5(CASE WHEN part = 0 THEN 'u' || i WHEN i %% 10 = 0 THEN 'vae' ELSE 'v' || i / 7 END), 2), 'hex')
FROM generate_series(%(low)s, %(high)s) i CROSS JOIN generate_series(0, 1) part
"""
_HASHES = """
INSERT INTO catalog_modelhash (variant_id, algorithm, digest)
SELECT md5('variant' || i)::uuid, algorithm, decode(repeat(md5(algorithm || i), 2), 'hex')
FROM generate_series(%(low)s, %(high)s) i CROSS JOIN unnest(ARRAY['tensors:v1', 'weights:v1']) algorithm
"""
_KEYS = """
INSERT INTO catalog_componentkey (component_id, kind, alone, key)
SELECT c.component, k.kind, FALSE,
    md5(CASE WHEN k.shared THEN c.shared ELSE c.own END || ':' || k.kind || ':' || k.slot)::uuid
FROM (
    SELECT 2 * i - 1 AS component, 'u' || i AS own, 'f' || i / 100 AS shared, i <= %(family)s AS known
    FROM generate_series(%(low)s, %(high)s) i
    UNION ALL
    SELECT 2 * i, own, own, FALSE
    FROM generate_series(%(low)s, %(high)s) i
    CROSS JOIN LATERAL (SELECT CASE i %% 10 WHEN 0 THEN 'vae' ELSE 'v' || i / 7 END AS own) v
) c
CROSS JOIN unnest(%(kinds)s::smallint[], %(slots)s::smallint[], %(shared)s::bool[]) k(kind, slot, shared)
WHERE NOT (c.known AND k.shared)
"""
_FAMILY_KEYS = """
INSERT INTO catalog_componentkey (component_id, kind, key, alone)
SELECT 2 * i - 1, k.kind, k.key, FALSE
FROM generate_series(1, %(family)s) i CROSS JOIN unnest(%(kinds)s::smallint[], %(keys)s::uuid[]) k(kind, key)
"""


class Question(StrEnum):
    """What is asked of the catalogue."""

    COPY = "a copy in another precision"
    QUANTISED = "a quantisation of one of the family"
    POPULAR = "a checkpoint with the well-known VAE"
    NOBODY = "a model that nobody knows"


class Query(NamedTuple):
    """One question, and the variant that must be among the answers."""

    subject: Subject
    asked: tuple[Asked, ...]
    wanted: UUID | None


@contextmanager
def scratch() -> Iterator[None]:
    """A database with all tables and no rows, which is dropped afterwards."""
    with serving.servers_alone():
        name, usual = f"isotope_bench_{os.getpid()}", connection.settings_dict["NAME"]
        _administer(f'CREATE DATABASE "{name}"')
        connection.close()
        connection.settings_dict["NAME"] = name
        try:
            call_command("migrate", verbosity=0, interactive=False)
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = usual
            _administer(f'DROP DATABASE "{name}" WITH (FORCE)')


def _administer(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


class Catalogue:
    """`size` variants; the first ten thousand (or a tenth) are one family."""

    def __init__(self, size: int) -> None:
        self.size, self.family = size, max(2, min(FAMILY, size // 10))
        self._first = _first()
        self._shared = [key for key in keys.anchors(self._first) if key.kind in _AUX]

    def told(self) -> str:
        """How large it has become."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_size_pretty(pg_database_size(current_database())),"
                " (SELECT reltuples::bigint FROM pg_class WHERE relname = 'catalog_componentkey')"
            )
            size, count = cursor.fetchone()
        return f"{self.size:,} variants, {2 * self.size:,} components, {count:,} keys, {self.family:,} probes: {size}"

    def fill(self) -> None:
        """All rows, then all indexes: so a million take minutes."""
        with connection.cursor() as cursor:
            cursor.execute(_CONSTRAINTS, [list(_TABLES)])
            for table, name in cursor.fetchall():
                cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
            cursor.execute(_INDEXES, [list(_TABLES)])
            indexes = cursor.fetchall()
            for name, _ in indexes:
                cursor.execute(f'DROP INDEX "{name}"')
            cursor.execute("ALTER TABLE catalog_componentkey SET UNLOGGED")
            self._rows()
            self._probes()
            for _, definition in indexes:
                cursor.execute(definition)
            cursor.execute("VACUUM ANALYZE")

    def question(self, kind: Question, number: int) -> Query:
        """The question of that kind and number; it is the same each time."""
        at = 1 + int(np.random.default_rng([7, number]).integers(self.size))
        if kind is Question.QUANTISED:
            at = 2 + at % (self.family - 1)
            quantised = _quantised(_tuned(self._first, at, self.family))
            found = (*keys.component_keys(quantised), *keys.anchors(quantised))
            return Query(_subject(quantised), (Asked(_VALUES[0], found, name="unet"),), _variant(at))
        shared = at if kind is Question.COPY else -number - 1
        own = _keys(f"u{shared}", f"f{shared // 100}")
        asked = [Asked(_VALUES[0], own, _md5(f"unheard of {number}") * 2, name="unet")]
        if kind is Question.POPULAR:
            asked.append(Asked(_VALUES[1], _keys("vae", "vae"), _md5("vae") * 2, name="vae"))
        return Query(_subject(), tuple(asked), _variant(at) if kind is Question.COPY else None)

    def answer(self, query: Query) -> list[Candidate]:
        """As a search finds them."""
        return searching.ranked(_NOBODY, query.subject, query.asked)[0]

    def _rows(self) -> None:
        kinds, slots, shared = ([row[at] for row in _KINDS] for at in range(3))
        given: dict[str, int | UUID | list[int]] = {"large": _VALUES[0], "small": _VALUES[1], "family": self.family}
        given |= {"kinds": [int(kind) for kind in kinds], "slots": slots, "shared": shared, "model": _NOBODY}
        with connection.cursor() as cursor:
            for low in range(1, self.size + 1, _CHUNK):
                chunk = given | {"low": low, "high": min(low + _CHUNK - 1, self.size)}
                for statement in (_VARIANTS, _COMPONENTS, _HASHES, _KEYS):
                    cursor.execute(statement, chunk)
            common = [int(key.kind) for key in self._shared], [UUID(bytes=key.key) for key in self._shared]
            cursor.execute(_FAMILY_KEYS, {"family": self.family, "kinds": common[0], "keys": common[1]})
            cursor.execute("UPDATE catalog_component SET fingerprint = %s WHERE id = 1", [packing.pack(self._first)])

    def _probes(self) -> None:
        build = probes.build(self._first.tensors)
        rows = [(1, 1, build, probes.of_first(self._first))]
        for at in range(2, self.family + 1):
            tuned = _tuned(self._first, at, self.family)
            pairs = [Pair(left, right) for left, right in zip(self._first.tensors, tuned.tensors, strict=True)]
            rows.append((2 * at - 1, 1, build, probes.of_member(self._first, pairs[:_MATRICES])))
        bulk.insert(ComponentProbe, ["component_id", "family_id", "build", "packed"], rows)


_AUX = frozenset({KeyKind.ANCHOR_AUX_F16, KeyKind.ANCHOR_AUX_BF16})


def _first() -> Fingerprint:
    """Matrices of normal values and norms, all of different values."""
    random = np.random.default_rng(10)
    matrices = [
        _print(f"layers.{at:03}.weight", (_WIDTH, _WIDTH), random.normal(size=100), random) for at in range(_MATRICES)
    ]
    norms = [_print(f"norms.{at:03}.weight", (_WIDTH * 2,), random.normal(1, 0.1, 10), random) for at in range(_NORMS)]
    return Fingerprint("unet", (*matrices, *norms))


def _print(
    name: str, shape: tuple[int, ...], values: np.typing.NDArray[np.float64], random: np.random.Generator
) -> TensorPrint:
    lanes = random.integers(2**64, size=(len(Rung), 2), dtype=np.uint64)
    return TensorPrint(
        name, "F16", shape, random.bytes(16), lanes=lanes, exact_f16=True, codes_f16=200, codes_bf16=200,
        rms=1.0, mean=0.0, samples=_within(values, np.abs(values) * 2.0**-12),
    )  # fmt: skip


def _within(values: np.typing.NDArray[np.float64], spread: np.typing.NDArray[np.float64] | float) -> Samples:
    return Samples(values, values - spread, values + spread)


def _tuned(first: Fingerprint, number: int, family: int) -> Fingerprint:
    """A fine-tune that left the norms as they were; its distance grows with its number."""
    random = np.random.default_rng([11, number])
    distance = 1e-3 * 300 ** (number / family)
    matrices = [
        _print(tensor.name, tensor.shape, tensor.samples.values + random.normal(size=100) * distance, random)
        for tensor in first.tensors[:_MATRICES]
    ]
    return Fingerprint("unet", (*matrices, *first.tensors[_MATRICES:]))


def _quantised(print_: Fingerprint) -> Fingerprint:
    """Its matrices in steps; its norms are left as they are."""
    matrices = [
        tensor._replace(
            dtype="Q5_K", lanes=None, exact_f16=False, codes_f16=0, codes_bf16=0,
            samples=_within(np.round(tensor.samples.values / _STEP) * _STEP, _STEP / 2),
        )
        for tensor in print_.tensors[:_MATRICES]
    ]  # fmt: skip
    return Fingerprint(print_.name, (*matrices, *print_.tensors[_MATRICES:]))


def _subject(*prints: Fingerprint) -> Subject:
    whole = {"tensors:v1": _md5("unheard of") * 2, "weights:v1": _md5("unheard of") * 2}
    return Subject("", components=prints, whole=whole)


def _variant(number: int) -> UUID:
    return UUID(bytes=_md5(f"variant{number}"))


def _md5(text: str) -> bytes:
    """The database knows it too."""
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()


def _keys(own: str, shared: str) -> tuple[Key, ...]:
    """As the database makes them."""
    return tuple(
        Key(
            kind,
            hashlib.md5(f"{shared if common else own}:{int(kind)}:{slot}".encode(), usedforsecurity=False).digest(),
        )
        for kind, slot, common in _KINDS
    )
