"""What is known of a session when it begins."""

import pytest
from mitmproxy import http

from wsproxy.mitm.facts import http_target, target


@pytest.mark.parametrize(
    "url",
    ["http://[::1]:9006/status?a=b", "https://[2001:db8::7]/", "http://skyq:9006/", "https://192.0.2.7/"],
)
def test_a_target_is_a_url_again(url: str) -> None:
    request = http.Request.make("GET", url)
    assert http_target(request) == url
    assert target(request) == "ws" + url.removeprefix("http")
