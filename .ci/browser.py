"""Look at the rendered site in headless Chromium, as a reader would. Prints a line `FAIL page: defect` for each.

    python .ci/browser.py [DOCS] [--pages NAME,NAME] [--counts] [--mathjax FOLDER]

DOCS is `_docs` where none is given. `--counts` ends with a table of all that was counted. Needs `playwright` (its own
browser is not used) and a Chromium or Chrome. Pages are served from this machine; where the network is off, MathJax can
come from a FOLDER that holds the npm package.

Measured at 1280 and 390 px, in light and dark: code or outputs that must be scrolled, a page wider than its window, words
of tables broken in pieces, console errors, text of a contrast under 4.5; and whether the figure that answers says what
the package says. Once a page: dead links and anchors, pictures without alt text, raw Markdown, size without pictures.
"""
import argparse
import ast
import configparser
import functools
import html
import http.server
import json
import re
import runpy
import shutil
import sys
import threading
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
WIDTHS = 1280, 390
THEMES = {"light": "default", "dark": "alternate"}   # Quarto's names for them
CONTRAST = 4.5
LARGEST = 400_000      # bytes of a page without its pictures
SMALLEST = 400         # px of a picture at 1280 px; under it labels cannot be read
CHROMES = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"

# What a page is asked. All folded code is opened first.
ASK = r"""
({contrast, smallest}) => {
  document.querySelectorAll('details').forEach(d => d.open = true);
  const found = [], say = (kind, text) => found.push([kind, [...text.trim().replace(/\s+/g, ' ')].slice(0, 70).join('')]);
  const main = document.querySelector('main') || document.body;
  const over = e => e.scrollWidth > e.clientWidth + 1;
  const seen = e => e.getClientRects().length > 0;
  for (const p of main.querySelectorAll('pre')) {
    if (!seen(p)) continue;
    const boxes = [p, p.querySelector('code'), p.closest('div.sourceCode')].filter(Boolean);
    if (boxes.some(over))
      say(p.closest('.cell-output') ? 'output scrolls' : 'code scrolls', p.innerText);
  }
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth + 1) {
    const wide = [...main.querySelectorAll('*')].filter(e => {
      if (e.getBoundingClientRect().right <= innerWidth + 1) return false;
      for (let a = e.parentElement; a && a !== root; a = a.parentElement)
        if (/auto|scroll|hidden/.test(getComputedStyle(a).overflowX)) return false;
      return true;
    });
    say('page wider than its window', wide.slice(0, 3).map(e => e.tagName.toLowerCase() + '.' + e.className).join(', '));
  }
  for (const t of main.querySelectorAll('table'))
    if (seen(t) && (over(t) || (t.parentElement !== main && over(t.parentElement)))) say('wide table in its box', t.innerText);
  for (const e of main.querySelectorAll('mjx-container[display="true"], span.math.display'))
    if (seen(e) && over(e)) say('wide equation in its box', e.id || e.innerText);
  for (const c of main.querySelectorAll('td, th')) {
    const walk = document.createTreeWalker(c, NodeFilter.SHOW_TEXT);
    for (let n; n = walk.nextNode();)
      for (const m of n.data.matchAll(/[\w.]+/g)) {
        const r = document.createRange(); r.setStart(n, m.index); r.setEnd(n, m.index + m[0].length);
        if (new Set([...r.getClientRects()].map(b => Math.round(b.top))).size > 1) say('word of a table broken', m[0]);
      }
  }
  const rgb = s => { const m = s.match(/[\d.]+/g).map(Number); return s.startsWith('color(') ? [m[0]*255, m[1]*255, m[2]*255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1]; };
  const lum = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126*r + .7152*g + .0722*b; };
  const mix = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] + under[i] * (1 - top[3]));
  const back = e => { const b = rgb(getComputedStyle(e).backgroundColor); if (b[3] === 1) return b;
    const under = e.parentElement ? back(e.parentElement) : [255, 255, 255]; return mix(b, under); };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), done = new Set();
  for (let n; n = walk.nextNode();) {
    const e = n.parentElement, style = getComputedStyle(e);
    if (!n.data.trim() || !seen(e) || style.visibility === 'hidden' || /SCRIPT|STYLE|NOSCRIPT/.test(e.tagName)) continue;
    if (e.closest('.sr-only, .visually-hidden, [aria-hidden="true"], svg, mjx-container')) continue;
    let alpha = 1; for (let a = e; a; a = a.parentElement) alpha *= getComputedStyle(a).opacity;
    if (alpha < .05) continue;
    const under = back(e), ink = rgb(style.color), a = lum(mix([...ink.slice(0, 3), ink[3] * alpha], under)), b = lum(under);
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const key = e.tagName + '.' + e.className + ' ' + (e.closest('main') ? 'main' : e.closest('nav, header, footer')?.id ?? '');
    if (ratio < contrast && !done.has(key)) { done.add(key); say('contrast', ratio.toFixed(1) + ' ' + key + ': ' + n.data); }
  }
  for (const i of main.querySelectorAll('img'))
    if (seen(i) && innerWidth > 1000 && i.getBoundingClientRect().width < smallest) say('small picture', Math.round(i.getBoundingClientRect().width) + ' px ' + (i.closest('[id^=fig-]')?.id ?? i.src.slice(-40)));
  const copy = main.cloneNode(true); copy.querySelectorAll('pre, code, script, style').forEach(e => e.remove());
  for (const m of copy.textContent.matchAll(/\[[^\]\n]{0,60}\]\([^)\s]{1,200}\)|@(?:fig|tbl|eq)-[\w-]+/g)) say('raw Markdown', m[0]);
  return found;
}
"""
ONCE = {"raw Markdown", "small picture"}                 # counted at 1280 px in light only
TOLD = {"small picture", "wide table in its box", "wide equation in its box"}        # told, but no defect of a page
PER_WIDTH = {"code scrolls", "output scrolls", "page wider than its window", "wide table in its box", "wide equation in its box",
             "word of a table broken"}


