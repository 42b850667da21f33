"""The style of the page of `ops status --html`: light and dark, for a phone and for a screen on a wall."""

STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --dim: #59636e; --back: #f6f8fa; --card: #ffffff; --line: #d1d9e0;
  --ok: #1a7f37; --bad: #cf222e; --note: #7d5a00; --link: #0550ae }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --dim: #9198a1; --back: #0d1117; --card: #151b23; --line: #3d444d;
    --ok: #3fb950; --bad: #ff7b72; --note: #d29922; --link: #79c0ff } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, "Liberation Sans", "DejaVu Sans", sans-serif; overflow-wrap: anywhere }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; margin-bottom: 1rem }
header p { margin: 0 }
h1 { font-size: 1.5rem; margin: 0 }
h2 { font-size: 1.25rem; margin: 0 0 .5rem }
h3 { font-size: .8rem; margin: 1rem 0 .25rem; color: var(--dim); text-transform: uppercase; letter-spacing: .05em }
main { display: grid; gap: 1rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)) }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; min-width: 0 }
a { color: var(--link) }
code { font: .875em/1.4 ui-monospace, "Liberation Mono", "DejaVu Sans Mono", monospace }
.badge { font-size: .8rem; border: 1px solid; border-radius: 1rem; padding: .1rem .6rem; vertical-align: middle;
  font-weight: 600; white-space: nowrap }
.ok { color: var(--ok) } .bad { color: var(--bad) } .note { color: var(--note) } .dim { color: var(--dim) }
.runs { margin: 0 0 .75rem }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; margin: 0 }
dt { color: var(--dim) } dd { margin: 0 }
ul { list-style: none; margin: 0; padding: 0 }
li { margin: .25rem 0 }
ul li > span, ul li > strong { display: inline-block; max-width: 100% }
ul li > strong { font-weight: 600; margin-right: .5rem }
ul li:has(.mark) { display: grid; grid-template-columns: 3rem minmax(0, 1fr) }
.mark { font-weight: 600 }
summary { cursor: pointer; margin-top: 1rem; color: var(--dim); font-size: .8rem; text-transform: uppercase;
  letter-spacing: .05em; font-weight: 700 }
.line { list-style: none; margin: .5rem 0 0 .4rem; padding: 0; border-left: 2px solid var(--line) }
.line li { position: relative; margin: 0; padding: 0 0 1rem 1.25rem; color: var(--text) }
.line li:last-child { padding-bottom: 0 }
.line li::before { content: ""; position: absolute; left: -.45rem; top: .4rem; width: .8rem; height: .8rem;
  border-radius: 50%; background: var(--ok); border: 2px solid var(--card) }
.line li.bad::before { background: var(--bad) }
.line li.bad > strong { color: var(--bad) }
@media (max-width: 30rem) {
  dl { grid-template-columns: 1fr; gap: 0 } dd { margin-bottom: .5rem } body { padding: .5rem } }
"""
