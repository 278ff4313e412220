"""What must be nowhere in the repository: pickles, secrets, packages of unknown content."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

TRACKED = subprocess.run(
    ["git", "ls-files", "-co", "--exclude-standard", "-z"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split("\0")
FILES = [ROOT / name for name in TRACKED if name and (ROOT / name).is_file()]
MODULES = [path for path in FILES if path.suffix == ".py"]

# Beside the modules that ruff bans: arguments by which a library runs what a file says.
UNSAFE = re.compile(
    r"allow_pickle\s*=\s*(?!False)|(safe_mode|weights_only)\s*=\s*(?!True)|"
    r"YAML\(.*typ\s*=\s*(?!.rt|.safe)|enable_unsafe_deserialization"
)


@pytest.mark.parametrize(
    "source",
    [
        *("import pickle", "import pickle as p", "from pickle import loads", "import dill.source"),
        *("from joblib import load", "import shelve", "import marshal", "import cloudpickle"),
        *("import yaml; yaml.load(path, yaml.FullLoader)", "from yaml import unsafe_load"),
        *("import torch; torch.load(path)", "import pandas as pd; pd.read_pickle(path)"),
        *("np.load(path, allow_pickle=True)", "np.load(path, allow_pickle=maybe)"),
        "YAML(typ='unsafe')",
        "keras.saving.load_model(path, safe_mode=False)",
        "keras.config.enable_unsafe_deserialization()",
    ],
)
def test_code_that_would_run_what_a_file_says_is_found(source, tmp_path):
    (tmp_path / "module.py").write_text(source + "\n")
    command = [sys.executable, "-m", "ruff", "check", "--config", f"{ROOT}/pyproject.toml"]
    command += ["--select", "S,TID251", str(tmp_path)]
    found = subprocess.run(command, capture_output=True, check=False).returncode
    assert found or UNSAFE.search(source)


def test_no_module_would_run_what_a_file_says():
    """`make check` runs ruff; this finds the rest."""
    assert len(MODULES) > 60
    here = Path(__file__).name
    assert [path for path in MODULES if path.name != here and UNSAFE.search(path.read_text())] == []


def test_no_tracked_file_is_a_pickle():
    names = re.compile(r"\.(pkl|pickle|joblib|pt|pth|ckpt|keras|h5|npz)$")
    assert [path for path in FILES if names.search(path.name)] == []
    # What every pickle since protocol 2 begins and ends with.
    assert [
        path for path in FILES if re.match(rb"\x80[\x02-\x05].*\.$", path.read_bytes(), re.DOTALL)
    ] == []


SECRETS = {
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "AWS key": r"\b(AKIA|ASIA|AGPA|AROA)[0-9A-Z]{16}\b",
    "AWS secret": r"(?i)aws.{0,20}(secret|key).{0,20}['\"=: ][0-9a-z/+]{40}\b",
    "S3 secret": r"(?i)(secret_access_key|session_token)['\"]?\s*[=:]\s*['\"]?[0-9a-z/+]{16,}",
    "GitHub token": r"\b(gh[pousr]_[0-9A-Za-z]{36,}|github_pat_\w{22,})",
    "GitLab token": r"\bglpat-[\w-]{20,}",
    "npm token": r"\bnpm_[0-9A-Za-z]{36}\b|_authToken\s*=",
    "PyPI token": r"\bpypi-[\w-]{50,}",
    "Slack token": r"\bxox[abpors]-[\w-]{10,}",
    "Google key": r"\bAIza[\w-]{35}\b",
    "Hugging Face token": r"\bhf_[A-Za-z]{34}\b",
    "web token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "password in a URL": r"\b[a-z][a-z0-9+.-]*://[^\s/:@'\"`{}]+:[^\s/@'\"`{}]+@",
    "password": r"(?i)\b(password|passwd|secret|api_?key|token)\b['\"]?\s*[=:]\s*['\"][^'\"\s]{8,}",
}


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        # In parts, so that this file holds none.
        ("private key", ("-----BEGIN RSA ", "PRIVATE KEY-----")),
        ("AWS key", ("AKIA", "ABCDEFGHIJKLMNOP")),
        ("AWS secret", ("aws_secret_access_key = ", "a1" * 20)),
        ("S3 secret", ("session_", "token = ", "aB3" * 8)),
        ("GitHub token", ("ghp_", "a" * 36)),
        ("npm token", ("//host/:_auth", "Token=abc")),
        ("password in a URL", ("https://me:", "hidden@host/path")),
        ("password", ("pass", "word: 'abcdefgh'")),
    ],
)
def test_a_secret_is_found(kind, parts):
    assert re.search(SECRETS[kind], "".join(parts))


def test_no_tracked_file_holds_a_secret():
    found = [
        f"{path.relative_to(ROOT)}: {kind}"
        for path in FILES
        for kind, pattern in SECRETS.items()
        if re.search(pattern, path.read_bytes().decode("latin-1"))
    ]
    assert found == []


def test_the_configuration_of_dvc_holds_no_credentials():
    assert ".dvc/config.local" not in TRACKED
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / ".dvc/config")
    secret = re.compile(r"password|secret|token|key|credential|user|session|auth", re.IGNORECASE)
    options = [option for section in config.values() for option in section]
    assert "analytics" in options
    assert [option for option in options if secret.search(option)] == []


def commands() -> list[tuple[str, str]]:
    """Every line that installs packages, continued lines joined, with its file."""
    places = [ROOT / "Makefile", *(path for path in FILES if path.parent.name == ".ci")]
    places += [path for path in FILES if path.suffix in (".yml", ".yaml", ".sh", ".cfg", ".toml")]
    found = []
    for path in dict.fromkeys(places):
        for line in path.read_text("utf-8").replace("\\\n", " ").splitlines():
            if re.search(r"\bpip3?['\", ]+install\b|\buv sync\b|\buv add\b|\bpipx\b", line):
                found.append((path.relative_to(ROOT).as_posix(), line.strip()))
    return found


def test_every_installation_demands_hashes():
    found = commands()
    assert "Makefile" in [name for name, _ in found]
    # The project itself, with what is there already, fetches nothing.
    harmless = re.compile(r"--require-hashes|--no-deps --no-build-isolation -e \.$")
    assert [entry for entry in found if not harmless.search(entry[1])] == []


LOCKS = {"requirements.txt": 50, "requirements-ray.txt": 10}


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_has_hashes_and_no_other_source(name):
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
    assert len(lines) > LOCKS[name]
    bare = r"[\w.\[\]-]+==[\w.+!-]+( *;[^#]*?)?( +--hash=sha256:[0-9a-f]{64})+\s*"
    assert [line for line in lines if not re.fullmatch(bare, line)] == []


def test_the_lock_of_ray_moves_no_other_package():
    whole, added = (
        dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        for name in LOCKS
    )
    assert "ray" in added.keys() - whole.keys()
    assert {name: added[name] for name in added if name in whole}.items() <= whole.items()
