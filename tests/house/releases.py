"""What may leave the server but as a page: each address with what it gives out and the right that it takes.

`test_releases.py` walks the code from every address of the URL map and of the raw callables; one that can reach the
vault's contents, or an answer that is no page, must stand here, and nothing else may. A new row is added by hand.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """What leaves at an address, for whom. `footage`: bytes that show or let hear what a camera recorded."""

    what: str
    right: str
    footage: bool = False


VIEWER = "the person of the open viewing, signed in"
DEVICE = "the recording's own camera, or a dock"
RELEASES = {
    "GET /media/<session>/index.json": Release("signed entries, their places and times", VIEWER),
    "GET /media/<session>/init": Release("the init unit", VIEWER, footage=True),
    "GET /media/<session>/<seq>": Release("one fragment", VIEWER, footage=True),
    "/recordings/<str:reference>/thumbnail": Release("the still", "see, and not restricted", footage=True),
    "/recordings/<str:reference>/export": Release("nothing: has the bundle made", "export, with a reason"),
    "/recordings/<str:reference>/downloads/<int:number>/fetch": Release(
        "the bundle, once", "export, and who asked for it", footage=True
    ),
    "/recordings/<str:reference>/watch": Release("nothing: begins a viewing", "watch, with its reason"),
    "/recordings/<str:reference>/watch/<str:viewing>/leave": Release("nothing: ends a viewing", "whose viewing it is"),
    "/requests/<str:reference>/matches/<int:match_id>/copy": Release("nothing: makes the copy", "requests"),
    "/requests/<str:reference>/copies/<int:release_id>/copy.mp4": Release(
        "the copy, before it is released", "requests, or the chosen second checker", footage=True
    ),
    "/requests/<str:reference>/copies/<int:release_id>/hand-over": Release(
        "the released copy, for somebody without an e-mail address", "requests", footage=True
    ),
    "/ask/download/<int:release_id>": Release(
        "the released copy", "whoever has reference, secret and a one-time code", footage=True
    ),
    "/retention/certificates/<str:reference>/phase<int:phase>.cbor": Release("a destruction certificate", "see"),
    "/log/checkpoint": Release("the signed checkpoint", "anybody"),
    "/log/tile/<path:rest>": Release("hashes of the custody log", "anybody"),
    "/log/tile/entries/<path:rest>": Release("leaves of the custody log, which name nobody", "anybody"),
    "PUT /recordings/<rec_id>/manifest": Release("how far its entries are held", DEVICE),
    "GET /recordings/<rec_id>/parts": Release("which fragments are held", DEVICE),
    "PUT /recordings/<rec_id>/parts/<seq>": Release("which fragments are held", DEVICE),
    "POST /recordings/<rec_id>/complete": Release("the receipt", DEVICE),
}
