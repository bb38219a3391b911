"""`Idempotency-Key`: a POST that is repeated after a lost answer is answered again and not done again."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from api.http.dependencies import CallerDep, ServicesDep
from api.http.problems import Refusal
from api.services import Services
from mailroom.context import Context
from mailroom.errors import Conflict
from mailroom.storage import idempotency as stored
from mailroom.storage.tables import IdempotencyKey

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Any unique text. The same key with the same body gets the first answer again, for 24 hours.",
    ),
]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with; `body` is JSON-ready after encoding."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> JSONResponse:
        """As HTTP."""
        return JSONResponse(jsonable_encoder(self.body), self.status, self.headers)


@dataclass(frozen=True)
class Once:
    """Does a request's work at most once for its key."""

    services: Services
    context: Context
    key: str | None
    digest: str

    async def perform(
        self,
        work: Callable[[AsyncSession], Awaitable[Answer]],
        settle: Callable[[Answer], Awaitable[Answer]] | None = None,
    ) -> JSONResponse:
        """Run `work` in a transaction, then `settle`, which may refine the answer; or give the earlier answer.

        The answer is committed with the work, so a crash in between leaves neither a half nor a double.

        Raises:
            Conflict: the first request with this key is not answered yet.
            Refusal: 422, the key was used with another request.
        """
        if self.key and (earlier := await self._claim(self.key)):
            return self._again(earlier)
        try:
            async with self.services.database.session() as session:
                answer = await work(session)
                await self._keep(session, answer)
        except BaseException:
            if self.key:
                async with self.services.database.session() as session:
                    await stored.release(session, key=self.key, user_id=self.context.user.id)
            raise
        if settle:
            answer = await settle(answer)
            async with self.services.database.session() as session:
                await self._keep(session, answer)
        return answer.response()

    async def _claim(self, key: str) -> IdempotencyKey | None:
        user_id, now = self.context.user.id, self.context.now
        async with self.services.database.session() as session:
            return await stored.claim(session, key=key, user_id=user_id, request_hash=self.digest, now=now)

    async def _keep(self, session: AsyncSession, answer: Answer) -> None:
        if self.key:
            kept = {"body": jsonable_encoder(answer.body), "headers": answer.headers}
            user_id = self.context.user.id
            await stored.answer(session, key=self.key, user_id=user_id, status_code=answer.status, response=kept)

    def _again(self, earlier: IdempotencyKey) -> JSONResponse:
        if earlier.request_hash != self.digest:
            raise Refusal(
                422,
                "idempotency-key-reused",
                "This Idempotency-Key was used with another request.",
                remedy="Use a new key for a new request.",
            )
        if earlier.status_code is None or earlier.response is None:
            raise Conflict(
                "The first request with this Idempotency-Key is still being worked on.",
                remedy="Wait a few seconds and send it again with the same key.",
            )
        headers = {**earlier.response["headers"], "Idempotency-Replayed": "true"}
        return Answer(earlier.status_code, earlier.response["body"], headers).response()


async def once(request: Request, found: ServicesDep, context: CallerDep, key: Key = None) -> Once:
    """The `Once` of this request."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}\n".encode())
    if key:
        digest.update(await request.body())
    return Once(found, context, key, digest.hexdigest())


OnceDep = Annotated[Once, Depends(once)]
