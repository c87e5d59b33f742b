"""Names that want to be more than text. Every renderer must show them as text, and nothing else."""

HOSTILE = {
    "markup": "<img src=x onerror=\"window.hacked='markup'\"><b>bold</b>",
    "end of script": "</script><script>window.hacked='script'</script><!--<script>",
    "svg": "<svg onload=\"window.hacked='svg'\"><animate onbegin=alert(1)>",
    "link": "javascript:window.hacked='link'",
    "attribute": "\" onmouseover=\"window.hacked='attribute'\" x='",
    "markdown": "[click](javascript:alert(1)) ![x](http://evil.example/x.png) | `code` **bold** www.evil.example",
    "template": "${window.hacked='template'} {{7*7}} $data $script",
    "prototype": "__proto__",
    "right to left": "invoice\u202efdp.exe\u2066\u200b",
    "control": "red\x1b[31m \x07\x00 line\nnext\r\x85\u2028",
    "surrogates and planes": "\U000e0041\ufeff😀",
    "long": "x" * 10_000,
}
