"""A pytest plugin: a run in which a test was skipped, or expected to fail, has not passed."""

import pytest

_UNPROVEN = ("skipped", "xfailed", "xpassed")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Turn a green run with unproven tests into a failed one."""
    if exitstatus == pytest.ExitCode.OK and _unproven(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say why the run is red although no test failed."""
    if count := _unproven(config):
        terminalreporter.write_line(
            f"tests: expected none skipped or expected to fail, got {count}", red=True
        )


def _unproven(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return sum(len(reporter.stats.get(outcome, ())) for outcome in _UNPROVEN) if reporter else 0
