"""One container of Azure Blob Storage as the port of object stores sees it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobProperties, ContentSettings, StandardBlobTier

from prefect_mailroom.channels.azure import blocks
from prefect_mailroom.channels.azure.container import Container
from prefect_mailroom.channels.azure.wire.client import open_container
from prefect_mailroom.channels.azure.wire.faults import code_of, translated
from prefect_mailroom.channels.objects import guarded
from prefect_mailroom.channels.objects.source import Source
from prefect_mailroom.channels.objects.store import AlreadyThere, Facts, Found, Sent
from prefect_mailroom.errors import RetryLater


class AzureStore:
    """A container. Nothing is connected before the first question."""

    def __init__(self, container: Container) -> None:
        """Prepare the client.

        Raises:
            ConfigurationError: this identity may not be used, or not there.
        """
        self.where = container.where
        self._container = container
        self._links = guarded.Links()
        self._client = open_container(container, self._links)

    def shown(self, name: str) -> str:
        """Return the whole address of a blob as people know it, as one harmless line."""
        return self._container.shown(name)

    def look(self, name: str) -> Found | None:
        """Return what is there, or None."""
        with translated(self._container, "read", self.shown(name)):
            try:
                return _found(self._blob(name).get_blob_properties())
            except ResourceNotFoundError as error:
                if code_of(error) != "BlobNotFound":
                    raise
        return None

    def put(self, name: str, source: Source, facts: Facts, *, once: bool) -> Sent:
        """Write the blob; it appears complete or not at all. Blocks of an upload that failed are never seen."""
        scope = {"encryption_scope": self._container.encryption_scope} if self._container.encryption_scope else {}
        options: dict[str, Any] = {
            "metadata": dict(facts.metadata),
            "tags": dict(facts.tags) or None,
            "standard_blob_tier": StandardBlobTier(facts.storage_class) if facts.storage_class else None,
            **scope,
        }
        blob, shown = self._blob(name), self.shown(name)
        if source.size <= blocks.SIZE:
            return self._put_whole(blob, shown, source, facts, options, once=once)
        source.hold()
        sent, md5 = blocks.send(blob, source, self._container, shown, scope)
        source.release()
        condition: dict[str, Any] = {"match_condition": MatchConditions.IfMissing} if once else {}
        with translated(self._container, "write", shown):
            told = blob.commit_block_list(sent, content_settings=_settings(facts, md5), **options, **condition)
        return _sent(told, md5)

    def _put_whole(
        self, blob: BlobClient, shown: str, source: Source, facts: Facts, options: dict[str, Any], *, once: bool
    ) -> Sent:
        content = source.read(source.size) or source.read()  # An empty file is read as well: its checksum is compared.
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        with translated(self._container, "write", shown):
            told = blob.upload_blob(
                content,
                length=len(content),
                overwrite=not once,
                validate_content=True,
                content_settings=_settings(facts, md5),
                **options,
            )
        return _sent(told, md5)

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the content from its beginning; the caller may stop in the middle."""
        with translated(self._container, "read", self.shown(name)):
            try:
                yield from self._blob(name).download_blob().chunks()
            except ResourceNotFoundError as error:
                if code_of(error) != "BlobNotFound":
                    raise
                problem = FileNotFoundError(self.shown(name))
            else:
                return
        raise problem from None

    def remove(self, name: str, version: str = "") -> None:
        """Remove the blob, or this version of it alone; it is fine where nothing is.

        Args:
            version: as `look` told it: an ETag, or a version id where the account keeps versions. Azure does not remove
                the current version by its id, so that one is removed by its ETag as well.
        """
        blob, shown = self._blob(name), self.shown(name)
        which: dict[str, Any] = {}
        try:
            with translated(self._container, "remove", shown):
                try:
                    if version.startswith('"'):
                        which = {"etag": version, "match_condition": MatchConditions.IfNotModified}
                    elif version:
                        there = blob.get_blob_properties()
                        if there.version_id != version:
                            return
                        which = {"etag": there.etag, "match_condition": MatchConditions.IfNotModified}
                    blob.delete_blob(**which)
                except HttpResponseError as error:
                    if code_of(error) != "BlobNotFound":
                        raise
        except AlreadyThere:
            if not version:
                raise RetryLater(f"{shown} was changed while it was removed.") from None
            # Somebody else's content is there now, which is not ours to remove.

    def abort(self) -> None:
        """Cut every connection at once, from any thread: whoever uses the store gets `Lost`."""
        self._links.cut()

    def _blob(self, name: str) -> BlobClient:
        return self._client.get_blob_client(self._container.key(name))


def _settings(facts: Facts, md5: str) -> ContentSettings:
    return ContentSettings(
        content_type=facts.media_type,
        content_disposition=facts.content_disposition,
        content_md5=bytearray.fromhex(md5),
    )


def _sent(told: dict[str, Any], md5: str) -> Sent:
    etag = str(told.get("etag") or "")
    return Sent(etag, str(told.get("version_id") or etag), {"md5": md5})


def _found(told: BlobProperties) -> Found:
    etag, md5 = str(told.etag or ""), told.content_settings.content_md5
    return Found(
        size=told.size,
        etag=etag,
        version=str(told.version_id or etag),
        metadata={name.lower(): value for name, value in (told.metadata or {}).items()},
        checksums={"md5": bytes(md5).hex()} if md5 else {},
    )
