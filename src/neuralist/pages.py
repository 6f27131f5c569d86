"""HTML pages that open offline, from the templates of this package."""

from typing import Any

import jinja2


def render(template: str, **values: Any) -> str:
    """Fill a template of `neuralist/templates`; every value is escaped, a missing one is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("neuralist", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(template).render(**values)
