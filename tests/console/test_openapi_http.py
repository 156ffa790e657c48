"""Strange input to every described route, as each role (schemathesis): never a 5xx, never an answer that is not described.

docs/console.openapi.json is made from the table of routes: `python tests/console/test_openapi_http.py >
docs/console.openapi.json`.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT)]

import pytest  # noqa: E402 - the line above makes the script run from anywhere
import requests  # noqa: E402
import schemathesis  # noqa: E402
from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi.checks import status_code_conformance  # noqa: E402

from escalation.console.openapi import FIELDS, describe  # noqa: E402
from escalation.policy import ROLES  # noqa: E402

#: An endless answer, and what ends the sign-in or the installation.
APART = {"/stream", "/logout", "/lock", "/health/lock", "/me/sessions/end", "/login"}
EXAMPLES = 3


def render():
    return json.dumps(describe(), indent=1, ensure_ascii=False) + "\n"


def without_security():
    """Give the description as it is tried: the sign-in is ours to give, not to be made up."""
    found = describe()
    del found["components"]
    for operations in found["paths"].values():
        for operation in operations.values():
            del operation["security"]
    return found


def keeps_the_promises_of_every_answer(_context, response, _case):
    """Nothing is stored by a browser, nothing of another host runs."""
    headers = {name.lower(): values[0] for name, values in response.headers.items()}
    assert headers["cache-control"] == "no-store"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_the_description_is_current_and_every_form_belongs_to_a_route():
    assert render() == (ROOT / "docs" / "console.openapi.json").read_text(encoding="utf-8")
    assert set(FIELDS) <= set(describe()["paths"])


@pytest.mark.parametrize("role", [*ROLES, ""])
def test_strange_input_is_answered_as_described(served, room, role):
    session = requests.Session()
    session.headers.update({"Sec-Fetch-Site": "same-origin", "Connection": "keep-alive"})
    if role:
        room.staff("one", role)
        opened = served.run(room.accounts.login(username="one", password="a long enough phrase", address="test"))
        session.cookies.set("panah-staff", opened.token)
    room.cry()
    assert (200 if role else 303) == session.get(f"{served.url}/me", allow_redirects=False).status_code
    page = session.get(f"{served.url}/me").text
    session.headers["X-CSRF-Token"] = re.search(r'name="csrf" content="([^"]+)"', page)[1]

    for found in schemathesis.openapi.from_dict(without_security()).get_all_operations():
        operation = found.ok()
        if operation.path not in APART:
            tried(operation, served.url, session)
    session.close()


def tried(operation, url, session):
    """Try one operation with some inputs."""

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case):
        response = case.call(base_url=url, session=session, allow_redirects=False)
        case.validate_response(
            response, checks=[not_a_server_error, status_code_conformance, keeps_the_promises_of_every_answer]
        )

    run()


if __name__ == "__main__":
    sys.stdout.write(render())
