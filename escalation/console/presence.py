"""Who else has a case's page open: so that two do not read, phone or note for one woman at once without knowing.

Each open page says every beat that it is there; what is known lasts three beats, in memory or in Redis, never in the
database. It shows nothing of the case, so it is no reading.
"""

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from escalation import repo, repo_read
from escalation.console.deps import deps_of
from escalation.console.shell import require

HERE_S = 30.0


async def here(request: Request) -> Response:
    """Say that she has the page of a case open; give the names of the others who have."""
    actor = require(request, "case", "read")
    deps, case_id = deps_of(request), request.path_params["case_id"]
    now_ms = deps.now_ms()

    def names(connection: Connection) -> dict[str, str]:
        repo.find_case(connection, actor=actor, case_id=case_id, now_ms=now_ms)
        return repo_read.staff_names(connection)

    known = await deps.store_of(actor).read(names)
    there = await deps.live.come(f"case {case_id}", actor.staff_id, for_s=HERE_S)
    others = sorted(known[one] for one in there if one != actor.staff_id and one in known)
    return JSONResponse({"others": others})
