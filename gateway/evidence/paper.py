"""`python -m gateway.evidence.paper FORM WISH NAMES`: the month's report as `pdf` or `xlsx`, by a process of its own."""

import sys
from collections.abc import Callable
from zoneinfo import ZoneInfo

import msgspec

from gateway.evidence.apart import answer, give_way
from gateway.evidence.pdf import document
from gateway.evidence.report import Report, Wish, report
from gateway.evidence.sheets import workbook
from gateway.evidence.words import Names

FORMS: dict[str, Callable[[Report, Names, ZoneInfo], bytes]] = {"pdf": document, "xlsx": workbook}
NEEDS = {"pdf": "reportlab", "xlsx": "xlsxwriter"}
"""Of the extra `reports`."""


def main() -> None:
    give_way()
    form, wish, names = sys.argv[1], msgspec.json.decode(sys.argv[2], type=Wish), msgspec.json.decode(sys.argv[3], type=Names)
    answer(FORMS[form](report(wish), names, ZoneInfo(wish.zone)))


if __name__ == "__main__":
    main()
