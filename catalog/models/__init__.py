"""The tables: columns, constraints, own-row properties. Writing is the services' work."""

from __future__ import annotations

from catalog.models.decisions import Decision, Match
from catalog.models.grouping import DuplicateGroup, DuplicateMember, GroupDue
from catalog.models.hashes import Component, ComponentKey, ComponentProbe, HashClaim, ModelHash, TensorIndex
from catalog.models.identity import ExternalId, ModelRecord, Preference, Variant, VariantFile
from catalog.models.places import FormerName, Library, Location, LocationFile, Note, Preview
from catalog.models.work import ApiToken, Finding, Job, SetupToken, StorageTotal

__all__ = [
    "ApiToken",
    "Component",
    "ComponentKey",
    "ComponentProbe",
    "Decision",
    "DuplicateGroup",
    "DuplicateMember",
    "ExternalId",
    "Finding",
    "FormerName",
    "GroupDue",
    "HashClaim",
    "Job",
    "Library",
    "Location",
    "LocationFile",
    "Match",
    "ModelHash",
    "ModelRecord",
    "Note",
    "Preference",
    "Preview",
    "SetupToken",
    "StorageTotal",
    "TensorIndex",
    "Variant",
    "VariantFile",
]
