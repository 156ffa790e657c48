"""YAML made to hurt: bombs of aliases, tags, depth, size. Refused by the checker, the editor and the alert policy."""

import pytest

from bot.cli import main
from bot.engine.loader import load_flow
from escalation.watch_policy import PolicyError, load_policy

HEAD = "flow: a\ntitle: t\nowner: o\n"
#: Each level has the one before nine times: 9 to the power of 9 words from 500 letters.
LAUGHS = "a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMBS = {
    "laughs": LAUGHS,
    "laughs in steps": HEAD + "steps:\n- say: a\n  text: &t سلام\n- say: b\n  text: *t\n",
    "itself": "a: &a [*a]",
    "merge": HEAD + "<<: {steps: []}",
    "python": HEAD + "steps: !!python/object/apply:os.system [id]",
    "binary": HEAD + "steps: !!binary aGk=",
    "own tag": "%TAG ! tag:example.com,2026:\n---\n" + HEAD + "steps: !x []",
    "lists": "[" * 3000 + "]" * 3000,
    "maps": "{a: " * 3000,
    "block": "".join(f"{' ' * at}a:\n" for at in range(400)),
    "dashes": "- " * 5000 + "x",
    "wide": HEAD + "steps: [" + "x," * 60_000 + "]",
    "long": HEAD + "x: " + "y" * 1_000_001,
    "keys": "".join(f"k{at}: v\n" for at in range(30_000)),
    "key": "? " + "k" * 70_000 + "\n: v",
    "two": "a: b\n---\nc: d",
    "control": "a: \x00",
}


@pytest.mark.parametrize("name", BOMBS)
def test_the_checker_names_a_place_and_builds_nothing(name):
    _, issues = load_flow(BOMBS[name], "f.yaml")

    assert issues
    assert all(issue.file == "f.yaml" for issue in issues)


@pytest.mark.parametrize("name", ["laughs", "itself", "python", "maps", "control"])
def test_the_alert_policy_is_refused_with_a_place(name, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(BOMBS[name], encoding="utf-8")
    with pytest.raises(PolicyError) as refused:
        load_policy(path)

    assert "policy.yaml:" in str(refused.value)


def test_a_policy_of_a_million_letters_is_not_even_read_as_yaml(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("x: " + "y" * 1_000_000, encoding="utf-8")
    with pytest.raises(PolicyError, match="is larger than"):
        load_policy(path)


def test_flows_check_says_so_and_ends(tmp_path, capsys):
    for number, bomb in enumerate(BOMBS.values()):
        (tmp_path / f"b{number}.yaml").write_bytes(bomb.encode("utf-8", "surrogatepass"))

    assert main(["flows", "check", str(tmp_path)]) in {1, 2}
    said = "".join(capsys.readouterr())
    assert all(f"b{number}.yaml" in said for number in range(len(BOMBS)))
    assert "Traceback" not in said
