"""Comparisons in notebooks: the verdict, the table and the picture, without any script.

`Comparison` is in a package above this one and does not know how it is drawn, so the drawing is registered with IPython by the
name of the class, so that neither this module's dependencies nor the class are imported until a comparison is shown.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqloom.comparison.comparison import Comparison


def register() -> bool:
    """Tells a running IPython how to show a comparison; does nothing, and imports nothing, anywhere else.

    Returns:
        Whether there was an IPython to tell.
    """
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if shell is None:
        return False
    formatters = shell.display_formatter.formatters
    formatters["text/html"].for_type_by_name("seqloom.comparison.comparison", "Comparison", notebook_html)
    return True


def notebook_html(comparison: "Comparison") -> str:
    """The comparison as a piece of HTML: small, without scripts, in the notebook's own font and colours."""
    import base64

    from seqloom.report import wording
    from seqloom.report.page import environment, headline
    from seqloom.report.picture import comparison_svg
    from seqloom.report.sentences import direction

    # As an image, the picture's ids and styles cannot meet those of the notebook.
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
    """What the picture shows, for those who do not see it."""
    from seqloom.report.sentences import about_length, about_quality

    parts = [about_quality(comparison, test) for test in comparison.test_labels]
    parts += [
        about_length(comparison, test)
        for test in comparison.test_labels
        if any(arm.by_length.get(test) for arm in comparison.arms)
    ]
    return " ".join(parts)
