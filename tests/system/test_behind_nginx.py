"""The product as people reach it: a real nginx with deploy/nginx before two doors and a console, TLS, two names.

The settings are those of deploy/panah.env.example and what starts are the roles of its units; only places are put in.
"""

import asyncio
import io
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pyotp
import pytest
import pytest_asyncio
from stores import stores_of
from system.desk import PASSWORD, Desk
from system.harness import ROOT, Panah
from system.proxy import CHAT, CONSOLE, DEPLOY, Nginx, is_open
from system.visitor import Visitor

from bot.web.citizen import EXITS

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

CRY, ANSWER = "شوهرم داره منو می‌زنه", "سلام، من مینا هستم. جایتان امن است؟"
METRICS = "metrics-token-of-a-test"
NUMBERS = ("110", "115", "123")


class Part(Panah):
    """One process of one role behind the proxy: a site with two names."""

    def __init__(self, var, role, **settings):
        super().__init__(var, program=("-m", "bot", "serve", "--role", role), **settings)
        self.port = int((self.console if role == "console" else self.web).rsplit(":", 1)[1])
        self._log = var.parent / f"{role}-{self.port}.log"

    def start(self, wait_s=120.0):
        with self._log.open("ab") as log:
            command = [sys.executable, *self._program]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        end = time.monotonic() + wait_s
        while not is_open(self.port):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.05)
        return self


class Site:
    """The addresses that people know; `panah staff add` runs beside the console."""

    web, console = f"https://{CHAT}", f"https://{CONSOLE}"

    def __init__(self, desk):
        self.command = desk.command
        self.first_link = re.search(r"make the first account within 15 minutes: (\S+)", desk.log)[1]


