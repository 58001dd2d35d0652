"""What axe finds on an opened page: faults that keep readers from what is written."""

import hashlib
from importlib import resources

# The file that axe-playwright-python 0.1.8 carries: axe-core, under the MPL 2.0.
AXE_SHA256 = "84494fec757e4710dc751c8d7a636e457f4532f08f85c86dc9070133fbff53bc"
GRAVE = ("serious", "critical")
THEMES = ("light", "dark")

# Folded parts are opened, since what is not shown is not judged, but for code, which
# looks like the code in view. Nothing fades. Formulas are thousands of elements, in one
# color: two letters stand in for each, since axe says nothing of one. Of the tokens of
# code one of a kind stays in each block.
PREPARE = """theme => {
  document.head.insertAdjacentHTML(
    'beforeend', '<style>* { transition: none !important }</style>');
  for (const fold of document.querySelectorAll('details:not(.hide)')) fold.open = true;
  for (const formula of document.querySelectorAll('mjx-container'))
    formula.textContent = 'xy';
  for (const code of document.querySelectorAll('.highlight pre')) {
    const kinds = new Set();
    for (const token of code.querySelectorAll('span')) {
      if (kinds.has(token.className)) token.replaceWith(...token.childNodes);
      kinds.add(token.className);
    }
    code.normalize();
  }
  document.documentElement.dataset.theme = theme;
  document.documentElement.dataset.mode = theme;
}"""
# Tables repeat the same few looks thousands of times. Of texts that look alike in all
# themes, within elements that look alike, the first keeps its words.
SAMPLE = """([theme, themes]) => {
  const all = [...document.querySelectorAll('main *:not(svg *, style, script)')];
  const kinds = new Map(all.map(one => [one, '']));
  for (const shown of themes) {
    document.documentElement.dataset.theme = shown;
    const looks = new Map([[document.body, '']]);
    const look = e => {
      if (!looks.has(e)) {
        const style = getComputedStyle(e);
        looks.set(e, [look(e.parentElement), e.tagName, style.color, style.opacity,
          style.backgroundColor, style.backgroundImage, style.fontSize,
          style.fontWeight, style.textDecorationLine, style.visibility].join());
      }
      return looks.get(e);
    };
    for (const one of all) kinds.set(one, kinds.get(one) + look(one));
  }
  document.documentElement.dataset.theme = theme;
  const seen = new Set();
  for (const [element, kind] of kinds) {
    const words = [...element.childNodes].filter(
      node => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (seen.has(kind)) words.forEach(node => node.remove());
    else if (words.length) seen.add(kind);
  }
}"""
# A theme changes colors and nothing else.
COLORS = ["color-contrast", "link-in-text-block"]
RUN = """async ([rules, grave]) => {
  const { violations } = await axe.run(document, {
    resultTypes: ['violations'], preload: false, ...rules });
  return violations.filter(one => grave.includes(one.impact)).flatMap(one =>
    one.nodes.map(node => `${one.impact}: ${one.id} at ${node.target.join(' ')}: `
      + node.failureSummary.replace(/\\s+/g, ' ')));
}"""


def axe_script():
    """Read axe, which must be the version that the findings were judged by."""
    file = resources.files("axe_playwright_python") / "axe.min.js"
    script = file.read_bytes()
    assert hashlib.sha256(script).hexdigest() == AXE_SHA256, "another axe: look anew"
    return script.decode()


def grave_findings(page, theme):
    """Let axe name what is serious or critical on a page in one theme.

    Colors are judged last, of one text of each look; the others are gone then.

    Returns:
        A sentence for each finding.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"{axe_script()};0")
    page.evaluate(PREPARE, theme)
    found = []
    if theme == "light":
        rest = {"rules": {rule: {"enabled": False} for rule in COLORS}}
        found = page.evaluate(RUN, [rest, GRAVE])
    page.evaluate(SAMPLE, [theme, THEMES])
    return found + page.evaluate(RUN, [{"runOnly": COLORS}, GRAVE])
