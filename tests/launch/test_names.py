"""One name, one thing: what the files and the classes of the product are called."""

import ast
from collections import defaultdict
from pathlib import Path, PurePath

ROOT = Path(__file__).parents[2]
PACKAGES = ("rewards", "psyche_rl", "actors", "data_pipeline", "launch")
# Rooms whose files are named by the command, stage, server or config section that they are about.
NAMED_BY_SUBJECT = ("launch/cli", "launch/stages", "launch/servers", "launch/checks", "psyche_rl/config")
# What a name stands for where several files beside those have it on purpose.
SHARED_FILE_NAMES = {
    "__init__.py": "a package",
    "__main__.py": "python -m",
    "client.py": "the core of the LLM client, and its Ray actor",
    "pool.py": "a pool of workers, each in the room of what they do",
    "reference.py": "the reference model, and the reference of reward names",
    "settings.py": "the settings that stages were run with, and those of rewards",
}


def modules():
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_a_file_name_names_one_thing():
    places = defaultdict(list)
    for path in modules():
        place = str(path.relative_to(ROOT))
        if not place.startswith(NAMED_BY_SUBJECT):
            places[PurePath(path).name].append(place)
    several = {name: found for name, found in places.items() if len(found) > 1}
    assert {n: found for n, found in several.items() if n not in SHARED_FILE_NAMES} == {}


def test_a_class_name_names_one_thing():
    places = defaultdict(list)
    for path in modules():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
