"""The templates of pages and scripts, in templates/."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup, escape

from autograder.wording import counted, duration, readable


def template_text(name: str) -> str:
    """A file of templates/."""
    return files("autograder").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def template(name: str) -> jinja2.Template:
    """A page's template, which has filters for points, how many, how long, a check's name, and breaks on a phone."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["points"] = lambda value: f"{round(value, 2):g}"
    environment.filters["breakable"] = lambda text: Markup(escape(text).replace("_", Markup("_<wbr>")))
    environment.filters |= {"readable": readable, "counted": counted, "duration": duration}
    return environment.from_string(template_text(name))
