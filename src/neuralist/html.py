"""HTML pages that open offline, from the templates of a package."""

from typing import Any

import jinja2


def render(package: str, template: str, **values: Any) -> str:
    """Fill a file of a package's folder `templates`; every value is escaped, a missing one is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(template).render(**values)