class Page(HTMLParser):
    "Names, links and pictures of a page."

    def __init__(self, text: str):
        super().__init__()
        self.names, self.links, self.pictures = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list):
        a = dict(attrs)
        self.names |= {a.get("id"), a.get("name") if tag == "a" else None}
        if tag == "a" and a.get("href"): self.links.append(a["href"])
        if tag == "img": self.pictures.append((a.get("alt"), a.get("src", "")))


def read_pages(docs: Path) -> dict[Path, Page]:
    "Every page of the site."
    return {p: Page(p.read_text(encoding="utf-8")) for p in sorted(docs.rglob("*.html")) if "site_libs" not in p.parts}


def still(docs: Path, pages: dict[Path, Page]):
    "Defects that need no browser: (page, kind, text)."
    for path, page in pages.items():
        name = path.relative_to(docs).as_posix()
        for link in dict.fromkeys(page.links):
            url = urlsplit(link)
            if url.scheme or url.netloc or path.name == "404.html": continue
            to = (path.parent / unquote(url.path)).resolve() if url.path else path
            if to.is_dir(): to = to / "index.html"
            if not to.exists(): yield name, "dead link", link
            elif url.fragment and to in pages and unquote(url.fragment) not in pages[to].names: yield name, "dead anchor", link
        for alt, src in page.pictures:
            if not alt: yield name, "picture without alt", src[-60:]
        text = re.sub(r'"data:image/[^"]+"', '""', path.read_text(encoding="utf-8"))
        if len(text.encode()) > LARGEST: yield name, "page over 400 kB", f"{len(text.encode()) // 1000} kB without its pictures"


def base() -> str:
    "Folder of the host under which the site is published; the page for a wrong address counts on it."
    settings = configparser.ConfigParser(delimiters=["="])
    settings.read(ROOT / "settings.ini", encoding="utf-8")
    return settings["DEFAULT"]["doc_baseurl"].rstrip("/")


