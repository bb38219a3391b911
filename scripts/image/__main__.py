"""Carry out the steps of deploy/Dockerfile without Docker: `python -m scripts.image BASE FOLDER`, as root.

BASE is the folder of a Debian with Python 3.11, such as debootstrap makes, in the place of the image of Python. Each
stage gets a copy of it below FOLDER, and its RUN steps run in there by chroot. The stage with Node runs on this
machine, in a folder of its own. At the end FOLDER/image is what the image would hold.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from scripts.image import context, dockerfile

ROOT = Path(__file__).resolve().parents[2]
PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}


def main(base: Path, folder: Path) -> None:
    """Carry out every stage."""
    made: dict[str, Path] = {}
    for number, stage in enumerate(stages := dockerfile.read((ROOT / "deploy/Dockerfile").read_text())):
        last = number == len(stages) - 1
        place = folder / ("image" if last else stage.name)
        here = not stage.base.startswith("python:")
        if here:
            place.mkdir(parents=True)
        else:
            _run("cp", "-a", str(base), str(place))
        _carry_out(stage, place, made, here=here)
        made[stage.name] = place


def _carry_out(stage: dockerfile.Stage, place: Path, made: Mapping[str, Path], *, here: bool) -> None:
    directory, variables = "/", dict(PATH)
    for number, (name, text) in enumerate(stage.steps):
        print(f"{stage.name or 'image'} {number + 1}: {name} {text[:100]}", flush=True)  # noqa: T201
        if name == "WORKDIR":
            directory = text
            (place / directory.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif name == "ENV":
            variables = dockerfile.Stage("", "", stage.steps[: number + 1]).environment(PATH)
        elif name == "COPY":
            _copy(text.split(), place, directory, made)
        elif name == "RUN" and here:
            _run("sh", "-c", text, cwd=place / directory.lstrip("/"))
        elif name == "RUN":
            _in_root(place, directory, variables, text)


def _copy(words: list[str], place: Path, directory: str, made: Mapping[str, Path]) -> None:
    came, words = _source(words, made)
    *names, target = words
    into = place / (target if target.startswith("/") else f"{directory}/{target}").lstrip("/")
    for name in names:
        source = came / name.lstrip("/")
        if came == ROOT:
            for one in _files(name):
                goal = into / one if name == "." else (into / Path(one).name if target.endswith("/") else into)
                goal.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / one, goal)
        else:
            into.parent.mkdir(parents=True, exist_ok=True)
            _run("cp", "-aT", str(source), str(into))


def _source(words: list[str], made: Mapping[str, Path]) -> tuple[Path, list[str]]:
    if words[0].startswith("--from="):
        return made[words[0].removeprefix("--from=")], words[1:]
    return ROOT, words


def _files(name: str) -> list[str]:
    """Return what of the checkout a COPY of this name brings: what git has, and .dockerignore lets through."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    names = context.sent(ROOT, listed.stdout.splitlines())
    return names if name == "." else [one for one in names if one == name]


def _in_root(place: Path, directory: str, variables: Mapping[str, str], text: str) -> None:
    inner = 'mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && exec chroot "$0" env -i "$@"'
    told = [f"{key}={value}" for key, value in variables.items()]
    command = ["sh", "-c", f"cd {directory} && {text}"]
    _run("unshare", "--mount", "--propagation=private", "sh", "-ec", inner, str(place), *told, *command)


def _run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
