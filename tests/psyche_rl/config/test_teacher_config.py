import pytest

from psyche_rl.config import parse_config
from psyche_rl.errors import ConfigError


def teacher(**section):
    return parse_config({"run_dir": "r", "teacher": section}, "test").teacher


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ({"base_url": "http://a", "endpoints": [{"base_url": "http://b"}]}, "not both"),
        ({"base_url": "http://me:word@a/v1"}, "api_key_env"),
        ({"endpoints": [{"base_url": "http://a/v1?key=word"}]}, "api_key_env"),
        ({"endpoints": [{"base_url": "http://a", "weight": 0}]}, "weight"),
        ({"engine": "vllm", "base_url": "http://a"}, "calls no server"),
        ({"budget": {"cost": 1}}, r"prices\['scripted-teacher'\]"),
        ({"structured_output": "maybe"}, "structured_output"),
    ],
)
def test_contradictions_are_told(section, why):
    with pytest.raises(ConfigError, match=why):
        teacher(**section)


def test_a_bare_on_and_off_of_yaml_are_meant_as_words():
    assert [teacher(structured_output=v).structured_output for v in (True, False, "auto")] == [
        "on",
        "off",
        "auto",
    ]


def test_base_url_is_the_simple_form_of_endpoints():
    simple, several = (
        teacher(base_url="http://a/v1/", api_key_env="K"),
        teacher(endpoints=[{"base_url": "http://a/v1"}], api_key_env="K"),
    )
    assert simple.servers() == several.servers()
    assert simple.servers()[0].api_key_env == "K"
    assert [t.is_given for t in (simple, several, teacher(engine="vllm"), teacher())] == [True] * 3 + [False]
