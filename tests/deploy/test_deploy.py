"""What the files of deploy/ name exists: verbs, roles, settings, ports, services, metrics; what is needed is set."""

import json
import re
import shlex
import shutil
import subprocess
from configparser import RawConfigParser
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from system.proxy import STOCK, Nginx

from bot.cli import _parser as parser_of_the_cli
from bot.commands.doctor_settings import check_settings
from bot.commands.roles import ROLES
from bot.health.metrics import KNOWN
from bot.service import server
from bot.settings import read_settings, ways_configured

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*.service"))
COMPOSE = YAML(typ="safe").load(DEPLOY / "compose.yaml")
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "panah"}
EVERY_ROLE = {*ROLES, "staffbot", "watch"}
_DOORS = ("server 127.0.0.1:8131 fail_timeout=1s;", "server 127.0.0.1:8132 fail_timeout=1s;")
_FOREIGN = {"FORWARDED_ALLOW_IPS"}


def env_file(name):
    lines = (DEPLOY / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def service_of(unit):
    """Give the [Service] part; in a unit a name stands once here."""
    read = RawConfigParser(strict=True)
    read.optionxform = str
    read.read_string(unit.read_text(encoding="utf-8"))
    return read["Service"]


def environment_of(service):
    given = env_file("staffbot.env.example" if service["env_file"] == "staffbot.env" else "panah.env.example")
    given |= {key: str(value) for key, value in service["environment"].items() if key not in _FOREIGN}
    return {key: re.sub(r"\$\{\w+:\?[^}]*\}", "secret", value) for key, value in given.items()}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_verb_that_is_there_and_is_shut_in(unit):
    service = service_of(unit)
    program, _, arguments = service["ExecStart"].partition("/opt/panah/.venv/bin/panah ")

    parser_of_the_cli().parse_args(shlex.split(arguments))
    read_settings(dict(part.replace("%i", "1").split("=", 1) for part in program.split() if "=" in part))
    assert (service["NoNewPrivileges"], service["ProtectSystem"], service["LimitCORE"]) == ("yes", "strict", "0")
    assert service["Restart"] == "always"
    assert service["MemoryMax"][-1] in "MG"
    assert service["CapabilityBoundingSet"] == ""
    read_settings(dict.fromkeys(service.get("UnsetEnvironment", "").split(), ""))


def test_there_is_a_unit_and_a_service_for_every_role_and_a_unit_for_all_at_once():
    commands = [service_of(unit)["ExecStart"] for unit in UNITS]

    assert {found[1] for command in commands if (found := re.search(r"--role (\w+)", command))} == EVERY_ROLE
    assert any(command.endswith("/panah run") for command in commands)
    assert {service["command"][-1] for service in OURS.values()} == EVERY_ROLE
    assert len([service for service in OURS.values() if service["command"][-1] == "door"]) == 2


def test_a_unit_and_a_service_of_one_role_run_the_same_words():
    words = {}
    for unit in UNITS:
        asked = shlex.split(service_of(unit)["ExecStart"].partition("/opt/panah/.venv/bin/panah ")[2])
        words[asked[-1]] = asked

    assert ["run"] == words.pop("run")
    assert {service["command"][-1]: service["command"] for service in OURS.values()} == words


def test_systemd_itself_has_nothing_to_say_of_the_units_where_it_is_there(tmp_path):
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/panah/.venv/bin/panah", "/bin/true")
        (tmp_path / unit.name.replace("@.", "@1.")).write_text(text, encoding="utf-8")
    program = shutil.which("systemd-analyze")
    if program is None:  # a machine without systemd: what it would read was read above
        return
    said = subprocess.run([program, "verify", *sorted(tmp_path.iterdir())], capture_output=True, text=True, check=False)

    assert [] == [line for line in said.stderr.splitlines() if str(tmp_path) in line]


def test_what_holds_no_key_is_not_given_one():
    for name in ("panah-staffbot", "panah-watch"):
        service = service_of(DEPLOY / f"systemd/{name}.service")
        assert service["InaccessiblePaths"] == "/srv/panah-keys"
        assert "PANAH_KEY_FILE" in service["UnsetEnvironment"]
    assert [name for name in ("staffbot", "watch") if any("keys:" in mount for mount in OURS[name]["volumes"])] == []
    assert set(environment_of(OURS["staffbot"])) == {"PANAH_STAFFBOT_TOKEN", "PANAH_VAR"}


def test_the_example_of_settings_is_one_that_the_doctor_accepts():
    settings = read_settings(env_file("panah.env.example"))
    found = [finding for finding in check_settings(settings) if finding.name == "configuration"]

    assert [finding.state for finding in found] == ["ok"]
    assert settings.database_url
    assert settings.redis_url
    assert settings.base_url
    assert ways_configured(settings)


@pytest.mark.parametrize("name", OURS)
def test_a_service_has_the_settings_its_role_needs(name):
    service = OURS[name]
    parser_of_the_cli().parse_args(service["command"])
    settings = read_settings(environment_of(service))

    assert str(settings.var) == "/var/lib/panah"
    assert any(mount == "var:/var/lib/panah" for mount in service["volumes"])
    if service["command"][-1] != "staffbot":
        assert "@postgres:5432/" in settings.database_url
        assert "//redis:" in settings.redis_url
    if service["command"][-1] in {"door", "console"}:
        assert settings.behind_tls
        assert (settings.web_host, settings.console_host) == ("0.0.0.0", "0.0.0.0")
        proxy = COMPOSE["services"]["proxy"]["networks"]["inside"]["ipv4_address"]
        assert service["environment"]["FORWARDED_ALLOW_IPS"] == proxy
    assert (service["read_only"], service["ulimits"]["core"], service["cap_drop"]) == (True, 0, ["ALL"])


def test_every_service_waits_for_and_mounts_what_there_is():
    for service in COMPOSE["services"].values():
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"])
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert source in COMPOSE["volumes"] or source == "./tls" or (DEPLOY / source).exists(), mount


def test_the_proxy_reaches_every_door_and_the_console_and_holds_nothing_back():
    proxy = (DEPLOY / "nginx/panah.conf").read_text(encoding="utf-8")
    units = (DEPLOY / "nginx/upstreams.conf").read_text(encoding="utf-8")
    composed = (DEPLOY / "nginx/upstreams-compose.conf").read_text(encoding="utf-8")
    door = re.search(r"PANAH_WEB_PORT=(\S+) ", service_of(DEPLOY / "systemd/panah-door@.service")["ExecStart"])

    assert "proxy_buffering off;" in proxy
    assert proxy.count("access_log off;") == 3
    assert "X-Forwarded-For $remote_addr;" in proxy
    assert set(re.findall(r"proxy_pass http://(\w+);", proxy)) == {"panah_doors", "panah_console"}
    for text in (proxy, units, composed):
        assert text.count("{") == text.count("}")
    assert re.findall(r"server 127\.0\.0\.1:(\d+)\b", units) == [door[1].replace("%i", one) for one in "12"] + [
        str(read_settings({}).console_port)
    ]
    assert re.findall(r"server ([\w-]+):(\d+)\b", composed) == [
        ("door-1", "8123"),
        ("door-2", "8123"),
        ("console", "8124"),
    ]


@pytest.mark.parametrize("stock", STOCK)
@pytest.mark.parametrize(
    ("upstreams", "places"),
    [
        ("upstreams.conf", {}),
        ("upstreams.conf", {f"{_DOORS[0]}\n    {_DOORS[1]}": "server 127.0.0.1:8123;"}),
        ("upstreams-compose.conf", {"door-1:": "127.0.0.1:", "door-2:": "127.0.0.2:", "console:": "127.0.0.1:"}),
    ],
)
def test_nginx_takes_the_files_beside_what_debian_and_the_image_set_themselves(tmp_path, stock, upstreams, places):
    checked = Nginx(tmp_path, upstreams=upstreams, places=places, stock=stock).check()

    assert checked.returncode == 0, checked.stderr
    assert [] == [line for line in checked.stderr.splitlines() if "[warn]" in line and '"user" directive' not in line]


def test_the_proxy_leaves_an_idle_connection_before_the_service_does():
    keeps = server(lambda: None).config.timeout_keep_alive
    for name in ("upstreams.conf", "upstreams-compose.conf"):
        idle = re.findall(r"keepalive_timeout (\d+)s;", (DEPLOY / "nginx" / name).read_text(encoding="utf-8"))

        assert [True, True] == [0 < int(one) < keeps for one in idle], name


def test_every_fixed_address_of_the_compose_file_is_one_that_nobody_else_is_given():
    network = COMPOSE["networks"]["inside"]["ipam"]["config"][0]
    fixed = [
        ip_address(service["networks"]["inside"]["ipv4_address"])
        for service in COMPOSE["services"].values()
        if isinstance(service["networks"], dict)
    ]

    assert len({*fixed, ip_address(network["gateway"])}) == 5
    assert all(one in ip_network(network["subnet"]) and one not in ip_network(network["ip_range"]) for one in fixed)


def test_the_dashboard_shows_every_number_that_is_told_and_no_other():
    board = json.loads((DEPLOY / "grafana.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]

    assert set(re.findall(r"panah_\w+", " ".join(asked))) == set(KNOWN)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert [panel["title"] for panel in board["panels"] if not panel["title"]] == []


def test_the_image_is_built_from_wheels_alone_and_takes_no_data_with_it():
    image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    left_out = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()

    assert "--network=none" in image
    assert re.search(r"^USER panah$", image, re.MULTILINE)
    assert {".git", ".venv", "var"} <= set(left_out)
    assert "://" not in image
