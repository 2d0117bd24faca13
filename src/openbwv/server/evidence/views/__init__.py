"""Pages of recordings: the library, one recording, and the deeds posted from its page."""
