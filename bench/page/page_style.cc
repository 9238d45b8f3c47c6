#include "bench/page/page_style.h"

namespace bench::page {

// Series colours: told apart with any of the common colour blindnesses (after Okabe and Ito), and
// with at least 3:1 against the paper in either scheme.
std::string_view page_style() {
  return R"css(
:root {
  color-scheme: light dark;
  --paper: #fff; --panel: #f5f7f9; --ink: #1c2128; --soft: #57606a; --rule: #d5dbe1; --grid: #e9edf1;
  --ours: #0068a8; --rival: #aab4bf; --whisker: #1c2128;
  --good: #146c43; --good-panel: #e6f4ec; --bad: #b3261e; --bad-panel: #fcebe9;
  --s0: #0068a8; --s1: #c14f00; --s2: #00795a; --s3: #a2447f; --s4: #6a6100; --s5: #5a55c8;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #12161b; --panel: #1b2128; --ink: #e4e9ee; --soft: #9aa6b2; --rule: #343d47;
    --grid: #242b33; --ours: #4aa8e8; --rival: #56626f; --whisker: #e4e9ee;
    --good: #63cf97; --good-panel: #14301f; --bad: #ff8f85; --bad-panel: #3a1a18;
    --s0: #4aa8e8; --s1: #f0883e; --s2: #33c296; --s3: #e29bc6; --s4: #d3c53d; --s5: #a7a4ff;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans",
    Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
main, header, footer { max-width: 54rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; padding-bottom: .5rem; }
h1 { font-size: 1.75rem; line-height: 1.2; letter-spacing: -.01em; margin: 0 0 .4rem; }
h2 {
  font-size: 1.2rem; line-height: 1.3; margin: 2.75rem 0 1rem; padding-top: 1rem;
  border-top: 1px solid var(--rule);
}
header p, .hint, footer, caption, .tile span, .tile small { color: var(--soft); }
p { max-width: 44rem; }
header p { margin: 0; max-width: none; }
section:first-child h2 { margin-top: 1.5rem; }
.warning {
  background: var(--bad-panel); border-left: 4px solid var(--bad); border-radius: 4px;
  padding: .6rem .9rem; margin: .75rem 0; max-width: none;
}
.praise {
  background: var(--good-panel); border-left: 4px solid var(--good); border-radius: 4px;
  padding: .6rem .9rem; margin: .75rem 0; max-width: none;
}
.tiles {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .75rem;
  margin: 1rem 0; padding: 0; list-style: none;
}
.tile { background: var(--panel); border-radius: 8px; padding: .8rem 1rem .75rem; min-width: 0; }
.tile > * { display: block; }
.tile span, .tile small { font-size: .8125rem; line-height: 1.4; }
.tile b { font-size: 1.375rem; font-weight: 600; line-height: 1.35; letter-spacing: -.01em; }
.tile.good b { color: var(--good); }
.tile.bad b { color: var(--bad); }
figure { margin: 1.75rem 0 2rem; break-inside: avoid; }
figcaption { margin-bottom: .6rem; }
figcaption h3 { display: inline; font-size: 1rem; line-height: 1.4; margin: 0 .4rem 0 0; }
.hint { font-size: .875rem; margin-right: .4rem; }
.verdict {
  display: inline-block; font-size: .8125rem; font-weight: 600; line-height: 1.4;
  border-radius: 4px; padding: .05rem .5rem;
  background: var(--panel); color: var(--soft);
}
.verdict.good { background: var(--good-panel); color: var(--good); }
.verdict.bad { background: var(--bad-panel); color: var(--bad); }
svg { display: block; width: 100%; height: auto; }
svg.narrow { display: none; }
@media screen and (max-width: 44rem) {
  svg.wide { display: none; }
  svg.narrow { display: block; max-width: 30rem; }
  .tiles { grid-template-columns: repeat(auto-fill, minmax(9.25rem, 1fr)); }
  .tile { padding: .7rem .8rem; }
  header { padding-top: 1.5rem; }
  h1 { font-size: 1.45rem; }
  main, header, footer { padding-left: 1rem; padding-right: 1rem; }
}
.pair {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
  gap: 0 2rem;
}
.pair figure { margin: 1rem 0; min-width: 0; }
.pair svg.narrow { display: block; max-width: 30rem; }
svg text { font-size: 13px; fill: var(--ink); }
svg .tick, svg .axis-name, svg .note { fill: var(--soft); }
svg .strong { font-weight: 600; }
.grid { stroke: var(--grid); stroke-width: 1; }
.axis { stroke: var(--soft); stroke-width: 1; }
.series { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.leader { fill: none; stroke-width: 1; stroke-dasharray: 1.5 3; }
.whisker { stroke: var(--whisker); stroke-width: 1.25; }
.bar.ours { fill: var(--ours); }
.bar.rival { fill: var(--rival); }
.bar.baseline { fill: none; stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 2; }
polyline.s0 { stroke: var(--s0); } line.s0 { stroke: var(--s0); }
polyline.s1 { stroke: var(--s1); } line.s1 { stroke: var(--s1); }
polyline.s2 { stroke: var(--s2); } line.s2 { stroke: var(--s2); }
polyline.s3 { stroke: var(--s3); } line.s3 { stroke: var(--s3); }
polyline.s4 { stroke: var(--s4); } line.s4 { stroke: var(--s4); }
polyline.s5 { stroke: var(--s5); } line.s5 { stroke: var(--s5); }
polyline.failed { stroke: var(--bad); }
circle.s0, rect.s0 { fill: var(--s0); }
circle.s1, rect.s1 { fill: var(--s1); }
circle.s2, rect.s2 { fill: var(--s2); }
circle.s3, rect.s3 { fill: var(--s3); }
circle.s4, rect.s4 { fill: var(--s4); }
circle.s5, rect.s5 { fill: var(--s5); }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; min-width: min(100%, 22rem); font-size: .875rem; line-height: 1.45; }
table.wide { width: 100%; }
caption { text-align: left; padding-bottom: .4rem; font-size: .875rem; }
th, td {
  text-align: left; font-weight: 400; vertical-align: top; padding: .3rem 1.25rem .3rem 0;
  border-bottom: 1px solid var(--rule); overflow-wrap: normal;
}
thead th { font-weight: 600; vertical-align: bottom; border-bottom-color: var(--soft); }
th.number, td.number { text-align: right; }
td.number { white-space: nowrap; }
.wide th[scope="row"] { min-width: 8rem; }
th:last-child, td:last-child { padding-right: 0; }
details { font-size: .875rem; margin-top: .4rem; }
summary { color: var(--soft); cursor: pointer; width: fit-content; }
footer { font-size: .8125rem; padding-top: 2rem; padding-bottom: 2.5rem; }
@media print {
  body { font-size: 10pt; }
  main, header, footer { max-width: none; padding-left: 0; padding-right: 0; }
  header { padding-top: 0; }
  h2, h3 { break-after: avoid; }
  details { display: none; }
  .tile { border: 1px solid var(--rule); }
}
)css";
}

}  // namespace bench::page
