"""Keys, tokens and passwords taken out of texts: the one place that knows what a secret looks like.

Role: whatever came from elsewhere passes here before it is stored, said or raised, as a whole text and before
it is cut: half a key is a key's half.
Collaborators: ``errors`` and ``problem`` mask what they say, ``events`` and the run's manifest what they
write, ``llm.http_reply`` what a server sent, ``config.secrets_in_config`` refuses what it finds.
Invariants:
- A secret is known by its value, where a variable of the environment holds it that the config names
  (:func:`know`) or whose name says so; any other by its shape (a provider's prefix, userinfo of a URL, what
  stands after ``Bearer`` or ``api_key=``).
- Time is linear in the text, whatever it holds.
- What has been masked is masked no further.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

MASK = "***"
BEGUN, BEGUN_AT_END = 10, 6
"""Characters that are taken for the beginning of a key that was cut, anywhere and where the text ends."""
_NAMED_AS_SECRET = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|ACCESS_KEY_ID)$", re.IGNORECASE
)
_PROXIES = re.compile(r"^(?:https?|all|ftp)_proxy$", re.IGNORECASE)

# What opens a provider's key, each with a text that must be there before the pattern is tried at all.
_SHAPES = {
    "sk-": r"(?<![A-Za-z0-9])sk-(?=[A-Za-z_*-]{0,64}+[0-9])[A-Za-z0-9_*-]{16,}",
    "gsk_": r"gsk_[A-Za-z0-9]{20,}",
    "hf_": r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{20,}",
    "xai-": r"(?<![A-Za-z0-9])xai-[A-Za-z0-9]{20,}",
    "nvapi-": r"nvapi-[A-Za-z0-9_-]{20,}",
    "pplx-": r"pplx-[A-Za-z0-9]{20,}",
    "glpat-": r"glpat-[A-Za-z0-9_-]{16,}",
    "gh": r"(?<![A-Za-z0-9])gh[opsur]_[A-Za-z0-9]{20,}",
    "github_pat_": r"github_pat_[A-Za-z0-9_]{20,}",
    "xox": r"xox[abeprs]-[A-Za-z0-9-]{10,}",
    "AIza": r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{30,}",
    "AKIA": r"(?<![A-Z0-9])AKIA[A-Z0-9]{16}(?![A-Z0-9])",
    "ASIA": r"(?<![A-Z0-9])ASIA[A-Z0-9]{16}(?![A-Z0-9])",
    "LTAI": r"(?<![A-Za-z0-9])LTAI[A-Za-z0-9]{12,}",
    "ALTAK-": r"(?:bce-v3/)?ALTAK-[A-Za-z0-9]{10,}(?:/[0-9a-f]{20,})?",
    "eyJ": r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}",
    "PRIVATE KEY": r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*+(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?",
}
_SHAPE = {mark: re.compile(pattern) for mark, pattern in _SHAPES.items()}
# Userinfo; a colon ends a part of it, so that no place is looked at twice. A port is no password.
_PART = r"[^\s/?#@:\"'<>\\]{0,256}+"
_PASSWORD = r"(?::[^\s@:\"'<>\\]{0,256}+){1,4}+"
_CONTAINER = "".join(rf"(?<!{scheme})" for scheme in ("abfs", "abfss", "wasb", "wasbs"))  # CONTAINER@ACCOUNT
_LOGIN = re.compile(
    rf"://(?!{_PART}:\d{{1,5}}(?:[/?#]|$)){_PART}{_PASSWORD}@|{_CONTAINER}://{_PART}@", re.IGNORECASE
)
_WORDS = ("key", "secret", "token", "passw", "bearer", "basic", "sig", "credential")
_VALUE = r"(?=[A-Za-z._~+/%=-]{0,64}+[0-9])[A-Za-z0-9._~+/%=-]"
_NAMED = re.compile(
    r"((?<![a-z])(?:bearer|basic)\s{1,4}|"
    r"[?&](?:sig|signature|x-amz-[a-z-]{1,20}|awsaccesskeyid|token|key)=|"
    r"(?:api[_-]?key|secret[_-]?(?:access[_-]?)?key|access[_-]?token|auth[_-]?token|client[_-]?secret|passw(?:or)?d)"
    rf"\\{{0,2}}[\"']?\s{{0,3}}[:=]\s{{0,3}}\\{{0,2}}[\"']?){_VALUE}{{12,}}",
    re.IGNORECASE,
)
_ESCAPED = re.compile(r"\\u00([2-7][0-9a-fA-F])")
_CONFIGURED: set[str] = set()


class SecretMask:
    """Takes out the given values, in the forms that JSON, URLs and HTML give them, and whatever looks like
    a key."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        secrets = [value.strip() for value in values if _is_secret(value)]
        self._secrets = secrets
        forms = {form for value in secrets for form in _forms(value)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str) -> str:
        """``text`` without its secrets, also such as are written in escapes of JSON or HTML."""
        masked = self._plain(text)
        if "\\u00" in masked or "&#" in masked:
            spelled = html.unescape(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), masked))
            if (without := self._plain(spelled)) != spelled:
                return without
        return masked

    def tree(self, value: Any) -> Any:
        """Lists and mappings with all their texts masked, names among them."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.tree(name): self.tree(held) for name, held in value.items()}
        if isinstance(value, list | tuple):
            return [self.tree(held) for held in value]
        return value

    def _plain(self, text: str) -> str:
        text = self._known.sub(MASK, text) if self._known else text
        return without_shapes(self._without_cut_key(text))

    def _without_cut_key(self, text: str) -> str:
        """Whoever sent the text, or a library that quotes it, may have cut it within a key."""
        for value in self._secrets:
            begun = value[:BEGUN]
            if len(value) >= 2 * BEGUN and begun in text:
                text = _without_beginnings(text, value)
            at = text.rfind(value[:BEGUN_AT_END], -len(value))
            if at >= 0 and value.startswith(text[at:]):
                text = text[:at] + MASK
        return text


def _without_beginnings(text: str, value: str) -> str:
    parts, end = list[str](), 0
    while (at := text.find(value[:BEGUN], end)) >= 0:
        parts += [text[end:at], MASK]
        end = at + BEGUN
        while end < len(text) and end - at < len(value) and text[end] == value[end - at]:
            end += 1
    return "".join([*parts, text[end:]])


def without_shapes(text: str) -> str:
    """``text`` without what looks like a secret, whatever the environment holds."""
    for mark, shape in _SHAPE.items():
        if mark in text:
            text = shape.sub(MASK, text)
    if "://" in text:
        text = _LOGIN.sub(f"://{MASK}@", text)
    lower = text.lower()
    if any(word in lower for word in _WORDS):
        text = _NAMED.sub(rf"\g<1>{MASK}", text)
    return text


def know(*names: str | None) -> None:
    """From now on the values of these variables are secrets in this process, whatever their names."""
    _CONFIGURED.update(name for name in names if name)


def masked(text: str) -> str:
    """``text`` without the secrets of this process's environment and without what looks like one."""
    return mask_of_process().text(text)


