"""What axe finds on an opened page: faults that keep readers from what is written."""

import hashlib
from importlib import resources

# The file that axe-playwright-python 0.1.8 carries: axe-core, under the MPL 2.0.
AXE_SHA256 = "84494fec757e4710dc751c8d7a636e457f4532f08f85c86dc9070133fbff53bc"
GRAVE = ("serious", "critical")
THEMES = ("light", "dark")

# Folded parts are opened, since what is not shown is not judged, but for code, which
# looks like the code in view. Nothing fades. Formulas are thousands of elements, in one
# color: a letter stands in for each. Of the tokens of code one of a kind stays in each
# block, for the same reason.
PREPARE = """theme => {
  document.head.insertAdjacentHTML(
    'beforeend', '<style>* { transition: none !important }</style>');
  for (const fold of document.querySelectorAll('details:not(.hide)')) fold.open = true;
  for (const formula of document.querySelectorAll('mjx-container'))
    formula.textContent = 'x';
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
# A theme changes colors and nothing else.
RUN = """async ([theme, grave]) => {
  const { violations } = await axe.run(document, {
    resultTypes: ['violations'], preload: false,
    ...(theme === 'dark' && { runOnly: ['color-contrast', 'link-in-text-block'] }) });
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
    """List what axe calls serious or critical on a page in one theme."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"{axe_script()};0")
    page.evaluate(PREPARE, theme)
    return page.evaluate(RUN, [theme, GRAVE])
