"""Which font a run of text stands in: STSong-Light for Chinese, Helvetica for what it has, since neither has both well."""

from xml.sax.saxutils import escape

from simulator.certification.report.words import clean

SONG = "STSong-Light"
_LATIN = frozenset(map(chr, range(0x20, 0x7F))) | frozenset("·…–—×±°")


def font_runs(text: str, *, bold: bool = False) -> list[tuple[str, str]]:
    """(font, run) in the order of the text. A space goes with what stands before it."""
    latin = "Helvetica-Bold" if bold else "Helvetica"
    runs: list[tuple[str, str]] = []
    for letter in clean(text):
        font = runs[-1][0] if letter == " " and runs else latin if letter in _LATIN else SONG
        if runs and runs[-1][0] == font:
            runs[-1] = (font, runs[-1][1] + letter)
        else:
            runs.append((font, letter))
    return runs


def mixed(text: str) -> str:
    """The same as markup of a paragraph."""
    return "".join(escape(run) if font == SONG else f'<font face="{font}">{escape(run)}</font>' for font, run in font_runs(text))
