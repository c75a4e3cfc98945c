"""compose.yaml and the examples of docs/container.md: they parse, and keep the promises that the Dockerfile makes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")


def block(kind: str, number: int = 0) -> str:
    blocks = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) > number, f"docs/container.md has too few blocks of {kind}"
    return str(blocks[number])


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


@pytest.mark.long
def test_compose_yaml_follows_the_compose_specification() -> None:
    # Its import builds grammars for two seconds, also in processes that run other tests.
    import check_jsonschema

    with pytest.raises(SystemExit) as ended:
        check_jsonschema.main(["--builtin-schema", "vendor.compose-spec", str(ROOT / "compose.yaml")])
    assert ended.value.code == 0


@pytest.mark.parametrize(
    ("name", "writable"),
    [
        ("wirewatch", ("volumes", "data:/data")),
        ("backup", ("volumes", "data:/data")),
        ("worker", ("tmpfs", "/data:uid=10001,gid=10001,mode=0700,size=64m")),
    ],
)
def test_a_composed_bot_is_confined_and_finds_its_configuration_and_a_place_to_write(
    name: str, writable: tuple[str, str]
) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["pids_limit"] == 256
    assert "./config:/config:ro" in service["volumes"]
    key, place = writable
    assert place in service[key]


def test_systemd_itself_takes_the_unit(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed")
    program = shutil.which("true")
    assert program
    # The program of the example is not on this machine.
    text = re.sub(r"/opt/wirewatch/bin/wirewatch", program, block("ini"))
    text = text.replace("ExecReload=kill", f"ExecReload={program}")
    (tmp_path / "wirewatch.service").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [tool, "verify", "--man=no", str(tmp_path / "wirewatch.service")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "wirewatch.service" in line]
    assert ours == []