def mask_of_process() -> SecretMask:
    """A mask of all that the environment holds now; keep it where many texts are masked."""
    return _mask(tuple(secret_values(os.environ, _CONFIGURED)))


def secret_values(environment: Mapping[str, str], names: Iterable[str] = ()) -> list[str]:
    """The secrets of an environment: of the variables ``names``, of those whose names say so, of proxies."""
    values = [environment.get(name, "") for name in names]
    for name, value in environment.items():
        if _NAMED_AS_SECRET.search(name) and not value.startswith("/"):  # a path is where a key lies
            values.append(value)
        elif _PROXIES.match(name) and "@" in value:
            values.append(urlsplit(value if "://" in value else f"http://{value}").password or "")
    return sorted({value.strip() for value in values if _is_secret(value)})


def is_named_as_secret(name: str) -> bool:
    """Whether a name of a key or variable says that its value is a secret."""
    return bool(_NAMED_AS_SECRET.search(name))


def looks_like_a_key(text: str) -> bool:
    """Whether a text that should be a name is rather a key: by its shape, or since nobody can read it."""
    if without_shapes(text) != text or len(text) > 64:
        return True
    longest = max(re.split(r"[_\W]+", text), key=len)
    digits = sum(letter.isdigit() for letter in longest)
    mixed = longest != longest.upper() and longest != longest.lower()
    return (len(longest) >= 16 and digits >= 2) or (len(longest) >= 12 and mixed and digits >= 1)


def has_login(url: str) -> bool:
    """Whether an address of any kind holds a user or a password."""
    return bool(_LOGIN.search(url))


def _is_secret(value: str) -> bool:
    """Shorter values, such as EMPTY, are what servers without keys are given."""
    value = value.strip()
    return len(value) >= 8 or (len(value) >= 6 and not value.isalpha())


def _forms(value: str) -> set[str]:
    value = value.strip()
    return {value, quote(value, safe=""), json.dumps(value)[1:-1], html.escape(value)}


@lru_cache(maxsize=4)
def _mask(values: tuple[str, ...]) -> SecretMask:
    return SecretMask(values)
