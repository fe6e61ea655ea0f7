"""Library folders: list them, add one below the allowed folders, scan."""

from __future__ import annotations

import os

from django.http import HttpRequest
from ninja import Router, Status
from ninja.errors import HttpError

from catalog.api.auth import require
from catalog.api.schemas import REFUSALS, JobOut, LibraryIn, LibraryOut, OfferOut, ScanIn
from catalog.errors import PathRefused
from catalog.models import Job, Library
from catalog.queries import records
from catalog.services import libraries as folders
from catalog.services import offers
from catalog.tasks import start_scan

CHANGE = "catalog.change_library"
router = Router(tags=["libraries"])
scanning = Router(tags=["libraries"])


@router.get("", response={200: list[LibraryOut], **REFUSALS}, summary="List the library folders")
def list_libraries(request: HttpRequest) -> list[records.LibraryRow]:
    require(request, "catalog.view_library")
    return records.libraries()


@router.post("", response={201: LibraryOut, **REFUSALS}, summary="Add a library folder and scan it")
def add_library(request: HttpRequest, body: LibraryIn) -> Status[records.LibraryRow]:
    require(request, "catalog.add_library")
    library = _added(body.path, name=body.name)
    start_scan(library_id=library.pk, user=request.user)
    return Status(201, records.library_row(library))


@router.get("/offers", response={200: list[OfferOut], **REFUSALS}, summary="List folders that could be added")
def list_offers(request: HttpRequest) -> list[offers.Offer]:
    require(request, "catalog.add_library")
    return list(offers.current())


@router.get("/{library_id}", response={200: LibraryOut, **REFUSALS}, summary="One library folder")
def get_library(request: HttpRequest, library_id: int) -> records.LibraryRow:
    require(request, "catalog.view_library")
    return records.library_row(_library(library_id))


@router.post("/{library_id}/scan", response={202: JobOut, **REFUSALS}, summary="Scan a library folder")
def scan_library(request: HttpRequest, library_id: int) -> Status[records.JobRow]:
    require(request, CHANGE)
    return Status(202, records.job_row(start_scan(library_id=_library(library_id).pk, user=request.user)))


@scanning.post("", response={202: JobOut, **REFUSALS}, summary="Scan a path inside a library folder")
def scan_path(request: HttpRequest, body: ScanIn) -> Status[records.JobRow]:
    require(request, CHANGE)
    job = _scan_part(body.path, request)
    return Status(202, records.job_row(job))


def _scan_part(path: str, request: HttpRequest) -> Job:
    raw = _allowed(path)
    try:
        library, part = folders.locate(raw)
    except PathRefused as refused:
        raise HttpError(409, str(refused)) from refused
    return start_scan(library_id=library.pk, part=part, user=request.user)


def _added(path: str, *, name: str) -> Library:
    raw = _allowed(path)
    try:
        return folders.add(path=raw, name=name)
    except PathRefused as refused:
        raise HttpError(409, str(refused)) from refused


def _allowed(path: str) -> bytes:
    """The same answer for every path outside, whether anything is there or not."""
    try:
        raw = os.fsencode(path)
        folders.check_allowed(path=raw)
    except (PathRefused, ValueError) as refused:
        raise HttpError(403, str(refused)) from refused
    return raw


def _library(library_id: int) -> Library:
    library = Library.objects.filter(pk=library_id, removed_at=None).first()
    if library is None:
        raise HttpError(404, "No library folder has this number.")
    return library
