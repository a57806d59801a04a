"""A run as JUnit XML, which CI systems show: one suite for the run, one test case for each cell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET  # only written, never parsed

from farm.dispatch.report import GOOD
from farm.show.summary import meaningful

if TYPE_CHECKING:
    from farm.dispatch.report import CellReport, RunReport

# What XML 1.0 cannot hold at all; compilers and terminals print it all the same.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: RunReport) -> str:
    """The XML text."""
    bad = [cell for cell in report.cells if cell.end not in GOOD]
    skipped = sum(cell.end == "not built" for cell in bad)
    suite = ET.Element(
        "testsuite",
        name=f"farm {report.run}".strip(),
        tests=str(len(report.cells)),
        failures=str(len(bad) - skipped),
        skipped=str(skipped),
        errors="0",
        time=f"{report.seconds:.3f}",
    )
    for cell in report.cells:
        _case(suite, cell)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _case(suite: ET.Element, cell: CellReport) -> None:
    seconds = sum(step.seconds for step in cell.steps)
    case = ET.SubElement(suite, "testcase", classname="farm", name=cell.cell, time=f"{seconds:.3f}")
    if cell.end == "not built":
        ET.SubElement(case, "skipped", message="it was not built: see the run's other cells")
    elif cell.failure:
        failure = cell.failure
        element = ET.SubElement(case, "failure", type=failure.kind, message=_clean(failure.message))
        element.text = _clean("\n".join(line for line in (failure.message, failure.hint, cell.log) if line))
    if lines := meaningful(cell.log_tail):
        ET.SubElement(case, "system-out").text = _clean("\n".join(lines))


def _clean(text: str) -> str:
    return _ILLEGAL.sub("�", text)
