"""The Helm chart: its values are documented, and what it renders is as Kubernetes wants it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema_rs import Draft7Validator

from tests.config import folders

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "wirewatch"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


def test_every_value_is_in_the_schema() -> None:
    Draft7Validator(SCHEMA).validate(VALUES)
    assert set(VALUES) | {"global"} == set(SCHEMA["properties"])
    for name, shape in SCHEMA["properties"].items():
        if "properties" in shape and shape.get("additionalProperties") is False:
            assert set(VALUES[name]) == set(shape["properties"])


def test_a_misspelt_value_is_refused() -> None:
    assert list(Draft7Validator(SCHEMA).iter_errors({**VALUES, "replica": 2}))
    assert list(Draft7Validator(SCHEMA).iter_errors({**VALUES, "web": {"port": 80}}))


def test_the_configuration_of_the_values_has_no_problem(tmp_path: Path) -> None:
    files = VALUES["config"]
    folders.write(tmp_path, {"bot.yaml": files["bot"], "feeds.yaml": files["feeds"]})
    folders.write(tmp_path / "rules", files["rules"])
    assert folders.check(tmp_path, {"WEB_LISTEN": "127.0.0.1:8080"}) == ()


def test_the_templates_name_no_value_that_is_not_there() -> None:
    for file in (CHART / "templates").iterdir():
        for path in re.findall(r"\.Values\.([\w.]+)", file.read_text(encoding="utf-8")):
            value: Any = VALUES
            for name in path.split("."):
                assert name in value, f"{file.name}: {path}"
                value = value[name]


def rendered(**values: object) -> list[dict[str, Any]]:
    """Return what Helm renders with these values. Skips without Helm."""
    helm = os.environ.get("HELM") or shutil.which("helm")
    if helm is None:
        pytest.skip("helm is not installed")
    words = [f"--set-json={name.replace('__', '.')}={json.dumps(value)}" for name, value in values.items()]
    done = subprocess.run([helm, "template", "news", str(CHART), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


SETTINGS: list[dict[str, object]] = [
    {},
    {"existingSecret": "wirewatch", "web__service": True, "env": {"PER_HOST": "4"}},
    {"existingSecret": "wirewatch", "replicas": 3, "persistence__enabled": False},
    {"backup__enabled": True, "backup__existingClaim": "copies"},
    {"existingConfig": "mine", "existingRules": "rules", "persistence__existingClaim": "disk"},
]


@pytest.mark.long
@pytest.mark.parametrize("values", SETTINGS, ids=lambda values: ",".join(values) or "none")
def test_what_it_renders_is_as_kubernetes_wants_it(values: dict[str, object]) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    documents = rendered(**values)
    for document in documents:
        validate.validate(document, validate.latest_version(), strict=True)
    [pod] = [document["spec"]["template"]["spec"] for document in documents if document["kind"] == "Deployment"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    named = {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
    config_maps = {document["metadata"]["name"] for document in documents if document["kind"] == "ConfigMap"}
    assert config_maps == set() if "existingConfig" in values else named == config_maps


PROBES = {"startupProbe": "live", "livenessProbe": "live", "readinessProbe": "ready"}


def test_no_outage_of_the_database_restarts_a_pod() -> None:
    """Without Helm, check what each probe requests according to the template."""
    text = (CHART / "templates" / "deployment.yaml").read_text(encoding="utf-8")
    probes = re.findall(r'(\w+Probe):\n.*"what" "(\w+)"', text)
    assert dict(probes) == PROBES


def test_a_probe_needs_no_network_of_the_pod_unless_the_page_is_public() -> None:
    def probes(documents: list[dict[str, Any]]) -> dict[str, Any]:
        [deployment] = [document for document in documents if document["kind"] == "Deployment"]
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        return {name: container[name].get("exec") or container[name]["httpGet"] for name in PROBES}

    inside = probes(rendered())
    assert {name: probe["command"] for name, probe in inside.items()} == {
        name: ["healthy", "/config", what] for name, what in PROBES.items()
    }
    public = probes(rendered(web__service=True, existingSecret="x"))
    assert {name: probe["path"] for name, probe in public.items()} == {
        name: f"/healthz/{what}" for name, what in PROBES.items()
    }


def test_several_workers_have_a_disruption_budget_and_one_has_none() -> None:
    kinds = [document["kind"] for document in rendered()]
    assert "PodDisruptionBudget" not in kinds
    documents = rendered(existingSecret="x", replicas=3, persistence__enabled=False)
    [budget] = [document for document in documents if document["kind"] == "PodDisruptionBudget"]
    [deployment] = [document for document in documents if document["kind"] == "Deployment"]
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]


def test_a_backup_mounts_the_disk_of_the_bot_and_is_no_pod_of_the_bot() -> None:
    documents = rendered(backup__enabled=True, backup__existingClaim="copies")
    [job] = [document for document in documents if document["kind"] == "CronJob"]
    [deployment] = [document for document in documents if document["kind"] == "Deployment"]
    template = job["spec"]["jobTemplate"]["spec"]["template"]
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    assert volumes.pop("backups")["persistentVolumeClaim"] == {"claimName": "copies"}
    assert list(volumes.values()) == deployment["spec"]["template"]["spec"]["volumes"]
    selected = deployment["spec"]["selector"]["matchLabels"]
    assert not selected.items() <= template["metadata"]["labels"].items()
    [container] = template["spec"]["containers"]
    assert container["args"] == ["backup", "/backups", "--keep", "14", "--config", "/config"]


def test_prometheus_reads_the_metrics_with_the_token_of_the_secret() -> None:
    documents = rendered(
        web__service=True, existingSecret="mine", serviceMonitor__enabled=True, serviceMonitor__labels={"release": "x"}
    )
    [monitor] = [document for document in documents if document["kind"] == "ServiceMonitor"]
    [service] = [document for document in documents if document["kind"] == "Service"]
    assert monitor["metadata"]["labels"]["release"] == "x"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint["port"] == service["spec"]["ports"][0]["name"]
    assert endpoint["path"] == "/metrics"
    assert endpoint["authorization"]["credentials"] == {"name": "mine", "key": "WEB_TOKEN"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"replicas": 2}, "an SQLite file has one owner"),
        ({"web__service": True}, "needs a token"),
        ({"config__bot": "channels: {alerts: {kind: console}}"}, "add web:"),
        ({"serviceMonitor__enabled": True}, "through the service"),
        ({"backup__enabled": True}, "name the claim"),
        ({"backup__enabled": True, "persistence__enabled": False, "existingSecret": "x"}, "pg_dump"),
    ],
)
def test_what_could_not_run_is_refused_with_what_to_do(values: dict[str, object], reason: str) -> None:
    with pytest.raises(AssertionError, match=reason):
        rendered(**values)
