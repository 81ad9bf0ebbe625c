"""Lazy imports: a package imports each of its names when the name is first used, so that importing the package stays quick."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_attributes(package: str, names_of: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Returns a function to use as the `__getattr__` of a package (PEP 562).

    Args:
        package: the name of the package.
        names_of: for each module, the names that the package offers from it.
    """
    module_of = {name: module for module, names in names_of.items() for name in names}

    def load(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(module_of[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
