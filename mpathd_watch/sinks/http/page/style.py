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
nav { display: flex; flex-wrap: wrap; gap: .1rem .2rem; font-size: .9rem; }
nav a { padding: .12rem .55rem; border-radius: .35rem; }
nav a[aria-current] { background: var(--wait-wash); font-weight: 600; }
h2 a { color: inherit; }
.note { margin: 0 0 1rem; color: var(--soft); overflow-wrap: anywhere; }
section ul { margin: 0; padding: .3rem 0 .5rem; list-style: none; }
section li { padding: .45rem 1.1rem; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
section li:first-child { border-top: 0; } section li small { color: var(--soft); font-size: .84rem; }
section li p { margin: .1rem 0 0; color: var(--soft); font-size: .9rem; }
.running, .incidents { border-left-color: var(--bad); }
.running li { display: grid; grid-template-columns: minmax(0, 1.25fr) minmax(0, 1fr) minmax(0, 1fr); gap: .2rem 1.4rem;
  align-items: center; }
.running .cause, .incidents .cause { margin-left: .3rem; }
.left { font-size: .9rem; font-variant-numeric: tabular-nums; }
.bar { display: block; height: .3rem; margin-top: .25rem; border-radius: .2rem; background: var(--line); }
.bar i { display: block; height: 100%; border-radius: .2rem; background: var(--warn); width: 100%;
  transform-origin: left; animation: fill var(--d) linear both; }
@keyframes fill { from { transform: scaleX(var(--u)); } to { transform: scaleX(1); } }
@property --left { syntax: "<integer>"; initial-value: 0; inherits: false; }
.count b { position: absolute; opacity: 0; pointer-events: none; }
.count { font-weight: 600; }
.count::after { --left: var(--n); animation: down var(--d) linear both; counter-reset: left var(--left);
  content: counter(left) " s left"; }
@keyframes down { from { --left: var(--n); } to { --left: 0; } }
.lines { border-left-color: var(--good); }
.lines ul { padding: .2rem 0; }
.lines li { display: grid; grid-template-columns: minmax(6rem, 1.2fr) 6rem 5.5rem minmax(0, 1.2fr) minmax(8rem, 3fr);
  gap: .1rem .9rem; align-items: center; padding-top: .28rem; padding-bottom: .28rem; font-size: .9rem; }
.lines .name { font-weight: 550; color: inherit; overflow-wrap: anywhere; }
.lines .badge { justify-self: start; }
.day { display: flex; align-items: center; gap: .6rem; min-width: 0; }
.day svg { flex: 1 1 auto; width: 100%; min-width: 3rem; height: .75rem; border-radius: .2rem;
  background: var(--line); }
.day small { flex: 0 0 13rem; } .day small:empty { flex-basis: 0; } .lines .day small:empty { flex-basis: 13rem; }
.lines .names { color: var(--soft); font-size: .8rem; }
.map .day::before { content: "24 h"; flex: none; white-space: nowrap; }
.map .day { padding: 0 1.1rem .7rem; font-size: .84rem; color: var(--soft); }
rect.good { fill: var(--good); opacity: .55; } rect.warn { fill: var(--warn); }
rect.bad { fill: var(--bad); opacity: .65; }
rect { shape-rendering: crispEdges; } rect.lost { opacity: 1; }
rect.wait { fill: var(--soft); opacity: .6; } rect.gap { fill: none; }
.search { margin-top: 1.1rem; }
.search form { display: flex; flex-wrap: wrap; gap: .6rem; padding: 1.1rem; align-items: center; }
.search label { flex-basis: 100%; color: var(--soft); }
input, button { font: inherit; padding: .35rem .7rem; border: 1px solid var(--line); border-radius: .4rem;
  background: var(--ground); color: var(--ink); } input { flex: 1 1 14rem; min-width: 0; }
button { cursor: pointer; font-weight: 600; }
footer { color: var(--soft); font-size: .84rem; padding-bottom: 2rem; }
@media (max-width: 52rem) {
  main, header, footer { padding-left: .8rem; padding-right: .8rem; }
  .sources .quiet { display: none; }
  header nav { margin-left: 0; flex-basis: 100%; }
  .running li { grid-template-columns: minmax(0, 1fr); }
  .lines li { grid-template-columns: minmax(0, 1fr) auto auto; }
  .lines li .dull, .lines .names span:nth-child(4) { display: none; }
  .lines .day, .lines .cause { grid-column: 1 / -1; }
  .lines .names { grid-template-columns: minmax(0, 1fr) 5.2rem 4rem; }
  .lines .names span:last-child { grid-column: 1 / -1; }
  .day { flex-wrap: wrap; } .day svg { flex-basis: 100%; } .day small, .lines .day small { flex: 0 0 100%; }
  .day small:empty, .lines .day small:empty { display: none; }
  .wide { overflow-x: visible; } table, tbody { display: block; } thead { display: none; }
  tr { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: .15rem .8rem; padding: .6rem 1.1rem;
    border-top: 1px solid var(--line); }
  tr.trouble { background: color-mix(in srgb, var(--bad-wash) 45%, transparent); }
  td, td:first-child, td:last-child { display: block; border: 0; padding: 0; white-space: normal;
    overflow-wrap: anywhere; min-width: 0; }
  tr.trouble td { background: none; } td.health { text-align: right; } td.outage, td.target { grid-column: 1 / -1; }
  td.outage { font-weight: 600; } td.outage.none { display: none; }
  td small { display: inline; margin-left: .4rem; }
  td[data-label]::before { content: attr(data-label) " "; color: var(--soft); font-size: .82rem; }
  .timeouts td { grid-column: 1 / -1; }
}
@media (prefers-reduced-motion: reduce) { .bar i { animation: none; transform: scaleX(var(--u)); } }
"""
