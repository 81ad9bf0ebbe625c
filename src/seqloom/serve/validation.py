"""Validation: turns pydantic's errors into a message that names the parameters and their allowed values.

The allowed values come from the JSON schema of the model, which GET /openapi.json also shows, so both agree with the check.
"""

import difflib
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from seqloom.serve.http_errors import HTTPError

_MAX_PROBLEMS = 5
_MAX_CHARACTERS = 60
_MIN_SIMILARITY = 0.75

FieldPath = tuple[str, ...]
"""The names of the nested fields that lead to a parameter, from the outermost."""


@dataclass(frozen=True)
class Unsupported:
    """Marks a parameter that is not supported, and is accepted only with a value that has no effect.

    Attributes:
        neutral: this value, in JSON.
    """

    neutral: str


def safe_name(name: str) -> str:
    """A name from a request, shortened and without control characters, for use in a message."""
    short = name.encode("utf-8", "replace").decode("utf-8")[:_MAX_CHARACTERS]
    return "".join(letter if letter.isprintable() else "?" for letter in short)


def to_http_error(error: ValidationError, model: type[BaseModel]) -> HTTPError:
    """The 400 error for a request that does not fit a model. Its message contains names of parameters, but no values."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    by_path: dict[FieldPath, list[dict[str, Any]]] = {}
    for problem in problems:
        by_path.setdefault(_path(problem["loc"], model), []).append(dict(problem))
    messages = [_message(path, path_problems, model) for path, path_problems in list(by_path.items())[:_MAX_PROBLEMS]]
    more = len(by_path) - len(messages)
    if more > 0:
        messages.append(f"and {more:,} more")
    first = next(iter(by_path))
    return HTTPError(400, f"Invalid request: {'; '.join(messages)}", param=_dotted(first) if first else None)


def _message(path: FieldPath, problems: Sequence[Mapping[str, Any]], model: type[BaseModel]) -> str:
    """What is wrong with a parameter, from pydantic's errors about it."""
    if not path:
        return "the body must be a JSON object"
    kinds = {problem["type"] for problem in problems}
    name, owner = _dotted(path), _model_at(model, path[:-1])
    if "missing" in kinds:
        return f"missing {name} parameter"
    if "extra_forbidden" in kinds:
        return f"{name} is not supported here{_hint(path[-1], owner)}"
    if "string_unicode" in kinds:
        return f"{name} holds a lone surrogate (half of a UTF-16 pair), which is not valid Unicode text"
    for marker in owner.model_fields[path[-1]].metadata:
        if isinstance(marker, Unsupported):
            return f"{name} is not supported here; leave it out, or set it to {marker.neutral}"
    words = describe_schema(_schema(owner)["properties"][path[-1]])
    index = next((part for problem in problems for part in problem["loc"] if isinstance(part, int)), None)
    return f"{name} must be {words}" + (f" (item {index + 1} is not)" if index is not None else "")


def _hint(name: str, model: type[BaseModel]) -> str:
    """A suggestion if the name is similar to that of a parameter, else ""."""
    close = difflib.get_close_matches(name[:_MAX_CHARACTERS], sorted(model.model_fields), n=1, cutoff=_MIN_SIMILARITY)
    suggestion = getattr(model, "other_names", {}).get(name) or (close[0] if close else None)
    return f"; did you mean {suggestion}?" if suggestion else ""


def _path(loc: Sequence[int | str], model: type[BaseModel]) -> FieldPath:
    """The path of the parameter. The rest of `loc` is list indexes and members of unions."""
    names: list[str] = []
    owner: type[BaseModel] | None = model
    for part in loc:
        if owner is None or not isinstance(part, str):
            break
        names.append(part)
        owner = _nested(owner.model_fields[part].annotation) if part in owner.model_fields else None
    return tuple(names)


def _dotted(path: FieldPath) -> str:
    """A path as messages show it: "change.words"."""
    return ".".join(safe_name(name) or '""' for name in path)


def _nested(annotation: Any) -> type[BaseModel] | None:
    """The model in the annotation of a field, or None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, types.UnionType):
        return next((nested for part in get_args(annotation) if (nested := _nested(part))), None)
    return None


def _model_at(model: type[BaseModel], path: FieldPath) -> type[BaseModel]:
    """The nested model at a path."""
    for name in path:
        model = _nested(model.model_fields[name].annotation) or model
    return model


@lru_cache(maxsize=64)
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def describe_schema(schema: Mapping[str, Any], *, many: bool = False) -> str:
    """A JSON schema in words: "a whole number from 1 to 128", "a string or a list of at most 4 strings".

    Args:
        many: whether to use the plural, for the items of a list.
    """
    if "$ref" in schema:
        return "objects" if many else "an object"
    if "anyOf" in schema:
        parts = [describe_schema(part, many=many) for part in schema["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(parts))
    if "enum" in schema or "const" in schema:
        values = [value for value in schema.get("enum", [schema.get("const")]) if value is not None]
        words = [f'"{value}"' if isinstance(value, str) else str(value) for value in values]
        choices = " or ".join([part for part in (", ".join(words[:-1]), words[-1]) if part])
        return f"values, each {choices}" if many else choices
    kind = schema.get("type")
    if kind == "boolean":
        return "true or false"
    if kind in ("integer", "number"):
        noun = (
            ("whole numbers" if many else "a whole number")
            if kind == "integer"
            else ("numbers" if many else "a number")
        )
        return noun + _range(schema)
    if kind == "string":
        if "pattern" in schema and "title" in schema:
            return str(schema["title"])
        return ("strings" if many else "a string") + _size(schema, "minLength", "maxLength", "of {} characters")
    if kind == "array":
        items = describe_schema(schema.get("items", {}), many=True)
        count = _size(schema, "minItems", "maxItems", "of {}") or " of"
        return f"{'lists' if many else 'a list'}{count} {items}"
    description = f": {schema['description']}" if "description" in schema else ""
    return ("objects" if many else "an object") + description


def _range(schema: Mapping[str, Any]) -> str:
    """The allowed range of a number in words, after a space; "" if there is none."""
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if schema.get("type") == "integer":
        low = low if above is None else above + 1
        high = high if below is None else below - 1
        above = below = None
    if low is not None and high is not None:
        return f" from {_plain(low)} to {_plain(high)}"
    words = [
        f"of at least {_plain(low)}" if low is not None else "",
        f"above {_plain(above)}" if above is not None else "",
        f"of at most {_plain(high)}" if high is not None else "",
        f"below {_plain(below)}" if below is not None else "",
    ]
    bounds = " and ".join(word for word in words if word)
    return f" {bounds}" if bounds else ""


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:g}"


def _size(schema: Mapping[str, Any], min_key: str, max_key: str, template: str) -> str:
    """The allowed size of a string or list in words, after a space; "" if there is none.

    Args:
        template: the words, with {} for the size.
    """
    low, high = schema.get(min_key, 0), schema.get(max_key)
    if high is not None:
        count = f"{low} to {high:,}" if low else f"at most {high:,}"
    elif low:
        count = f"{low} or more"
    else:
        return ""
    return " " + template.format(count)