def serve(docs: Path) -> http.server.ThreadingHTTPServer:
    "The site on a free port of this machine."
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_): pass
        def translate_path(self, path): return super().translate_path(path.removeprefix(base()))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(docs)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def looked_at(docs: Path, names: list[str], mathjax: Path | None):
    "Defects seen in a browser: (page, kind, text)."
    from playwright.sync_api import sync_playwright

    def route(r):
        at = r.request.url
        if "127.0.0.1" in at: return r.continue_()
        if mathjax is None: return r.continue_()
        file = mathjax / at.partition("mathjax@3/")[2]
        return r.fulfill(path=str(file)) if file.is_file() else r.abort()

    chrome = next(filter(None, map(shutil.which, CHROMES)), None)
    if not chrome: sys.exit("There is no Chromium. Install the package chromium, or Google Chrome.")
    server = serve(docs)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chrome, args=["--no-sandbox"])
        for theme, scheme in THEMES.items():
            page = browser.new_context(viewport=dict(width=WIDTHS[0], height=900)).new_page()
            page.add_init_script(f"localStorage.setItem('quarto-color-scheme', '{scheme}')")
            page.route("**/*", route)
            errors = []
            page.on("pageerror", lambda e: errors.append(str(e)))
            page.on("console", lambda m: m.type == "error" and "Failed to load resource" not in m.text and errors.append(m.text))
            for name in names:
                errors.clear()
                page.goto(f"http://127.0.0.1:{server.server_port}{base()}/{name}")
                page.wait_for_function("!document.querySelector('.math') || !window.MathJax?.startup || MathJax.startup.promise.then(() => true)", timeout=20_000)
                for width in WIDTHS:
                    page.set_viewport_size(dict(width=width, height=900))
                    page.wait_for_timeout(60)
                    for kind, text in page.evaluate(ASK, dict(contrast=CONTRAST, smallest=SMALLEST)):
                        first = theme == "light" and width == WIDTHS[0]
                        if kind in ONCE and not first or kind in PER_WIDTH and theme != "light": continue
                        yield name, kind + (f" at {width}" if kind in PER_WIDTH else "" if kind in ONCE else f" in {theme}"), text
                    if page.locator(FIGURE).count():
                        for text in unanswered(page): yield name, f"wrong answer at {width} in {theme}", text
                if page.locator(FIGURE).count():
                    for text in still_picture(browser, page.url): yield name, "figure", text
                for e in errors: yield name, "console error", e
        browser.close()
    server.shutdown()


FIGURE = "#hough-figure"
# What is seen of an answer: the bins of the Hough space, the winning offset, lines to partners, the chosen cell.
SEEN = """f => {
  const all = s => [...f.querySelectorAll(s)], n = (e, k) => Number(e.getAttribute(k));
  return {...f.answer, bins: all('.space .heat').map(e => n(e, 'fill-opacity')),
    ring: all('.space circle').map(e => [n(e, 'cx'), n(e, 'cy')]), text: f.querySelector('[role=status]').innerText,
    ends: all('line').map(e => [n(e, 'x2'), n(e, 'y2')]), checked: all('.cell').findIndex(e => e.ariaChecked === 'true')};
}"""
# photograph, sigma, d, cell, pairs by votes or by looks
QUESTIONS = (0, 0.5, 3, 18, "partner"), (1, 0, 1, 0, "partner"), (1, 1.5, 6.5, 47, "looks"), (0, 3, 10, 25, "partner")


