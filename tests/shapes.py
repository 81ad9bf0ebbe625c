"""The check of shapes that the import hook in conftest.py applies: beartype, on annotations of tensors only.

Types of other arguments are mypy's matter, and beartype refuses some that mypy knows well: protocols that cannot be checked at
run time.
"""

from collections.abc import Callable
from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray


def check_shapes(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with the shapes of its arguments and of its result checked at each call."""
    if not hasattr(function, "__annotations__") or isinstance(function, type):
        return function
    function.__annotations__ = {name: hint for name, hint in function.__annotations__.items() if names_shape(hint)}
    return beartype(function) if function.__annotations__ else function


def names_shape(hint: Any) -> bool:
    """Whether an annotation speaks of a tensor's shape, somewhere in it."""
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return True
    return any(names_shape(argument) for argument in get_args(hint))
