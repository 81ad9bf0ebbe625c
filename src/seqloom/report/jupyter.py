"""Comparisons in notebooks: verdict, table and picture, without a script.

`Comparison` does not know how it is drawn: its package must not import this one. So the function is registered with IPython by the
name of the class. Neither the class nor the dependencies of this module are imported until a comparison is shown.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqloom.comparison.comparison import Comparison


def register() -> bool:
    """Registers the display of comparisons with a running IPython; outside of IPython does and imports nothing.

    Returns:
        Whether IPython is running.
    """
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if shell is None:
        return False
    formatters = shell.display_formatter.formatters
    formatters["text/html"].for_type_by_name("seqloom.comparison.comparison", "Comparison", notebook_html)
    return True


def notebook_html(comparison: "Comparison") -> str:
    """The comparison as HTML without scripts, in the font and colours of the notebook."""
    import base64

    from seqloom.report import wording
    from seqloom.report.page import environment, headline
    from seqloom.report.picture import comparison_svg
    from seqloom.report.sentences import direction

    # The picture is an <img>, so that its ids and styles cannot conflict with those of the notebook.
    picture = base64.b64encode(comparison_svg(comparison, titled=False).encode()).decode()
    return (
        environment()
        .get_template("notebook.html")
        .render(
            comparison=comparison,
            labels=wording.arm_labels(comparison),
            headline=headline(comparison),
            direction=direction(comparison),
            level=wording.interval_level(comparison),
            wording=wording,
            picture=picture,
            sentences=about(comparison),
        )
    )


def about(comparison: "Comparison") -> str:
    """The text alternative of the picture."""
    from seqloom.report.sentences import about_length, about_quality

    parts = [about_quality(comparison, test) for test in comparison.test_labels]
    parts += [
        about_length(comparison, test)
        for test in comparison.test_labels
        if any(arm.by_length.get(test) for arm in comparison.arms)
    ]
    return " ".join(parts)
