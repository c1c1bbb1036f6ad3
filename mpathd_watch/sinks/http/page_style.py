"""The style sheet of the page: no external resource, light and dark as the reader's system has it."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark;
  --ground: #f6f7f9; --card: #fff; --line: #e2e5ea; --ink: #1b1f26; --soft: #626b79;
  --good: #1a7f4b; --warn: #9a6200; --bad: #c3271b; --wait: #1f6fb2;
  --good-wash: #e5f4ec; --warn-wash: #fdf1d9; --bad-wash: #fce8e6; --wait-wash: #e6f0f9; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #14171c; --card: #1c2027; --line: #2d333d; --ink: #e4e7ec; --soft: #97a1b0;
  --good: #58c78d; --warn: #e0ac4c; --bad: #ff8177; --wait: #74b6ee;
  --good-wash: #17301f; --warn-wash: #352a13; --bad-wash: #3d1c1a; --wait-wash: #182b3d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main, header, footer { max-width: 88rem; margin: 0 auto; padding: 0 1.5rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.25rem; padding-top: 1.75rem; }
h1 { margin: 0; font-size: 1.3rem; font-weight: 650; letter-spacing: -.01em; }
h2 { margin: 0; font-size: 1.08rem; font-weight: 650; overflow-wrap: anywhere; }
header p { margin: 0; color: var(--soft); }
header nav { margin-left: auto; }
a { color: var(--wait); text-decoration: none; } a:hover { text-decoration: underline; }
.sources { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1.1rem 0 1.4rem; padding: 0; list-style: none; }
.sources li { border: 1px solid var(--line); border-radius: .45rem; background: var(--card); padding: .2rem .65rem;
  font-size: .87rem; }
.sources li.bad { flex-basis: 100%; border-color: var(--bad); background: var(--bad-wash); padding: .5rem .8rem; }
.sources small { color: var(--soft); font-size: inherit; }
.sources li.bad p { margin: .1rem 0 0; overflow-wrap: anywhere; }
section { margin: 0 0 1.1rem; background: var(--card); border: 1px solid var(--line);
  border-left: 4px solid var(--line); border-radius: .55rem; overflow: hidden; }
section.good { border-left-color: var(--good); } section.warn { border-left-color: var(--warn); }
section.bad { border-left-color: var(--bad); } section.wait { border-left-color: var(--wait); }
.head { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .9rem; padding: .75rem 1.1rem .15rem; }
.badge { display: inline-block; border-radius: .35rem; padding: .04rem .5rem; font-size: .82rem; font-weight: 600;
  white-space: nowrap; }
.badge.good { color: var(--good); background: var(--good-wash); }
.badge.warn { color: var(--warn); background: var(--warn-wash); }
.badge.bad { color: var(--bad); background: var(--bad-wash); }
.badge.wait { color: var(--wait); background: var(--wait-wash); }
.since { color: var(--soft); font-size: .9rem; }
.outlook { color: var(--bad); font-weight: 600; font-size: .9rem; }
.facts { margin: 0; padding: 0 1.1rem .7rem; color: var(--soft); font-size: .84rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .89rem; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; color: var(--soft); font-size: .8rem; }
th, td { padding: .38rem .48rem; border-top: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 1.1rem; } th:last-child, td:last-child { padding-right: 1.1rem; }
td.name { font-weight: 550; } td small { display: block; color: var(--soft); font-size: .82rem; }
td.outage { white-space: normal; min-width: 7rem; }
td.target { white-space: normal; overflow-wrap: anywhere; min-width: 14rem; max-width: 26rem; }
tr.trouble td { background: color-mix(in srgb, var(--bad-wash) 45%, transparent); }
.dull { color: var(--soft); } .off { color: var(--bad); font-weight: 600; }
.empty { padding: 2.2rem; text-align: center; color: var(--soft); border-left-width: 1px; }
footer { color: var(--soft); font-size: .84rem; padding-bottom: 2rem; }
"""
