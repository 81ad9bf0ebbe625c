"""YAML text -> plain values, with the line of each key: only mappings, lists and scalars, with limits that settings never reach.

YAML that grows while it is read, or that can be read in more than one way, is an error: anchors and aliases, merge keys, tags,
several documents, repeated keys, deep nesting.
"""

from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from seqloom.untrusted import MAX_DEPTH, MAX_DIGITS

MAX_YAML_BYTES = 1 << 16
_MAX_NODES = 5_000


class YamlError(ValueError):
    """The text is not valid; `line` counts from 1, None if no line is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with limits that are checked while the text is read, before any value is created."""

    num_nodes = 0
    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event: Any = self.peek_event()
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise YamlError("anchors and aliases (& and *) are not read; write the values out", line)
        if getattr(event, "tag", None) is not None:
            raise YamlError(f"tags such as {event.tag[:40]!r} are not read; leave it out", line)
        self.num_nodes += 1
        self.depth += 1
        if self.num_nodes > _MAX_NODES:
            raise YamlError(f"there are more than {_MAX_NODES:,} values, which no settings have", line)
        if self.depth > MAX_DEPTH:
            raise YamlError(f"values stand more than {MAX_DEPTH} deep inside one another", line)
        node: Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def parse_yaml(text: str, lines: dict[str, int] | None = None) -> Any:
    """The values of a YAML document; None if it is empty.

    Args:
        lines: receives the line (from 1) of each dotted key.

    Raises:
        YamlError: the text is not YAML, or contains YAML that is not accepted here.
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check(node, "", {} if lines is None else lines)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise YamlError(f"not valid YAML: {error.problem}", mark.line + 1 if mark else None) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise YamlError(f"not valid YAML: the character U+{code:04X} is not allowed", line) from None
    except RecursionError:
        raise YamlError(f"values stand more than {MAX_DEPTH} deep inside one another") from None
    except YamlError:
        raise
    except (yaml.YAMLError, ValueError, OverflowError, TypeError) as error:  # such as the date 2020-13-45
        raise YamlError(f"not valid YAML: {error}") from None


def _check(node: Node, prefix: str, lines: dict[str, int]) -> None:
    line = node.start_mark.line + 1
    if isinstance(node, ScalarNode):
        if node.tag.endswith((":int", ":float")) and len(node.value) > MAX_DIGITS:
            raise YamlError(f"a number of {len(node.value):,} characters", line)
        try:
            node.value.encode("utf-8")
        except UnicodeEncodeError:
            raise YamlError("a text in it holds half a surrogate pair, which is no character", line) from None
    elif isinstance(node, SequenceNode):
        for number, item in enumerate(node.value):
            _check(item, f"{prefix}{number}.", lines)
    elif isinstance(node, MappingNode):
        for key_node, value_node in node.value:
            where = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                raise YamlError("a key is a list or a mapping; expected a name", where)
            if key_node.tag.endswith(":merge"):
                raise YamlError("merge keys (<<) are not read; write the values out", where)
            _check(key_node, "", {})
            key = f"{prefix}{key_node.value}"
            if key in lines:
                raise YamlError(
                    f"{key!r} stands here a second time (first in line {lines[key]}); keep one of them", where
                )
            lines[key] = where
            _check(value_node, f"{key}.", lines)


__all__ = ["MAX_YAML_BYTES", "YamlError", "parse_yaml"]
