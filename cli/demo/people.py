"""The people of the demo: one of each role, each with a one-time link to log in."""

from __future__ import annotations

from cli.rest_client import ApiProblem, MailroomClient
from mailroom.roles import Role

NAMES = {Role.ADMIN: "Ada Admin", Role.CREATOR: "Chris Creator", Role.VIEWER: "Vera Viewer"}


def links_of_people(client: MailroomClient) -> dict[Role, str]:
    """Make the people who are not there yet; return a fresh link for each.

    Raises:
        MailroomError: the API refused.
    """
    found = {}
    for role, name in NAMES.items():
        external_id = f"demo-{role}"
        body = {"email": f"{external_id}@example.com", "name": name, "role": role, "external_id": external_id}
        try:
            client.call("POST", "/users", body)
        except ApiProblem as problem:
            if problem.status != 409:  # An earlier demo made the user.
                raise
        found[role] = str(client.call("POST", f"/users/ext:{external_id}/links", {"purpose": "login"})["link"])
    return found
