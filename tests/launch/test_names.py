"""One name, one thing: what the files and the classes of the product are called."""

import ast
from collections import defaultdict
from pathlib import Path, PurePath

ROOT = Path(__file__).parents[2]
PACKAGES = ("rewards", "psyche_rl", "actors", "data_pipeline", "launch")
# What a name stands for where several files have it on purpose.
SHARED_FILE_NAMES = {
    "__init__.py": "a package",
    "__main__.py": "python -m",
    "client.py": "the core of the LLM client, and its Ray actor",
    "engine.py": "the protocol of an engine, and its section of the config",
    "grpo.py": "a stage: its config section, loop and wiring",
    "learner.py": "the learner, and its section of the config",
    "pool.py": "a pool of workers, each in the room of what they do",
    "publish.py": "a command, and its section of the config",
    "review.py": "a command with its server, its section of the config and its records",
    "rewards.py": "a command, and its server",
    "sft.py": "a stage: its config section, loop and wiring",
    "synth.py": "a stage: its config section and wiring",
    "teacher.py": "a command, and its section of the config",
    "world.py": "the mini world, and the stage that makes its models",
}


def modules():
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_a_file_name_names_one_thing():
    places = defaultdict(list)
    for path in modules():
        places[PurePath(path).name].append(str(path.relative_to(ROOT)))
    several = {name: found for name, found in places.items() if len(found) > 1}
    assert {n: found for n, found in several.items() if n not in SHARED_FILE_NAMES} == {}
    assert set(SHARED_FILE_NAMES) <= set(several), "the list names a file that is alone by now"


def test_a_class_name_names_one_thing():
    places = defaultdict(list)
    for path in modules():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
