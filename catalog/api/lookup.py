"""Who is this: a digest, a prefix of one, an id, a name, a path."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Query, Router

from catalog.api.auth import require
from catalog.api.schemas import REFUSALS, AnswerOut, QueriesIn, QuestionIn
from catalog.queries import lookup

router = Router(tags=["look-up"])


@router.get("", response={200: AnswerOut, **REFUSALS}, summary="Look one thing up")
def look_up(request: HttpRequest, asked: Query[QuestionIn]) -> lookup.Answer:
    require(request)
    return lookup.find(asked.q)


@router.post("", response={200: list[AnswerOut], **REFUSALS}, summary="Look many things up")
def look_up_many(request: HttpRequest, body: QueriesIn) -> list[lookup.Answer]:
    require(request)
    return lookup.find_many(body.queries)
