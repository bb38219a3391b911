"""Honour `Idempotency-Key`: a POST that is repeated after a lost answer is answered again and not done again."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, NoParts, Parts, Remember, Result
from api.http.dependencies import CallerDep
from api.http.problems import Refusal
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
        description=(
            "Any unique text. For 24 hours, a repeated request with the same key and body gets the first answer again."
        ),
    ),
]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request; `body` is a view, or the JSON of one that was kept."""

    status: int
    body: object
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> JSONResponse:
        """Return this answer as HTTP."""
        return JSONResponse(jsonable_encoder(self.body), self.status, self.headers)


@dataclass(frozen=True)
class Once:
    """Does a request's work at most once for its key."""

    caller: Caller
    key: str | None
    digest: str

    async def perform(
        self, action: Callable[[Remember[Result]], Awaitable[Result]], answer: Callable[[Result], Answer]
    ) -> JSONResponse:
        """Run the action, or repeat the earlier answer to this key.

        The action gets a `remember`, which keeps the answer in the action's own transaction: a crash leaves neither
        work without its answer nor an answer without its work.

        Raises:
            Conflict: the first request with this key is not answered yet.
            Refusal: 422, the key was used with another request.
        """
        if self.key and (earlier := await self._claim(self.key)):
            return self._again(earlier)
        kept: Answer | None = None

        async def remember(session: AsyncSession, result: Result) -> None:
            nonlocal kept
            kept = answer(result)
            await self._keep(session, kept)

        try:
            last = answer(await action(remember))
        except BaseException:
            if self.key:
                await self._release(self.key)
            raise
        if last != kept:
            await self.caller.transact(lambda session: self._keep(session, last))
        return last.response()

    def parts(self) -> Parts:
        """Return the memory of the parts of this request, for an action that does them one by one."""
        return KeptParts(self.caller, self._parts_key(), self.digest) if self.key else NoParts()

    def _parts_key(self) -> str:
        # A space cannot be part of a caller's key, so the parts of one request are never taken for another request.
        return f"part {hashlib.sha256(f'{self.key} {self.digest}'.encode()).hexdigest()[:32]} "

    async def _claim(self, key: str) -> IdempotencyKey | None:
        user_id, now = self.caller.context.user.id, self.caller.context.now
        return await self.caller.transact(
            lambda session: stored.claim(session, key=key, user_id=user_id, request_hash=self.digest, now=now)
        )

    async def _release(self, key: str) -> None:
        """Give the key back where the request has no answer; one with an answer stays."""
        user_id = self.caller.context.user.id
        await self.caller.transact(lambda session: stored.release(session, key=key, user_id=user_id))

    async def _keep(self, session: AsyncSession, answer: Answer) -> None:
        if self.key:
            kept = {"body": jsonable_encoder(answer.body), "headers": answer.headers}
            user_id = self.caller.context.user.id
            await stored.answer(session, key=self.key, user_id=user_id, status_code=answer.status, response=kept)
            # The whole answer is there: nobody asks for its parts any more.
            await stored.forget_parts(session, prefix=self._parts_key(), user_id=user_id)

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
                "The first request with this Idempotency-Key is still in progress.",
                remedy="Wait a few seconds and send it again with the same key.",
            )
        headers = {**earlier.response["headers"], "Idempotency-Replayed": "true"}
        return Answer(earlier.status_code, earlier.response["body"], headers).response()


@dataclass(frozen=True)
class KeptParts:
    """Keeps the parts of one request beside its key."""

    caller: Caller
    prefix: str
    digest: str

    async def take(self, session: AsyncSession, part: str) -> Mapping[str, str] | None:
        """Take a part; return what was kept of it where it is done already."""
        user_id, now = self.caller.context.user.id, self.caller.context.now
        row = await stored.claim(session, key=self.prefix + part, user_id=user_id, request_hash=self.digest, now=now)
        return row.response if row else None

    async def keep(self, session: AsyncSession, part: str, result: Mapping[str, str]) -> None:
        """Keep the result of a part that was taken."""
        user_id = self.caller.context.user.id
        await stored.answer(session, key=self.prefix + part, user_id=user_id, status_code=200, response=dict(result))


async def once(request: Request, caller: CallerDep, key: Key = None) -> Once:
    """Return the `Once` of this request."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}\n".encode())
    if key:
        digest.update(await request.body())
    return Once(caller, key, digest.hexdigest())


OnceDep = Annotated[Once, Depends(once)]
