"""A plug-in of pytest that fails the run if a test is skipped for a reason that is not on a list.

The list has a regular expression a line. It must match the whole reason; what follows ``##`` says why it is allowed.
"""

import re
from pathlib import Path

_skipped: set[str] = set()


def pytest_addoption(parser):
    parser.addoption("--allowed-skips", metavar="FILE", help="the reasons for which a test may be skipped")


def pytest_runtest_logreport(report):
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.add(str(report.longrepr[2]).removeprefix("Skipped: "))


def pytest_sessionfinish(session):
    path = session.config.getoption("--allowed-skips")
    if not path or hasattr(session.config, "workerinput"):  # a worker of xdist: the controller decides
        return
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    allowed = [line.split("##")[0].strip() for line in lines if line.strip() and not line.startswith("#")]
    others = [reason for reason in sorted(_skipped) if not any(re.fullmatch(one, reason) for one in allowed)]
    if others:
        print(f"\ntests were skipped for reasons that {path} does not allow:", *others, sep="\n  ")
        session.exitstatus = 1