def example():
    lines = (DEPLOY / "panah.env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Give two doors and a console on PostgreSQL, by the settings of the example; they start at once."""
    place = tmp_path_factory.mktemp("proxied")
    with stores_of("postgres") as stores:
        url = stores.cluster.create(f"proxied{os.getpid()}", template="panah_template")
    own = {"PANAH_DATABASE": url, "PANAH_REDIS_URL": "", "PANAH_KEY_FILE": str(place / "keys/panah.key")}
    settings = example() | own | {"PANAH_METRICS_TOKEN": METRICS}
    del settings["PANAH_VAR"]
    made = [Part(place / "var", role, **settings) for role in ("console", "door", "door")]
    try:
        made[0].start()
        for door in made[1:]:
            door.start()
        yield made
    finally:
        for part in made:
            if part.process is not None and part.process.poll() is None:
                part.process.send_signal(signal.SIGCONT)
                part.stop()


@pytest.fixture(scope="module")
def nginx(parts, tmp_path_factory):
    places = dict(zip(("8124", "8131", "8132"), (str(part.port) for part in parts), strict=True))
    proxy = Nginx(tmp_path_factory.mktemp("nginx"), upstreams="upstreams.conf", places=places).start()
    yield proxy
    assert 0 == proxy.stop()


@pytest.fixture(scope="module")
def site(parts):
    return Site(parts[0])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mina(site, nginx):
    """Make the first account by the link as it was printed; her role asks for a second code."""
    async with nginx.browser(CONSOLE) as session:
        desk = Desk(site)
        desk._session = session
        await desk.open_account()
        await desk.post("/second/begin")
        secret = re.search(r'<code class="code secret">([\w ]+)</code>', desk.page)[1].replace(" ", "")
        await desk.post("/second/confirm", code=pyotp.TOTP(secret).now())
        desk.recovery = re.findall(r"<li><code>([\w-]+)</code></li>", desk.page)
        await desk.begin_shift()
        yield desk


@pytest_asyncio.fixture(loop_scope="module")
async def she(site, nginx):
    visitor = Visitor(site)
    async with nginx.browser(CHAT) as visitor._session:
        yield visitor


async def test_a_cry_is_answered_taken_and_heard_of_over_an_open_stream(she, mina, site):
    assert site.first_link.startswith(f"https://{CONSOLE}/first/")
    async with mina._session.get(f"{site.console}/stream") as stream:
        assert "event: ready" in await heard(stream, "ready")
        page = await she.say(CRY)
        assert [] == [number for number in NUMBERS if number not in page]
        case = await heard(stream, "case")
    case_id = await mina.take()
    assert case_id in case
    assert CRY in await mina.read(case_id)
    await mina.write(case_id, ANSWER, "a" * 32)

    assert ANSWER in await she.say("بله")


async def heard(stream, kind):
    """Read the open stream until this event has come whole; give all that came."""
    pieces = b""
    async with asyncio.timeout(60):
        async for piece in stream.content.iter_any():
            pieces += piece
            if re.search(rf"event: {kind}\n.*?\n\n".encode(), pieces, re.DOTALL):
                return pieces.decode()
    raise AssertionError(pieces)


async def test_a_colleague_comes_in_by_a_printed_link_and_signs_in_with_cookies_of_this_host_alone(site, nginx, mina):
    made = await asyncio.to_thread(site.command, "staff", "add", "sara", "--role", "counsellor")
    link = made.stdout.strip()
    assert link.startswith(f"{site.console}/invite/"), made.stderr
    async with nginx.browser(CONSOLE) as session:
        sara = Desk(site)
        sara._session = session
        await sara.get(link)
        await sara.post(link.removeprefix(site.console), password=PASSWORD, again=PASSWORD)
        form = {"csrf": csrf_of(sara.page), "username": "sara", "password": PASSWORD, "next": "/"}
        async with session.post(f"{site.console}/login", data=form, allow_redirects=False) as answer:
            assert (303, "/") == (answer.status, answer.headers["Location"])
            given = answer.headers.getall("Set-Cookie")
        assert "صف" in await sara.get("/")
    assert {"__Host-panah-staff", "__Host-panah-device"} <= {cookie.split("=")[0] for cookie in given}
    for cookie in given:
        assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
        assert "domain" not in cookie.lower()


async def test_who_is_first_signs_in_again_with_her_second_code(site, nginx, mina):
    async with nginx.browser(CONSOLE) as session:
        again = Desk(site)
        again._session = session
        await again.get("/login")
        assert "/login/code" == await again.post("/login", username="mina", password=PASSWORD, next="/")
        assert "/" == await again.post("/login/code", code=mina.recovery[0], next="/")


def csrf_of(page):
    return re.search(r'<meta name="csrf" content="([^"]+)"', page)[1]


async def test_a_form_of_another_site_is_refused_at_both_names(site, nginx, she):
    await she.say("سلام")
    async with nginx.browser(CONSOLE) as session:
        async with session.get(f"{site.console}/login") as answer:
            csrf = csrf_of(await answer.text())
        form = {"csrf": csrf, "username": "mina", "password": PASSWORD, "next": "/"}
        for where, session_there, fields in ((site.console + "/login", session, form), (site.web, she._session, {})):
            elsewhere = {"Origin": "https://elsewhere.example"}
            async with session_there.post(where, data=fields, headers=elsewhere) as answer:
                assert answer.status == 403, where


async def test_a_console_on_another_port_takes_its_own_forms(nginx, mina):
    address = f"https://{CONSOLE}:{nginx.https}"
    async with nginx.browser(CONSOLE, Origin=address) as session:
        async with session.get(f"{address}/login") as answer:
            csrf = csrf_of(await answer.text())
        form = {"csrf": csrf, "username": "mina", "password": PASSWORD, "next": "/"}
        async with session.post(f"{address}/login", data=form, allow_redirects=False) as answer:
            assert (303, "/login/code?next=/") == (answer.status, answer.headers["Location"])


@pytest.mark.parametrize("name", [CHAT, CONSOLE])
async def test_every_answer_is_bare_of_versions_whole_and_bound_to_tls(nginx, parts, name):
    async with nginx.browser(name, **{"Accept-Encoding": "gzip"}) as session:
        async with session.get(f"https://{name}/readyz") as answer:
            assert (200, "nginx") == (answer.status, answer.headers["Server"])
        async with session.get(f"https://{name}/{'login' if name == CONSOLE else ''}") as answer:
            said = answer.headers
            assert answer.status == 200
            assert "Content-Encoding" not in said
            assert "max-age=31536000" == said["Strict-Transport-Security"]
            assert "default-src 'self'" in said["Content-Security-Policy"]
            assert "no-store" == said["Cache-Control"]
        async with session.get(f"http://{name}/a?b=c", allow_redirects=False) as answer:
            assert (308, f"https://{name}/a?b=c") == (answer.status, answer.headers["Location"])
        async with session.post(f"https://{name}/login", data=io.BytesIO(b"a" * 1_100_000)) as answer:
            assert answer.status == 413


async def test_numbers_of_the_service_are_told_inside_only(nginx, parts, site):
    token = {"Authorization": f"Bearer {METRICS}"}
    inside = urllib.request.Request(f"{parts[0].console}/metrics", headers=token)
    with await asyncio.to_thread(urllib.request.urlopen, inside, timeout=30) as answer:
        assert b"panah_alarm" in answer.read()
    async with nginx.browser(CONSOLE, **token) as session, session.get(f"{site.console}/metrics") as answer:
        assert answer.status == 404


async def test_limits_by_address_count_who_really_asks(nginx, site):
    async def tried(session, number):
        async with session.get(f"{site.console}/login") as answer:
            csrf = csrf_of(await answer.text())
        form = {"csrf": csrf, "username": f"nobody{number}", "password": PASSWORD, "next": "/"}
        forged = {"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}"}
        async with session.post(f"{site.console}/login", data=form, headers=forged) as answer:
            return answer.status

    async with nginx.browser(CONSOLE, address="127.0.0.2") as guesser:
        statuses = [await tried(guesser, number) for number in range(1, 26)]
    async with nginx.browser(CONSOLE, address="127.0.0.3") as other:
        elsewhere = await tried(other, 99)

    assert [429] == statuses[24:]
    assert 429 not in {*statuses[:24], elsewhere}


async def test_a_long_message_is_not_written_to_a_file_on_its_way(nginx, she):
    (nginx.directory / "body").rmdir()  # nginx could only fail now
    page = await she.say("ه" * 4000 + CRY)

    assert [] == [number for number in NUMBERS if number not in page]


async def test_a_message_that_a_door_dies_over_is_answered_by_the_other(nginx, site, parts):
    """Each of four people writes once; the door that stands still holds at least one of them when it is killed."""
    _, door, other = parts
    people = [Visitor(site) for _ in range(4)]
    for one in people:
        one._session = nginx.browser(CHAT)
    door.process.send_signal(signal.SIGSTOP)
    try:
        sent = [asyncio.ensure_future(one.say(CRY)) for one in people]
        await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
        door.kill()
        pages = await asyncio.gather(*sent)
        after = [await one.say("هنوز اینجاست") for one in people]
    finally:
        for one in people:
            await one._session.close()

    assert [] == [page for page in (*pages, *after) if "123" not in page]
    assert [1] * len(people) == [page.count(CRY) for page in after]
    assert other.process.poll() is None


async def test_without_a_door_the_numbers_are_there_and_the_way_out_and_the_page_comes_back_by_itself(
    nginx, site, parts, she
):
    for door in parts[1:]:
        if door.process.poll() is None:
            door.kill()
    status, page = await she.post({"t": CRY, "n": "m" * 32})
    assert (503, []) == (status, [number for number in NUMBERS if number not in page])
    async with she._session.get(f"{site.web}/leave", allow_redirects=False) as answer:
        assert (303, EXITS[0]) == (answer.status, answer.headers["Location"])
    await asyncio.to_thread(parts[1].start)
    async with asyncio.timeout(60):
        while (await she.post({"t": CRY, "n": "m" * 32}))[0] == 503:  # noqa: ASYNC110 - as she would
            await asyncio.sleep(0.05)


async def test_nobody_who_wrote_is_in_a_log_of_the_proxy(nginx, she, site):
    async with she._session.get(f"{site.web}/words-in-an-address") as answer:
        assert answer.status == 404

    logs = {path.name: path.read_text(encoding="utf-8") for path in nginx.directory.glob("*.log")}
    assert {"access.log", "error.log", "panah.log"} == set(logs)
    assert ["", ""] == [logs["access.log"], logs["panah.log"]]
    assert not [line for line in logs["error.log"].splitlines() if "request:" in line or "words-in" in line]
