"""What the page looks like: one column, light and dark, nothing wider than the screen."""

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1c1c; --soft: #444; --line: #ccc; --link: #0b4f8a;
  --claim: #eef3ee; --edge: #4b7a4b; --code: #f3f3ef; --shade: rgb(0 0 0 / .25); }
@media (prefers-color-scheme: dark) {
  :root { --paper: #17191c; --ink: #e4e2dd; --soft: #b4b2ad; --line: #44474b; --link: #8fc1f0;
    --claim: #1f2b22; --edge: #7fb27f; --code: #22262a; --shade: rgb(0 0 0 / .8); }
  .equation img { filter: invert(.9); }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.55 Georgia, 'Times New Roman', serif;
  overflow-wrap: break-word; }
main, header, footer { max-width: 46rem; margin: 0 auto; padding: 0 1.1rem; }
header { padding-top: 2.2rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.45rem; margin: 2.8rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--line); }
p { margin: .7rem 0; }
nav ol { padding-left: 1.6rem; margin: .6rem 0 0; }
a { color: var(--link); }
blockquote { margin: .9rem 0; padding: .1rem 0 .1rem 1rem; border-left: 4px solid var(--line); color: var(--soft); }
.equation { margin: 1rem 0; text-align: center; }
.equation img { height: var(--h); max-width: none; }
figure { margin: 1.4rem auto; max-width: 40rem; }
figure img { display: block; width: 100%; height: auto; background: #fff; border-radius: 3px; }
figcaption { font-size: .88rem; color: var(--soft); margin-top: .4rem; }
.claim { margin: 1.1rem 0; padding: .6rem .9rem; background: var(--claim); border-left: 4px solid var(--edge); }
.sources { font-size: .88rem; color: var(--soft); }
.scroll { overflow-x: auto; background:
    linear-gradient(90deg, var(--paper) 30%, transparent) left / 2.5rem 100% no-repeat local,
    linear-gradient(270deg, var(--paper) 30%, transparent) right / 2.5rem 100% no-repeat local,
    radial-gradient(farthest-side at 0 50%, var(--shade), transparent) left / .9rem 100% no-repeat scroll,
    radial-gradient(farthest-side at 100% 50%, var(--shade), transparent) right / .9rem 100% no-repeat scroll; }
table { border-collapse: collapse; font: .86rem/1.4 system-ui, sans-serif; margin: 1rem 0; }
th, td { text-align: right; padding: .25rem .4rem; border-bottom: 1px solid var(--line); font-weight: normal;
  white-space: nowrap; }
thead th { font-weight: 600; white-space: normal; vertical-align: bottom; }
th:first-child { text-align: left; }
code, pre { font: .86rem/1.45 ui-monospace, Menlo, Consolas, monospace; }
pre { overflow-x: auto; background: var(--code); padding: .7rem .9rem; }
footer { margin: 3rem auto 2rem; font-size: .85rem; color: var(--soft); }
.play { border: 1px solid var(--line); border-radius: 6px; padding: .8rem .9rem; margin: 1.2rem 0;
  display: flex; flex-wrap: wrap; gap: .8rem 1.4rem; align-items: center; font: .9rem/1.4 system-ui, sans-serif; }
.play canvas { image-rendering: pixelated; width: 9rem; height: 9rem; background: #fff; border: 1px solid var(--line); }
.play canvas.map { width: 16rem; height: 16rem; image-rendering: auto; cursor: crosshair; touch-action: none; }
.play label { display: block; }
.play input[type=range] { width: 11rem; vertical-align: middle; }
.play .pane { display: inline-block; text-align: center; }
.play .pane span { display: block; max-width: 16rem; font-size: .85rem; color: var(--soft); }
.play p { flex-basis: 100%; margin: 0; }
[hidden] { display: none !important; }
"""