def told_wrong(seen: dict, cos, sigma: float, d: float, cell: int, by: str):
    "Where an answer of the figure differs from the package; `cos` (1,N,N), float64."
    import torch
    from houghcl.appearance import sharpen
    from houghcl.hough import hough_confidence, hough_votes, smooth_votes
    S = round(cos.shape[1] ** 0.5)
    conf, own = sharpen(cos, d), torch.arange(S * S)
    h, score = smooth_votes(hough_votes(conf, S), sigma)[0], hough_confidence(conf, S, sigma=sigma)[0]
    near = lambda a, b: torch.allclose(torch.tensor(a, dtype=torch.float64), b.flatten(), rtol=1e-9, atol=1e-12)
    x, y = seen["offset"]
    partner = torch.tensor(seen["partner"])
    best = score.amax(1) > 0
    chosen = torch.where(best, score[own, partner], cos[0][own, partner])
    if not near(seen["h"], h) or not near(seen["bins"], h / h.max()): yield "votes"
    if not near(seen["confidence"], score): yield "confidence"
    if h[y + S - 1, x + S - 1] < h.max() * (1 - 1e-9) or seen["ring"][0] != [x, y]: yield "winning offset"
    if not near(chosen.tolist(), torch.where(best, score.amax(1), cos[0].amax(1))): yield "pairs"
    if not near(cos[0][own, torch.tensor(seen["looks"])].tolist(), cos[0].amax(1)): yield "pairs by looks"
    if seen["ends"] != [[j % S + S + 1.5, j // S + 0.5] for j in seen[by]]: yield "lines of the pairs"
    if seen["cell"] != cell or seen["checked"] != cell: yield "chosen cell"
    if f"row {cell // S}, column {cell % S} of a" not in seen["text"]: yield "text"


def unanswered(page):
    "Questions that the figure of a page answers wrongly, by mouse and by keys."
    import torch
    figure = page.locator(FIGURE)
    data = json.loads(figure.locator("script").text_content())
    S = data["side"]
    for photo, sigma, d, cell, by in QUESTIONS:
        figure.locator(f"[name=by][value={by}]").check()
        figure.locator(f"[name=photo][value='{photo}']").check()
        figure.locator("[name=sigma]").fill(str(sigma))
        figure.locator("[name=d]").fill(str(d))
        figure.locator(".cell").nth(cell).click()
        if cell % S < S - 1:
            page.keyboard.press("ArrowRight")
            cell += 1
        cos = torch.tensor(data["photos"][photo]["cos"], dtype=torch.float64).view(1, S * S, S * S) / 1000
        for what in told_wrong(figure.evaluate(SEEN), cos, sigma, d, cell, by): yield f"{what}, photograph {photo}, sigma {sigma}, d {d}, cell {cell}"


def still_picture(browser, url: str):
    "The figure that answers, where scripts are off."
    page = browser.new_context(java_script_enabled=False, viewport=dict(width=WIDTHS[0], height=900)).new_page()
    page.goto(url)
    box = page.locator(f"{FIGURE} img").bounding_box()
    if not box or box["width"] < SMALLEST: yield "no picture where scripts are off"
    page.context.close()


def sources(docs: Path) -> Counter:
    "How many of the package's functions and classes stand on their page once, never or more often, with their whole text."
    package = ROOT / "houghcl"
    names = {k: v for syms in runpy.run_path(str(package / "_modidx.py"))["d"]["syms"].values() for k, v in syms.items()}
    count, texts = Counter(), {}
    for full, (at, file) in names.items():
        _, _, *name = full.split(".")
        if len(name) > 1: continue      # a method
        code = (package.parent / file).read_text(encoding="utf-8")
        node = next(n for n in ast.parse(code).body if getattr(n, "name", None) == name[0])
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        text = "\n".join(code.splitlines()[first - 1:node.end_lineno])
        path = docs / at.split("#")[0]
        if path not in texts:
            blocks = re.findall(r"<pre.*?</pre>", path.read_text(encoding="utf-8"), re.S) if path.exists() else []
            texts[path] = html.unescape(re.sub(r"<[^>]+>", "", "\n".join(blocks)))
        count[min(2, texts[path].count(text))] += 1
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("docs", nargs="?", default="_docs", type=Path)
    parser.add_argument("--pages", default="", help="only these, as hough,train")
    parser.add_argument("--counts", action="store_true", help="end with a table of all that was counted")
    parser.add_argument("--mathjax", type=Path, help="folder of the npm package, where the network is off")
    args = parser.parse_args()
    docs = args.docs.resolve()
    pages = read_pages(docs)
    if not pages: sys.exit(f"There are no pages in {args.docs}. Make them: nbdev_docs.")
    names = [p.relative_to(docs).as_posix() for p in pages]
    if args.pages: names = [n for n in names if Path(n).stem in args.pages.split(",")]
    found = [x for x in still(docs, pages) if x[0] in names]
    found += dict.fromkeys(looked_at(docs, names, args.mathjax))
    told = lambda kind: re.sub(r" at \d+$", "", kind) in TOLD
    for name, kind, text in found: print(f"{'told' if told(kind) else 'FAIL'} {name}: {kind}: {text}")
    if args.counts:
        for kind, n in sorted(Counter(kind for _, kind, _ in found).items()): print(f"{n:6}  {kind}, on {len({f[0] for f in found if f[1] == kind})} pages")
        once = sources(docs)
        print(f"{sum(once.values()):6}  definitions: {once[1]} stand once, {once[0]} never, {once[2]} more often")
    bad = {name for name, kind, _ in found if not told(kind)}
    print(f"{len(names) - len(bad)} passed, {len(bad)} failed")
    return int(bool(bad))


if __name__ == "__main__": sys.exit(main())
