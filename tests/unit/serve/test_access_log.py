import io
import json
import logging

from seqloom.serve.access_log import AccessLog, AccessLogHandler


def test_a_failure_is_told_without_its_message() -> None:
    stream = io.StringIO()
    access_log = AccessLog(stream)
    logger = logging.getLogger("tests.access_log")
    handler = AccessLogHandler(access_log)
    logger.addHandler(handler)
    logger.propagate = False
    try:
        int("secret")
    except ValueError as error:
        access_log.failure(error, route="/translate")
        logger.exception("it failed for %s", "secret")
    logger.warning("of %s", "secret")
    logger.info("not told")
    logger.removeHandler(handler)
    assert "secret" not in stream.getvalue()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["failure", "failure", "library"]
    assert all(line["error"] == "ValueError" and "test_access_log.py" in line["where"][0] for line in lines[:2])
    assert lines[2]["message"] == "of %s"


def test_a_reader_that_has_gone_stops_nothing() -> None:
    stream = io.StringIO()
    access_log = AccessLog(stream)
    stream.close()
    access_log.write("a")
    access_log.write("b")
    AccessLog(None).write("c")
