"""Every address that can give out more than a page is on the list, with its right; found by walking the code."""

import pytest

from tests.house import reference
from tests.house.reach import ways_out
from tests.house.releases import RELEASES


@pytest.fixture(scope="module")
def releasing():
    """Return every address from which the code can reach what the vault holds or an answer that is no page."""
    pages = {f"/{address}": ways_out(view) for address, _, view in reference.page_routes()}
    raw = {f"{method} {address}": ways_out(handler) for method, address, _, handler in reference.raw_routes()}
    return {address: ways for address, ways in (pages | raw).items() if ways}


def test_an_address_that_can_release_bytes_is_on_the_list_with_its_right(releasing):
    unlisted = {address: ways for address, ways in releasing.items() if address not in RELEASES}
    assert not unlisted, "say in tests/house/releases.py what leaves there, and for whom"


def test_what_is_on_the_list_is_still_there(releasing):
    assert not set(RELEASES) - set(releasing)


def test_the_walk_sees_an_address_that_nobody_listed():
    """A view as anybody might add it: it hands out a still, by way of a module between."""
    from openbwv.server.evidence import download
    from openbwv.server.evidence.views import page

    def careless(request):
        return page.thumbnail(request)

    careless.__wrapped__ = page.thumbnail
    assert "openbwv.server.vault.opened.read_derived" in ways_out(careless)
    assert "openbwv.server.vault.opened.OpenedRecording" in ways_out(download.make_download)
    assert not ways_out(page.recording_page)


def test_footage_leaves_by_these_addresses_and_no_other():
    assert sorted(address for address, release in RELEASES.items() if release.footage) == [
        "/ask/download/<int:release_id>",
        "/recordings/<str:reference>/downloads/<int:number>/fetch",
        "/recordings/<str:reference>/thumbnail",
        "/requests/<str:reference>/copies/<int:release_id>/copy.mp4",
        "/requests/<str:reference>/copies/<int:release_id>/hand-over",
        "GET /media/<session>/<seq>",
        "GET /media/<session>/init",
    ]
