"""compose.yaml and the examples of docs/container.md: they parse, and keep the promises that the Dockerfile makes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


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
    service = COMPOSE["services"][name]
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
    [text] = re.findall(r"^```ini\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    # The program of the example is not on this machine.
    text = text.replace("/opt/wirewatch/bin/wirewatch", program)
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
