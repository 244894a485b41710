"""``track`` as a user may write it, and what is said of what makes no sense."""

import pytest

from psyche_rl.config import dump_config, parse_config
from psyche_rl.errors import ProblemsError

BASE = {"run_dir": "runs/x"}


def named(track):
    return [tracker.name for tracker in parse_config({**BASE, "track": track}, "c.yaml").track]


def test_names_mappings_and_a_single_one_are_taken_and_survive_the_saved_config():
    assert named(["tensorboard", {"name": "wandb", "project": "p"}]) == ["tensorboard", "wandb"]
    assert named("mlflow") == ["mlflow"]
    assert named([]) == []
    config = parse_config({**BASE, "track": ["wandb"]}, "c.yaml")
    import yaml

    assert parse_config(yaml.safe_load(dump_config(config)), "c.yaml") == config
    assert named(config.model_dump(mode="json")["track"]) == ["wandb"]


@pytest.mark.parametrize(
    ("track", "line"),
    [
        (["wandbb"], "did you mean 'wandb'"),
        ([{"name": "wandb", "projekt": "p"}], "'track[0].projekt': unknown key"),
        (["mlflow", "mlflow"], "'track': mlflow stands there twice"),
        ([{"name": "tensorboard", "uri": "http://a"}], "tensorboard has no server"),
        ([{"name": "mlflow", "offline": True, "uri": "http://a"}], "offline calls no server"),
        ([{"name": "mlflow", "uri": "https://me:pass@host"}], "no user and no password in an address"),
    ],
)
def test_a_mistake_is_one_line_with_its_remedy(track, line):
    with pytest.raises(ProblemsError) as raised:
        parse_config({**BASE, "track": track}, "c.yaml")
    assert line in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
