"""What axe-core says of a part of a page."""

from __future__ import annotations

from functools import cache

__all__ = ["serious_findings"]


@cache
def _script() -> str:
    from axe_playwright_python.base import AXE_SCRIPT

    return AXE_SCRIPT


def serious_findings(locator) -> list[str]:
    """The findings in the element that axe-core calls serious or critical, as sentences."""
    page = locator.page
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_script())
    results = locator.evaluate("root => axe.run(root, { resultTypes: ['violations'] })")
    return [
        f"{finding['impact']}: {finding['help']} ({finding['id']}): {node['html'][:200]}"
        for finding in results["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]
