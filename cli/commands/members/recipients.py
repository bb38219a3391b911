"""`mailroom recipients …` and `mailroom suppressions …`: people who get reports, over the REST API."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote, urlencode

from cyclopts import App, Parameter

from cli.output import out, print_json, print_table
from cli.rest_client import MailroomClient
from embedded.display import printable
from mailroom.settings import current

app = App(name="recipients", help="Find, remove and erase people who get reports.", help_format="plaintext")
suppressions = App(name="suppressions", help="Keep addresses that nothing is ever sent to.", help_format="plaintext")
Json = Annotated[bool, Parameter(name="--json")]


@app.command
def show(address: str, *, as_json: Json = False) -> None:
    """Show every schedule that sends to an address, and the latest deliveries to it.

    Parameters
    ----------
    address
        The mail address, in any case.
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        first = found = client.call("GET", f"/recipients/{_safe(address)}")
        schedules = list(found["schedules"]["items"])
        while cursor := found["schedules"]["next_cursor"]:
            query = urlencode({"schedules_cursor": cursor})
            found = client.call("GET", f"/recipients/{_safe(address)}?{query}")
            schedules += found["schedules"]["items"]
    if as_json:
        print_json({**first, "schedules": {"items": schedules, "next_cursor": None}})
        return
    if listed := first["suppression"]:
        _say(f"Nothing is sent to {listed['address']}: {listed['reason']} ({listed['created_by']})")
    print_table(
        f"{len(schedules)} schedules", ["id", "name", "state"], [(s["id"], s["name"], s["state"]) for s in schedules]
    )
    sent = first["deliveries"]["items"]
    rows = [(d["planned_at"], d["schedule_name"], d["channel"], d["status"]) for d in sent]
    title = f"{len(rows)} deliveries{', the latest' if first['deliveries']['next_cursor'] else ''}"
    print_table(title, ["planned", "schedule", "channel", "state"], rows)


@app.command
def remove(address: str, *, as_json: Json = False) -> None:
    """Take an address off every schedule that you may change. A schedule that nobody else would get is paused.

    Parameters
    ----------
    address
        The mail address, in any case.
    as_json
        Print JSON.
    """
    changed: list[Any] = []
    left_alone: list[Any] = []
    with MailroomClient(current(), timeout=120) as client:
        query = ""
        while True:
            done = client.call("DELETE", f"/recipients/{_safe(address)}{query}")
            changed += done["changed"]
            left_alone += done["left_alone"]
            if not done["next_cursor"]:
                break
            query = f"?{urlencode({'cursor': done['next_cursor']})}"
    if as_json:
        print_json({"address": done["address"], "changed": changed, "left_alone": left_alone})
        return
    print_table(
        f"{len(changed)} schedules", ["id", "name", "is"], [(c["id"], c["name"], c["removal"]) for c in changed]
    )
    if left_alone:
        rows = [(one["id"], one["name"], f"{one['message']} {one['remedy']}".strip()) for one in left_alone]
        print_table(f"{len(rows)} left alone", ["id", "name", "why"], rows)


@app.command
def erase(address: str, *, as_json: Json = False) -> None:
    """Put a pseudonym in place of an address in what is on record, and say what this cannot reach.

    Parameters
    ----------
    address
        The mail address, in any case. No schedule may send to it any more.
    as_json
        Print JSON.
    """
    with MailroomClient(current(), timeout=600) as client:
        done = client.call("POST", f"/recipients/{_safe(address)}/erase")
    if as_json:
        print_json(done)
        return
    _say(f"It is {done['pseudonym']} now.")
    print_table("Rows that were changed", ["table", "rows"], [(name, str(n)) for name, n in done["replaced"].items()])
    _say("This could not reach:")
    for one in done["not_reached"]:
        _say(f"  {one}")


@app.command
def unsubscribed(schedule_id: str, *, as_json: Json = False) -> None:
    """List the people who have unsubscribed from a schedule by the link in a mail, the latest first.

    Parameters
    ----------
    schedule_id
        The schedule.
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = client.pages(f"/schedules/{_safe(schedule_id)}/unsubscribed")
    if as_json:
        print_json(found)
        return
    rows = [(one["address"], one["created_at"], one["delivery_id"]) for one in found]
    print_table(f"{len(rows)} have unsubscribed", ["address", "since", "delivery"], rows)


@app.command
def resubscribe(schedule_id: str, address: str) -> None:
    """Let a person who has unsubscribed get the mails of a schedule again; only where the person asks for it.

    Parameters
    ----------
    schedule_id
        The schedule.
    address
        The mail address, in any case.
    """
    with MailroomClient(current()) as client:
        client.call("DELETE", f"/schedules/{_safe(schedule_id)}/unsubscribed/{_safe(address)}")
    _say(f"{address} gets the mails of this schedule again, from the next run on.")


@suppressions.command(name="list")
def list_(*, as_json: Json = False) -> None:
    """List the addresses that nothing is ever sent to, the latest first.

    Parameters
    ----------
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = client.pages("/suppressions")
    if as_json:
        print_json(found)
        return
    rows = [(s["id"], s["address"], s["created_at"], s["created_by"], s["reason"]) for s in found]
    print_table(f"{len(rows)} suppressions", ["id", "address", "since", "by", "reason"], rows)


@suppressions.command
def add(address: str, *, reason: str, as_json: Json = False) -> None:
    """Never send to an address again.

    Parameters
    ----------
    address
        The mail address, or `@example.com` for every address of a domain.
    reason
        Why.
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        made = client.call("POST", "/suppressions", {"address": address, "reason": reason})
    if as_json:
        print_json(made)
        return
    _say(f"Nothing is sent to {made['address']}, since {made['created_at']} ({made['id']}).")


@suppressions.command(name="remove")
def lift(suppression_id: str) -> None:
    """Let an address get something again.

    Parameters
    ----------
    suppression_id
        The id, as `mailroom suppressions list` shows it.
    """
    with MailroomClient(current()) as client:
        client.call("DELETE", f"/suppressions/{_safe(suppression_id)}")
    _say(f"{suppression_id} is removed.")


def _safe(text: str) -> str:
    return quote(text, safe="")


def _say(line: str) -> None:
    out.print(printable(line), markup=False, highlight=False, soft_wrap=True)
