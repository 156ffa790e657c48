"""The authority matrix (S11): every route of every port, as every role, on a case of her own desk and of another.

The matrix is made from the tables of routes; docs/authority.md shows it: `python tests/console/test_authority.py >
docs/authority.md`. A route that stands in no table fails the build.
"""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT)]

from starlette.routing import Mount, Route  # noqa: E402 - the line above makes the script run from anywhere

from bot.store import schema  # noqa: E402
from escalation.console.app import ANYBODY, OPEN, ROUTES, WAITING  # noqa: E402
from escalation.policy import POLICY, ROLES  # noqa: E402

#: The editor's routes, under /flows. A rollback of one's own publication asks for less (flow view, then its own act).
STUDIO = (
    ("GET", "/", ("flow", "view")),
    ("POST", "/new", ("flow", "edit")),
    ("POST", "/find", ("flow", "view")),
    ("GET", "/edit/{name:path}", ("flow", "view")),
    ("POST", "/edit/{name:path}", ("flow", "edit")),
    ("GET", "/read/{name:path}", ("flow", "view")),
    ("GET", "/changes", ("flow", "view")),
    ("POST", "/changes", ("flow", "propose")),
    ("GET", "/requests/{request_id}", ("flow", "view")),
    ("POST", "/requests/{request_id}/publish", ("flow", "publish")),
    ("POST", "/requests/{request_id}/refuse", ("flow", "view")),
    ("GET", "/history", ("flow", "view")),
    ("GET", "/history/{publication}", ("flow", "view")),
    ("POST", "/history/{version}/rollback", ("flow", "view")),
    ("GET", "/assets/{digest}/{name}", OPEN),
)
#: The citizens' port: nobody signs in there; what is said is found by the browser's own secret cookie.
CITIZEN = {
    ("GET", "/"), ("POST", "/"), ("GET", "/more"), ("GET", "/new"), ("POST", "/back"), ("GET", "/leave"),
    ("POST", "/leave"), ("GET", "/favicon.ico"),
}  # fmt: skip
#: What ends the sign-in itself, an endless answer, and the panic lock, which is tested in tests/system.
APART = {("POST", "/logout"), ("POST", "/lock"), ("GET", "/stream"), ("POST", "/health/lock")}
FORBIDDEN = "اجازهٔ این کار را ندارید"
#: Routes of the editor that ask for more once they know whose request or version it is.
STRICTER = {"/flows/requests/{request_id}/refuse", "/flows/history/{version}/rollback"}
CASE = "/cases/{case_id:str}"


