"""Files to deploy with, as far as they can be looked at without what reads them.

There is no container runtime, no Helm and no cluster here: docs/high-availability.md says so. What
is looked at is their form, that they agree with each other, and that what they call exists.
"""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from templates import render
from tests.test_docs import command_of

from tansiq.settings import load_settings
from tansiq.storage.postgres_hosts import hosts_of

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "tansiq"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
CALLED = re.compile(r"(?:/bin/tansiq|^ *tansiq|-- tansiq|run --rm node) (\w.*)$", re.MULTILINE)
UNITS = sorted(DEPLOY.glob("systemd/*"))


def text_of(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def loaded(name: str) -> Any:
    return yaml.safe_load(text_of(name))


def uncommented(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


# All


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_file_is_named_by_a_page(path: Path) -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in ROOT.glob("docs/*.md"))
    name = path.relative_to(ROOT).as_posix()
    folder = path.parent.relative_to(ROOT).as_posix()
    assert name in pages or f"{folder}/" in pages or "deploy/helm/tansiq" in name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_no_password_is_one(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        found = re.match(r"\s*\w*PASSWORD\w*\s*[=:]\s*(\S.*)", line)
        if found is not None and path.suffix != ".sh":
            assert found[1].startswith(("change-me", "${")), line


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_commands_of_ours_exist_with_their_options(path: Path) -> None:
    if path.suffix in (".json", ".yml") or path.name == "Containerfile":
        return
    joined = re.sub(r"\\\n[# ]*", "", path.read_text(encoding="utf-8"))
    for line in CALLED.findall(joined):
        command, rest = command_of(["tansiq", *line.split("`")[0].split()])
        known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
        used = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert used <= known, f"{line}: {sorted(used - known)}"


def test_calls_of_ours_are_found_where_they_are() -> None:
    calls = [line for path in FILES for line in CALLED.findall(path.read_text(encoding="utf-8"))]
    named = {line.split()[0] for line in calls}
    assert {"serve", "init", "backup", "doctor", "plan"} <= named


# Containers


@pytest.mark.parametrize("name", ["Containerfile", "patroni/Containerfile"])
def test_an_image_is_made_of_what_is_there_and_runs_as_nobody(name: str) -> None:
    text = uncommented(text_of(name)).replace("\\\n", " ")
    context = ROOT if name == "Containerfile" else DEPLOY / "patroni"
    steps = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    assert steps[0][0] == "FROM"
    for word, rest in steps:
        if word == "COPY" and not rest.startswith("--from="):
            for source in rest.split()[:-1]:
                assert (context / source).exists(), source
    user = [rest for word, rest in steps if word == "USER"][-1]
    assert user not in ("root", "0")
    assert not [rest for word, rest in steps if word == "ADD"]
    stages = {rest.split()[-1] for word, rest in steps if word == "FROM" and " AS " in rest}
    assert set(re.findall(r"--from=(\w+)", text)) <= stages


def test_the_wheel_of_the_image_has_all_that_its_build_reads() -> None:
    """What pyproject.toml names for a wheel is copied into the image's build."""
    copied = " ".join(re.findall(r"^COPY (?!--from)(.*) \S+$", text_of("Containerfile"), re.M))
    for needed in ("pyproject.toml", "build_console.py", "README.md", "LICENSE", "NOTICE", "src"):
        assert needed in copied.split()
    extras = re.search(r"\[([\w,]+)\]", text_of("Containerfile").split("/wheels/")[-1])
    assert extras is not None
    declared = (ROOT / "pyproject.toml").read_text().split("[project.optional-dependencies]")[1]
    assert set(extras[1].split(",")) <= set(re.findall(r"^(\w+) = \[", declared, re.M))


def test_the_compose_file_is_one_whole() -> None:
    compose = loaded("compose.yaml")
    services = compose["services"]
    assert set(services) == {"etcd", "db1", "db2", "db3", "node"}
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= set(services), name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source.startswith("./") or source in compose["volumes"], volume
        if (build := service.get("build")) is not None:
            assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
    names = {services[f"db{n}"]["environment"]["PATRONI_NAME"] for n in (1, 2, 3)}
    assert names == {"db1", "db2", "db3"}
    asked = set(re.findall(r"\$\{(\w+)", text_of("compose.yaml")))
    given = set(re.findall(r"^(\w+)=", text_of("compose.env.example"), re.M))
    assert asked == given
    node = services["node"]
    assert node["read_only"] is True
    assert node["cap_drop"] == ["ALL"]
    (url,) = re.findall(r'database = "(postgresql://[^"]+)"', text_of("compose.yaml"))
    assert [re.search(r"@(\w+)/", each)[1] for each in hosts_of(url)] == ["db1", "db2", "db3"]  # type: ignore[index]


def test_what_patroni_is_told_is_the_same_everywhere() -> None:
    example = set(re.findall(r"^(\w+)=", text_of("patroni/patroni.env.example"), re.M))
    for name in ("db1", "db2", "db3"):
        assert set(loaded("compose.yaml")["services"][name]["environment"]) == example
    patroni = loaded("patroni/patroni.yml")
    dcs = patroni["bootstrap"]["dcs"]
    assert dcs["ttl"] >= dcs["loop_wait"] + 2 * dcs["retry_timeout"]
    assert dcs["retry_timeout"] >= 5
    assert dcs["synchronous_mode"] is True
    assert dcs["synchronous_mode_strict"] is True
    assert "fsync" not in str(patroni)
    script = text_of("patroni/make_database.sh")
    assert set(re.findall(r"\$\{(\w+):\?", script)) <= example
    assert os.access(DEPLOY / "patroni" / "make_database.sh", os.X_OK)
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


# systemd


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_is_one_and_says_only_what_the_node_does(path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(path.read_text(encoding="utf-8"))
    if path.suffix == ".timer":
        assert (DEPLOY / "systemd" / f"{path.stem}.service").is_file()
        return
    service = unit["Service"]
    assert service["Type"] in ("exec", "oneshot"), "the node notifies nobody"
    assert service["User"] == "tansiq"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"


def test_systemd_knows_every_line_of_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.fail("needs systemd-analyze: sudo apt-get install systemd, which `make test` tries")
    program = tmp_path / "tansiq"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace(
            "/opt/tansiq/.venv/bin/tansiq", str(program)
        )
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / path.name) for path in UNITS)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )
    ours = [line for line in done.stderr.splitlines() if "tansiq" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


# Helm


def rendered(**changed: Any) -> dict[str, Any]:
    values = loaded("helm/tansiq/values.yaml") | changed
    found = {}
    for path in sorted(CHART.glob("templates/*.yaml")):
        document = yaml.safe_load(render(path.read_text(encoding="utf-8"), values, "north"))
        found[document["kind"]] = document
    return found


def test_the_chart_is_one_whole() -> None:
    chart = loaded("helm/tansiq/Chart.yaml")
    assert (chart["apiVersion"], chart["name"]) == ("v2", "tansiq")
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version is not None
    assert chart["appVersion"] == loaded("helm/tansiq/values.yaml")["image"]["tag"] == version[1]
    found = rendered()
    assert set(found) == {"Deployment", "Service", "PersistentVolumeClaim"}
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Service"]["spec"]["selector"] == labels
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Deployment"]["spec"]["replicas"] == 1
    pod = found["Deployment"]["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    claim = volumes["data"]["persistentVolumeClaim"]["claimName"]
    assert claim == found["PersistentVolumeClaim"]["metadata"]["name"]
    (node,) = pod["containers"]
    assert {mount["name"] for mount in node["volumeMounts"]} == set(volumes)
    ports = {port["name"] for port in node["ports"]}
    assert {port["targetPort"] for port in found["Service"]["spec"]["ports"]} <= ports
    assert node["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert "USER 10001" in text_of("Containerfile")
    assert pod["securityContext"]["runAsUser"] == 10_001
    secret = next(each for each in node["env"] if each["name"] == "PGPASSWORD")["valueFrom"]
    assert secret["secretKeyRef"] == {"name": "north-database", "key": "password"}
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(node)
    assert node["command"] == ["tansiq", "serve"]


def test_what_may_be_chosen_in_the_chart_is() -> None:
    quiet = rendered(maintenance=True)["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert quiet["command"] == ["sleep", "infinity"]
    assert "livenessProbe" not in quiet
    plain = rendered()["PersistentVolumeClaim"]["spec"]
    named = rendered(persistence={"size": "1Gi", "storageClass": "fast"})
    assert "storageClassName" not in plain
    assert named["PersistentVolumeClaim"]["spec"]["storageClassName"] == "fast"
    odd = rendered(name='North "1": {cell}')["Deployment"]["spec"]["template"]["spec"]
    value = next(each["value"] for each in odd["containers"][0]["env"] if each["name"] == "NAME")
    assert value == 'North "1": {cell}'


def test_notes_of_the_chart_render() -> None:
    values = loaded("helm/tansiq/values.yaml")
    assert "the node north" in render((CHART / "templates/NOTES.txt").read_text(), values, "north")


@pytest.mark.parametrize(
    "text", ["{{ .Values.nothing }}", "{{ include x }}", "{{ .Values.party | trunc }}"]
)
def test_what_the_small_renderer_does_not_know_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"not known here|not there"):
        render(text, {"party": "north"}, "north")


def test_the_first_start_of_the_chart_makes_a_node_that_names_its_database(tmp_path: Path) -> None:
    """The script of the init container, run by a shell of this machine, in another folder."""
    pod = rendered(name='North "1"')["Deployment"]["spec"]["template"]["spec"]
    (init,) = pod["initContainers"]
    (script,) = init["args"]
    script = script.replace("/var/lib/tansiq", str(tmp_path))
    given = {each["name"]: each["value"] for each in init["env"] if "value" in each}
    shim = tmp_path / "bin" / "tansiq"
    shim.parent.mkdir()
    shim.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from tansiq.cli.main import main; main()" "$@"\n'
    )
    shim.chmod(0o755)
    environment = {**os.environ, **given, "PATH": f"{shim.parent}:{os.environ['PATH']}"}
    for _ in range(2):  # The second time there is nothing to do.
        done = subprocess.run(
            [*init["command"], script], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    settings = load_settings(tmp_path / "north")
    assert settings.database == loaded("helm/tansiq/values.yaml")["database"]["url"]
    assert settings.peer_host == "0.0.0.0"
