"""The base class of all settings: frozen, without unknown keys; errors name file, line, key, rule and the nearest spelling.

Its functions turn YAML text or a mapping into validated settings. Each package defines its own settings.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from seqloom.errors import ConfigError, UnknownKeyError
from seqloom.untrusted import read_text
from seqloom.yaml_text import MAX_YAML_BYTES, YamlError, parse_yaml

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    # A type checker needs this class by name, and pydantic has no public name for it.
    ModelMetaclass = type(BaseModel)

MOST_LAYERS = 1_000
WIDEST = 1 << 16
LONGEST = 1 << 20
"""Upper limits of settings, far above all real models: a typing error, or a folder from another person, must not take hours or all
memory before the error is reported."""

_LONGEST_SHOWN = 200
# The longest value that a message repeats: a file from another person may contain a very long one.
_LONG_WORD = re.compile(rf"(\S{{{_LONGEST_SHOWN}}})\S+")
_MOST_PROBLEMS = 8


class _RaisesConfigError(ModelMetaclass):
    """Turns a wrong value in `Budget(minutes=-1)` into the error that the command line and `parse` give."""

    def __call__(self, *args: Any, **values: Any) -> Any:
        try:
            return super().__call__(*args, **values)
        except ValidationError as error:
            problem = error
        raise _config_error(cast(type[BaseModel], self), problem, self.__name__, {})


class Settings(BaseModel, metaclass=_RaisesConfigError):
    """Base of all settings: they are immutable, an unknown key is an error, and numbers are finite.

    Raises:
        ConfigError: a value is wrong.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", protected_namespaces=(), validate_default=True, allow_inf_nan=False
    )

    @classmethod
    def parse(
        cls, values: Mapping[str, Any], *, source: str = "settings", lines: Mapping[str, int] | None = None
    ) -> Self:
        """Validates a mapping.

        Args:
            values: nested plain values.
            source: where the values come from, for messages: a file's path, or "--set".
            lines: for each dotted key its line in `source`.

        Raises:
            ConfigError: one message with a line for each problem.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _config_error(cls, error, source, lines or {}) from None


class Results(Settings):
    """Base of measured results, in which a number may be infinite or undefined (NaN)."""

    model_config = ConfigDict(allow_inf_nan=True)


def read_yaml(path: Path, *, within: Path | None = None) -> tuple[dict[str, Any], dict[str, int]]:
    """Reads a YAML mapping, which may come from another person: see `yaml_text` for what is an error.

    Args:
        within: the folder that must contain the file, also after links are followed.

    Returns:
        The values, and for each dotted key its line (from 1).

    Raises:
        ConfigError: the file is missing, is not YAML, is not a mapping, or repeats a key.
    """
    try:
        text = read_text(path, max_bytes=MAX_YAML_BYTES, within=within, error=ConfigError)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    lines: dict[str, int] = {}
    try:
        values = parse_yaml(text, lines)
    except YamlError as error:
        raise ConfigError(f"{path}:{error.line or 1}: {error}") from None
    if values is None:
        return {}, {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}:1: expected `key: value` lines at the top level")
    return values, lines


def parse_assignments(assignments: list[str]) -> dict[str, Any]:
    """Turns `["model.dropout=0.1", ...]` into a nested mapping; values are read as YAML.

    Raises:
        ConfigError: an assignment has no `=`, or its value is not YAML.
    """
    nested: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {assignment}: expected key=value, for example --set model.dropout=0.1")
        try:
            value = parse_yaml(text)
        except YamlError:
            raise ConfigError(
                f"--set {assignment}: the value is not valid YAML; quote it, such as 'key=\"a: b\"'"
            ) from None
        if isinstance(value, str):
            value = _number(value)
        owner = nested
        *parents, last = key.strip().split(".")
        for parent in parents:
            owner = owner.setdefault(parent, {})
            if not isinstance(owner, dict):
                raise ConfigError(f"--set {assignment}: {parent!r} has a value already")
        owner[last] = value
    return nested


def leaves(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings as dotted names with their values. The opposite of `nest`."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def nest(key: str, value: Any) -> dict[str, Any]:
    """A value under a dotted key as nested mappings: `nest("model.d_model", 8)` is `{"model": {"d_model": 8}}`."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `changes` in place of its own; nested mappings are merged in the same way."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def nearest(word: str, known: list[str]) -> str:
    """` Did you mean …?` for a misspelt word, or the empty string."""
    close = difflib.get_close_matches(word[:_LONGEST_SHOWN], known, n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""


def _number(text: str) -> float | str:
    # YAML 1.1 reads 1e-3 as a string; users who set a learning rate mean a number.
    try:
        return float(text)
    except ValueError:
        return text


def _config_error(cls: type[BaseModel], error: ValidationError, source: str, lines: Mapping[str, int]) -> ConfigError:
    """One message with a line for each problem; of many problems, the first ones."""
    problems = [_explain(cls, problem, source, lines) for problem in error.errors()[:_MOST_PROBLEMS]]
    if error.error_count() > _MOST_PROBLEMS:
        problems.append(f"{source}: and {error.error_count() - _MOST_PROBLEMS:,} more problems")
    only_unknown = all(problem["type"] == "extra_forbidden" for problem in error.errors())
    return (UnknownKeyError if only_unknown else ConfigError)("\n".join(problems))


def _explain(cls: type[BaseModel], problem: Any, source: str, lines: Mapping[str, int]) -> str:
    path = [str(part) for part in problem["loc"]]
    key = ".".join(path)
    fields = _fields_at(cls, path[:-1])
    # A discriminated union puts its tag into the location; users never wrote it.
    shown = ".".join(part for part in path if part not in _tags(cls))[:_LONGEST_SHOWN] or "settings"
    line = next((lines[k] for k in (shown, key, shown.rpartition(".")[0]) if k in lines), None)
    where = f"{source}:{line}" if line is not None else source
    kind = problem["type"]
    if kind == "extra_forbidden":
        name = path[-1]
        hint = nearest(name, fields)
        known = "" if hint else f" Known here: {', '.join(sorted(fields))}."
        return f"{where}: unknown key {shown!r}.{hint}{known}"
    if kind == "missing":
        return f"{where}: {shown!r} is missing."
    message = _LONG_WORD.sub(lambda word: f"{word[1]}…", str(problem["msg"]).removeprefix("Value error, "))
    value = problem.get("input")
    if kind == "value_error" or isinstance(value, Mapping):
        return f"{where}: {shown}: {message}" if path else f"{where}: {message}"
    hint = ""
    if kind == "literal_error" and isinstance(value, str):
        hint = nearest(
            value, [word.strip("'") for word in str(problem["ctx"]["expected"]).replace(" or ", ", ").split(", ")]
        )
    return f"{where}: {shown} is {_short(value)}: {message}.{hint}"


def _short(value: Any) -> str:
    """A value as a message shows it; a long value is cut."""
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"


def _fields_at(cls: type[BaseModel], path: list[str]) -> list[str]:
    known: list[type[BaseModel]] = [cls]
    for part in path:
        following: list[type[BaseModel]] = []
        for owner in known:
            field = owner.model_fields.get(part)
            if field is not None:
                following += _models_in(field.annotation)
        tagged = [owner for owner in known if part in _tag_of(owner)]
        known = following or tagged or known
    return sorted({name for owner in known for name in owner.model_fields})


def _tag_of(cls: type[BaseModel]) -> list[str]:
    field = cls.model_fields.get("architecture")
    return [str(value) for value in get_args(field.annotation)] if field is not None else []


def _tags(cls: type[BaseModel]) -> set[str]:
    tags: set[str] = set()
    for field in cls.model_fields.values():
        for owner in _models_in(field.annotation):
            tags |= set(_tag_of(owner))
    return tags


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