def render():
    """Give docs/authority.md."""
    lines = [
        "# Who may do what: every route, every role",
        "",
        "Made from `ROUTES` in `escalation/console/app.py` and `POLICY` in `escalation/policy.py` by",
        "`tests/console/test_authority.py`, which also calls every cell on a running console; a route that is not in the",
        "table fails the build. «•» may; an act on a case besides needs the case in her desk's scope, and most need her to hold it:",
        "a case of another desk does not exist for her (404).",
        "",
        "| Route | " + " | ".join(f"`{role}`" for role in ROLES) + " |",
        "|---" * (len(ROLES) + 1) + "|",
    ]
    flows = [(method, f"/flows{path}", need) for method, path, need in STUDIO]
    for method, path, need in [*((method, path, need) for method, path, _, need in ROUTES), *flows]:
        cells = ["•" if need in {OPEN, ANYBODY, WAITING} or need in POLICY[role] else "" for role in ROLES]
        note = {OPEN: " (nobody signed in)", WAITING: " (a sign-in that waits)"}.get(need, "")
        lines.append(f"| `{method} {path.replace(':str', '').replace(':path', '')}`{note} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def address(path, case_id="nosuchcase"):
    for name in ("staff_id:str", "code:str", "request_id", "version", "name:path"):
        path = path.replace("{" + name + "}", "nobody")
    return path.replace("{case_id:str}", case_id)


def listed(routes):
    return {(method, route.path) for route in routes if isinstance(route, Route) for method in route.methods - {"HEAD"}}


@pytest.fixture
def studio(room, tmp_path):
    """Give the editor's routes."""
    from bot.content import PACKAGE_FLOWS  # noqa: PLC0415 - the scripts, wanted only here
    from bot.core.screening import NOTHING_FOUND  # noqa: PLC0415
    from bot.web.studio import studio_routes  # noqa: PLC0415
    from bot.web.studio_deps import StudioDeps  # noqa: PLC0415
    from escalation.console import Shell  # noqa: PLC0415

    core = room.core
    deps = StudioDeps(
        store=core.store, bus=core.bus, clock=core.clock, ids=core.ids, flows_dir=PACKAGE_FLOWS,
        screen=lambda _text: NOTHING_FOUND, run_talks=lambda _bundle: [],
    )  # fmt: skip
    return studio_routes(deps, Shell())


@pytest.fixture
def whole(room, studio):
    """Give a console with the editor in it."""
    from bot.web.studio_deps import TEMPLATES  # noqa: PLC0415
    from escalation.console import build_console  # noqa: PLC0415

    return build_console(replace(room.deps, extra_routes=studio, extra_templates=(TEMPLATES,)))


async def call(visitor, method, path):
    return await (visitor.get(path) if method == "GET" else visitor.post(path))


def test_the_page_of_the_matrix_is_current():
    assert render() == (ROOT / "docs" / "authority.md").read_text(encoding="utf-8")


def test_no_port_has_a_route_that_is_not_listed(whole, studio):
    from bot.web.citizen import CitizenPage  # noqa: PLC0415

    assert {(method, path) for method, path, _ in STUDIO} == listed(studio)
    assert {(method, path) for method, path, *_ in ROUTES} == listed(whole.routes)
    assert ["/static", "/flows"] == [route.path for route in whole.routes if isinstance(route, Mount)]
    assert CITIZEN == listed(CitizenPage.routes(object.__new__(CitizenPage)))


@pytest.mark.parametrize("role", ROLES)
async def test_every_route_answers_each_role_as_the_matrix_says(room, whole, visitor_class, role):
    room.staff("one", role)
    visitor = await visitor_class(whole).sign_in("one")
    flows = [(method, f"/flows{path}", need) for method, path, need in STUDIO]
    for method, path, need in [*((method, path, need) for method, path, _, need in ROUTES), *flows]:
        if (method, path) in APART or need == WAITING:
            continue
        answer = await call(visitor, method, address(path))

        refused = answer.status_code == 403 and FORBIDDEN in answer.text
        wanted = need in {OPEN, ANYBODY} or need in POLICY[role]
        assert wanted != refused or (path in STRICTER and refused), (role, method, path, answer.status_code)
        assert answer.status_code < 500, (role, path)
    await visitor.http.aclose()


@pytest.mark.parametrize("role", ROLES)
async def test_a_case_of_another_desk_does_not_exist_and_is_not_changed(room, visitor_class, role):
    room.staff("one", role, province="IR-23")
    holder = room.staff("holder", province="IR-09")
    case_id = room.cry()
    room.core.store.write_now(
        lambda tx: tx.execute(schema.cases.update().values(province="IR-09", desk="IR-09")) and None
    )
    token = room.claim(holder, case_id).token
    before = (room.case(case_id), room.rows(schema.messages), room.rows(schema.case_notes))
    visitor = await visitor_class(room.app).sign_in("one")
    fields = {"token": str(token), "text": "x", "reason": "x", "outcome": "safe_now", "tier": "T4", "desk": "IR-23",
              "to": "police", "command": "c" * 32}  # fmt: skip
    for method, path, _, need in ROUTES:
        if path.startswith(CASE):
            place = address(path, case_id)
            answer = await (visitor.get(place) if method == "GET" else visitor.post(place, fields))

            assert (404 if need in POLICY[role] else 403) == answer.status_code, (role, path)
    assert before == (room.case(case_id), room.rows(schema.messages), room.rows(schema.case_notes))
    await visitor.http.aclose()


async def test_a_colleague_of_the_same_desk_cannot_act_on_a_case_in_anothers_hands(room, visitor_class):
    holder = room.staff("holder")
    room.staff("other")
    case_id = room.cry()
    token = room.claim(holder, case_id).token
    before = (room.case(case_id), len(room.rows(schema.messages)))
    visitor = await visitor_class(room.app).sign_in("other")
    for act in (
        "release",
        "hand-back",
        "messages",
        "refer",
        "transfer",
        "lower",
        "close",
        "safe-contact",
        "undo-claim",
    ):
        fields = {"token": str(token), "text": "x", "reason": "x", "outcome": "safe_now", "tier": "T4", "desk": "IR-23",
                  "to": "police", "phone": "1", "command": "c" * 32}  # fmt: skip
        answer = await visitor.post(f"/cases/{case_id}/{act}", fields)

        assert answer.status_code in {403, 409, 422}, (act, answer.status_code)
    assert before == (room.case(case_id), len(room.rows(schema.messages)))
    await visitor.http.aclose()


if __name__ == "__main__":
    sys.stdout.write(render())
