"""The theme's style sheets without what no page of the book shows.

The theme ships all of Bootstrap, and a rule for each of 2,000 icons. A rule for nothing but
classes that stand in no page and no script changes nothing, and is left out.
"""

import re
from collections.abc import Set

ICON_FONTS = "vendor/fontawesome/webfonts"
ICON_FONT = "fa-solid-900"
FONT_RULE = re.compile(r"@font-face\{[^}]*font-family:Font Awesome[^}]*\}")
FONT_PLACES = re.compile(r"src:[^}]*\.woff2[^}]*")
ICON_RULE = re.compile(r'(?:\.fa-[a-z0-9-]+:+before,?)+\{content:"[^"]*"\}')
WORD = re.compile(r"[\w-]+")
CLASS = re.compile(r"\.([A-Za-z][\w-]*)")
# A rule whose selectors are one class each: what the theme's tools are made of.
CLASS_RULE = re.compile(r"(?<=[{}])(\.[A-Za-z][\w-]*(?:,\.[A-Za-z][\w-]*)*)\{[^{}]*\}")


def with_one_icon_font(style: str) -> str:
    """Take from a style sheet the fonts that no page uses, and a rule for each icon.

    Args:
        style: The style sheet.

    Returns:
        The style sheet with the one font that is left, in its new format.
    """
    place = f'src:url(../{ICON_FONTS}/{ICON_FONT}.woff) format("woff")'

    def changed(rule: re.Match[str]) -> str:
        return FONT_PLACES.sub(place, rule[0]) if ICON_FONT in rule[0] else ""

    return ICON_RULE.sub("", FONT_RULE.sub(changed, style))


def without_unused_classes(style: str, words: Set[str]) -> str:
    """Take from a style sheet the rules for classes that nothing has.

    Args:
        style: The style sheet, without spaces between its parts.
        words: All that stand in pages and scripts. One that ends with a dash is what a
            script makes names of classes from.

    Returns:
        The style sheet; rules with any other selector are as they were.
    """
    starts = tuple(word for word in words if re.fullmatch(r"[a-z][\w-]+-", word))

    def kept(rule: re.Match[str]) -> str:
        names = CLASS.findall(rule[1])
        return rule[0] if any(n in words or n.startswith(starts) for n in names) else ""

    return CLASS_RULE.sub(kept, style)
