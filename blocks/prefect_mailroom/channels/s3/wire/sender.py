"""Send what botocore has signed, through guarded connections and nothing else: no proxy, no redirect, no other socket.

botocore asks for it by its event `before-send`, for every request that one of its clients makes: retries, and those
that follow a bucket to another region, included.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import urllib3
from botocore.awsrequest import AWSHTTPConnection, AWSHTTPSConnection, AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError, SSLError
from urllib3 import exceptions

from prefect_mailroom import outbound
from prefect_mailroom.channels.objects import faults, guarded
from prefect_mailroom.channels.objects.store import Lost
from prefect_mailroom.tls import trusting

_REDIRECTS = {301, 302, 303, 307, 308}
_BLOCK = 262_144
"""Write so many bytes at once: each block has the time of a connection to leave."""


class Sender:
    """The connections of one client."""

    def __init__(
        self, links: guarded.Links, *, seconds: float, ca_certificates: str, connections: int, is_aws: bool
    ) -> None:
        """Open nothing yet.

        Args:
            seconds: how long an answer may take.
            connections: how many are kept at once.
            is_aws: whether an answer may send a request on to another region.
        """
        self._is_aws = is_aws
        self._manager = guarded.guard(
            urllib3.PoolManager(
                maxsize=connections,
                blocksize=_BLOCK,
                ssl_context=trusting(ca_certificates),
                timeout=urllib3.Timeout(connect=min(20, seconds), read=seconds),
            ),
            guarded.pools(links, AWSHTTPConnection, AWSHTTPSConnection),
        )

    def send(self, request: AWSPreparedRequest, **_event: Any) -> AWSResponse:
        """Return the answer to a request.

        Raises:
            MailroomError: the host may not be reached, or does not answer.
            Lost: the connections were cut.
            BotoCoreError: botocore knows what to try again.
        """
        url = request.url
        parts = urlsplit(url)
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        try:
            raw = self._manager.connection_from_url(url).urlopen(
                method=request.method,
                url=target,
                body=request.body,
                headers=request.headers,
                retries=urllib3.Retry(False),
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
                chunked=request.headers.get("Transfer-Encoding", b"") in ("chunked", b"chunked"),
                enforce_content_length=False,
            )
            answer = AWSResponse(url, raw.status, raw.headers, raw)
            if not request.stream_output:
                _ = answer.content  # Read now, so that the connection is free again.
        except guarded.Refusal as error:
            raise error.error from None
        except exceptions.SSLError as error:
            if outbound.tls_fault(error) is None:
                raise ConnectionClosedError(endpoint_url=_bare(url), error=error, request=request) from error
            raise SSLError(endpoint_url=_bare(url), error=error) from error
        except exceptions.NewConnectionError as error:
            raise Lost("it was cut") from error  # No try of botocore's own shall follow.
        except exceptions.ConnectTimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=_bare(url), error=error) from error
        except exceptions.ReadTimeoutError as error:
            raise ReadTimeoutError(endpoint_url=_bare(url), error=error) from error
        except (exceptions.ProtocolError, OSError) as error:
            raise ConnectionClosedError(endpoint_url=_bare(url), error=error, request=request) from error
        if raw.status in _REDIRECTS and not self._is_aws:
            # botocore would ask for the region of the bucket again and again.
            raise faults.redirects(parts.hostname or "")
        return answer


def _bare(url: str) -> str:
    """Return an address without what may be signed in it."""
    return url.partition("?")[0]
