"""Begins a job on a bare node: a clone at the commit, an environment, then the job itself.

It travels with the job and needs Python 3.9 and git alone. What it makes is shared by all jobs of
the machine, made under a lock, and in place whole:

- `mirrors/`: the repository, fetched from over the network when it lacks a commit;
- `clones/`: the project at a commit, for the code of the job, until no job has used it for long;
- `environments/`: the locked requirements, a folder for each lock and Python;
- `uv/`: what uv keeps of packages; the environments have the same files, so it takes little space.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time

# A node on which nothing works must not take one job after another, each for a second.
HOLD = 20
READY = "ready"
UNUSED = 14 * 24 * 3600  # seconds after which a clone is removed


def main():
    parser = argparse.ArgumentParser()
    for name in ("git", "commit", "work", "environment"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--folder", default=".")
    parser.add_argument("job", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    work = os.path.expanduser(os.path.expandvars(asked.work))
    if "$" in work or not os.path.isabs(work):
        sys.exit(f"error: work: {asked.work} is {work} on this node; expected an absolute folder")
    begin = time.time()
    with locked(work, "mirrors"):
        clone = cloned(work, asked.git, asked.commit)
        hold(clone)
        clear(os.path.join(work, "clones"))
    root = os.path.join(clone, asked.folder)
    middle = time.time()
    python = environment(work, root) if asked.environment == "lock" else asked.environment
    seconds = {"clone": round(middle - begin, 2), "environment": round(time.time() - middle, 2)}
    os.environ["HARNESS_BOOTSTRAP"] = json.dumps(seconds)
    python = os.path.expanduser(os.path.expandvars(python))
    os.environ["PATH"] = os.path.dirname(python) + os.pathsep + os.environ.get("PATH", os.defpath)
    os.chdir(root)
    arguments = asked.job[1:] if asked.job[:1] == ["--"] else asked.job
    os.execv(python, [python, "-m", "harness", *arguments])  # noqa: S606


@contextlib.contextmanager
def locked(work, name):
    """Hold a lock of this machine; the system frees it when the process ends."""
    path = os.path.join(work, "locks", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cloned(work, url, commit):
    """The folder of a clone of `url` at `commit`."""
    name = digest(url)
    folder = os.path.join(work, "clones", f"{name}-{commit}")
    if os.path.isdir(folder):
        return folder
    mirror = os.path.join(work, "mirrors", f"{name}.git")
    if not os.path.isdir(mirror):
        whole(mirror, lambda partial: git("clone", "--quiet", "--bare", url, partial))
    asked = ["git", "-C", mirror, "cat-file", "-e", f"{commit}^{{commit}}"]
    if subprocess.run(asked, check=False, capture_output=True).returncode:
        git("-C", mirror, "fetch", "--quiet", "--force", url, "refs/heads/*:refs/heads/*")

    def clone(partial):
        git("clone", "--quiet", "--no-checkout", mirror, partial)
        git("-C", partial, "remote", "set-url", "origin", url)
        git("-C", partial, "checkout", "--quiet", "--detach", commit)

    return whole(folder, clone)


def hold(clone):
    """Say that a clone is used, now and until this process ends, the job that it becomes included.

    The clone of the job itself borrows the objects of this one.
    """
    os.utime(clone)
    with contextlib.suppress(OSError):  # no locks here: then `clear` gets none either
        held = os.open(clone, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_SH)
        os.set_inheritable(held, True)


def clear(clones):
    """Remove the clones that no job has used for long, those that were cut off included."""
    for name in os.listdir(clones):
        clone = os.path.join(clones, name)
        with contextlib.suppress(OSError):
            if os.stat(clone).st_mtime > time.time() - UNUSED:
                continue
            held = os.open(clone, os.O_RDONLY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.rename(clone, clone + ".partial")  # as only whole ones have its name
                shutil.rmtree(clone + ".partial")
            finally:
                os.close(held)


def environment(work, root):
    """The Python of an environment with the project's locked requirements."""
    requirements = os.path.join(root, "requirements.txt")
    with open(requirements, "rb") as file:
        content = file.read()
    kind = f"{sys.executable} {sys.version} {platform.machine()}"
    name = digest(content.decode() + kind)
    folder = os.path.join(work, "environments", name)
    python = os.path.join(folder, "bin", "python")
    # Made where it stays, as its programs have the path in them; what was cut off goes on.
    with locked(work, f"environment-{name}"):
        if not os.path.exists(os.path.join(folder, READY)):
            print(f"installing requirements.txt into {folder}", flush=True)
            run(sys.executable, "-m", "venv", folder)
            install(python, requirements, work)
            with open(os.path.join(folder, READY), "w"):
                pass
    return python


def install(python, requirements, work):
    """Install what is locked: by uv where that is locked, too, in two thirds of pip's time.

    pip steps in where an index needs settings that pip alone has.
    """
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    hashed = ("--require-hashes", "-r")
    with open(requirements) as file:
        uv = re.search(r"^uv==\S+( \\\n +--hash=\S+)+", file.read(), re.MULTILINE)
    if uv:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(uv[0] + "\n")
            file.flush()
            run(*pip, *hashed, file.name)
        cache = ("--cache-dir", os.path.join(work, "uv"))  # on one disk with the environment
        fast = (python, "-m", "uv", "pip", "install", "--quiet", "--compile-bytecode", *cache)
        if not subprocess.run((*fast, *hashed, requirements), check=False).returncode:
            return
    run(*pip, *hashed, requirements)


def whole(path, make):
    """Make a folder aside and put it in place; its path."""
    partial = path + ".partial"
    shutil.rmtree(partial, ignore_errors=True)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    make(partial)
    os.rename(partial, path)
    return path


def git(*arguments):
    free = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR",)}
    run("git", *arguments, env=free | {"GIT_TERMINAL_PROMPT": "0"})


def run(*command, **options):
    done = subprocess.run(command, check=False, **options)
    if done.returncode:
        sys.exit(f"error: `{' '.join(command[:4])} ...` ended with {done.returncode}")


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


if __name__ == "__main__":
    try:
        main()
    except (SystemExit, OSError) as failure:
        print(failure, file=sys.stderr, flush=True)
        time.sleep(HOLD)
        sys.exit(1)
