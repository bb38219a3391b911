"""`mailroom keys rotate`: give Prefect's blocks another key. It works on both databases itself.

What is due meanwhile waits for a stop of its own, and none of it is lost.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.database import our_database, prefect_database_url, who
from cli.output import out
from embedded import data_dir
from embedded.bootstrap import use_our_prefect
from embedded.display import printable
from mailroom.setting_groups import secrets_elsewhere
from mailroom.settings import Settings, current
from prefect_mailroom.errors import ConfigurationError, MailroomError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from mailroom.secrets.rotation import Proof
    from mailroom.storage.database import Database

NEW = "PREFECT_SERVER_ENCRYPTION_KEY_NEW"
OLD = "PREFECT_SERVER_ENCRYPTION_KEY_OLD"
_REMEDY = (
    "Run the command again with the right keys; what it has done stays. A block that no key opens can only be saved "
    "anew. Sending stays stopped until all are proved, or until `mailroom resume --yes`."
)
_REASON = "The key of Prefect's blocks is being changed. What is due waits, and goes on by itself when that is done."


def rotate(*, finish: bool = False) -> None:
    """Encrypt every Prefect block with a new key, and prove that the old one opens none.

    `mailroom up` must not run; its new key is made and put in place here. In production the new key is read from
    PREFECT_SERVER_ENCRYPTION_KEY_NEW, or the file in PREFECT_SERVER_ENCRYPTION_KEY_NEW_FILE. It can be broken off and
    repeated at any time.

    Parameters
    ----------
    finish
        In production, after Prefect was restarted with the new key: prove that it reads every block, and let
        deliveries go on.
    """
    settings = current()
    use_our_prefect(settings)
    if settings.mode == "embedded":
        if finish:
            raise ConfigurationError("An embedded system needs no --finish.", remedy="Leave it out.", field="--finish")
        asyncio.run(_embedded(settings))
    else:
        asyncio.run(_finish(settings) if finish else _production(settings))


async def _embedded(settings: Settings) -> None:
    files = data_dir.BlockKeyFiles.of(settings)
    with _alone(settings):
        if not files.following.exists() and await _goes_on_after(settings):
            _say(
                "The key was changed before, and that broke off at its last step. Deliveries go on with the next "
                "`mailroom up`."
            )
            return
        old, new = files.begin()
        async with _databases(settings) as both:
            await both.hold()
            await both.change(old, new)
            files.finish()
            _say(
                f"The new key is in {files.current}. The former one is in {files.former}: backups of Prefect's "
                "database need it. Delete it when there are none left."
            )
            await both.let_go()
    _say("Start `mailroom up`: what was due meanwhile is made up for as after any pause.")


async def _goes_on_after(settings: Settings) -> bool:
    """Lift the stop of a change that got as far as the new key in its place; return whether there was one."""
    async with _databases(settings) as both:
        return await both.let_go()


async def _production(settings: Settings) -> None:
    new = secrets_elsewhere.read(NEW) or os.environ.get(NEW, "")
    async with _databases(settings) as both:
        old = settings.prefect_encryption_key.get_secret_value() or await both.stored_key()
        old = _required(old, "PREFECT_SERVER_ENCRYPTION_KEY", "the key that Prefect runs with now")
        new = _required(new, NEW, "the new key")
        if old == new:
            raise ConfigurationError("The new key is the old one.", remedy="Make another.", field=NEW)
        await both.hold()
        await both.change(old, new)
    _say("Now restart, with the new key as PREFECT_SERVER_ENCRYPTION_KEY:")
    _say("  1. every Prefect API server (`prefect server start`), since until then it can read no block;")
    _say("  2. Prefect's background services (`prefect server services start`), if they run apart;")
    _say("  3. Mailroom's API, which checks at its start that the key is set.")
    _say("Workers and renderers go on: they read blocks through Prefect's API. Deliveries wait, and none is lost.")
    _say(
        f"Then run `mailroom keys rotate --finish`, with the old key in {OLD}: it proves that Prefect reads every "
        "block, and lets deliveries go on."
    )


async def _finish(settings: Settings) -> None:
    key = settings.prefect_encryption_key.get_secret_value()
    key = _required(key, "PREFECT_SERVER_ENCRYPTION_KEY", "the new key")
    old = secrets_elsewhere.read(OLD) or os.environ.get(OLD, "")
    old = _required(old, OLD, "the key before")
    async with _databases(settings) as both:
        # What was saved through Prefect after the change and before its restart still has the old key.
        await both.change(old, key)
        await _ask_prefect(settings)
        await both.let_go()


async def _ask_prefect(settings: Settings) -> None:
    """Prove that the running Prefect opens every block.

    Raises:
        MailroomError: it does not, or does not answer.
    """
    import httpx
    from prefect.client.orchestration import PrefectClient
    from prefect.exceptions import PrefectHTTPStatusError
    from prefect.settings import PREFECT_API_AUTH_STRING

    read, remedy = 0, "Restart every Prefect server with the new key, then run `mailroom keys rotate --finish` again."
    try:
        async with PrefectClient(settings.prefect_api, auth_string=PREFECT_API_AUTH_STRING.value()) as client:
            while page := await client.read_block_documents(offset=read, limit=100, include_secrets=True):
                read += len(page)
    except (httpx.TransportError, PrefectHTTPStatusError) as error:
        raise MailroomError(f"Prefect does not read the blocks: {type(error).__name__}.", remedy=remedy) from error
    _say(f"Prefect reads all {read} blocks.")


def _required(value: str | None, variable: str, what: str) -> str:
    """Return the key that a variable has.

    Raises:
        ConfigurationError: it has none.
    """
    from mailroom.secrets.required import is_fernet_key

    if not value or not is_fernet_key(value):
        raise ConfigurationError(
            f"{variable} is {'not a Fernet key' if value else 'not set'}.",
            remedy=f"Set it, or {variable}_FILE, to {what}.",
            field=variable,
        )
    return value


@dataclass
class _Databases:
    """Our database and Prefect's."""

    ours: Database
    prefect: Database

    async def stored_key(self) -> str | None:
        from mailroom.secrets import rotation

        return await rotation.stored_key(self.prefect)

    async def hold(self) -> None:
        """Stop what leaves, before the first block is changed."""
        from mailroom.stops import service

        stop, is_new = await self.ours.transact(
            lambda session: service.stop_for_keys(session, _REASON, by=who(), now=self.ours.now())
        )
        _say(f"Sending {'is stopped' if is_new else 'was stopped before'} (stop {stop.id}).")

    async def change(self, old: str, new: str) -> None:
        """Encrypt every block with the new key, and prove it.

        Raises:
            MailroomError: some block is opened by neither key, or still by the old one. Sending stays stopped.
        """
        from mailroom.audit import repository as audit
        from mailroom.audit.delivery_events import BlocksReencrypted
        from mailroom.secrets import rotation

        progress = await rotation.reencrypt(self.prefect, old, new)
        proof = await rotation.prove(self.prefect, old, new)
        _say(f"{progress.changed} blocks have the new key now, {progress.already} had it already.")
        if not proof.holds:
            raise MailroomError(_not_proven(proof), remedy=_REMEDY)
        _say(f"Proved for each of {proof.blocks} blocks: the new key opens it, and the old one does not.")
        names = (rotation.fingerprint(old), rotation.fingerprint(new))
        event = BlocksReencrypted("PREFECT_SERVER_ENCRYPTION_KEY", *names, progress.changed)

        async def record(session: AsyncSession) -> None:
            audit.record(session, event, at=self.ours.now(), actor=who())

        await self.ours.transact(record)

    async def let_go(self) -> bool:
        """Let what waited go on; return whether anything was held."""
        from mailroom.stops import service

        lifted = await self.ours.transact(lambda session: service.lift_for_keys(session, by=who(), now=self.ours.now()))
        if lifted:
            _say("Sending is no longer stopped for the change of the key.")
        return lifted


def _not_proven(proof: Proof) -> str:
    parts = []
    if proof.not_with_new:
        parts.append(f"The new key does not open {_names(proof.not_with_new)}.")
    if proof.with_old:
        parts.append(f"The old key still opens {_names(proof.with_old)}.")
    return " ".join(parts)


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{len(names)} of the blocks: {shown}{', …' if len(names) > 5 else ''}"


@asynccontextmanager
async def _databases(settings: Settings) -> AsyncIterator[_Databases]:
    from mailroom.storage.database import Database

    ours = await our_database(settings)
    prefect = Database(prefect_database_url(settings))
    try:
        yield _Databases(ours, prefect)
    finally:
        await prefect.close()
        await ours.close()


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Keep `mailroom up` from running: its Prefect would go on with the old key."""
    data_dir.prepare(settings)
    with data_dir.locked(settings.data_dir):
        yield


def _say(line: str) -> None:
    out.print(printable(line), markup=False, highlight=False, soft_wrap=True)
