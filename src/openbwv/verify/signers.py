"""Judging signers other than the camera: receipts, log, exports. Like the camera's, by the trust file alone."""

from openbwv.recording import ChainFacts, Reason, Trust, Weight


def judge_signer(chain: ChainFacts, trust: Trust | None, who: str, where: str) -> tuple[Reason, ...]:
    """Return what a signer's standing adds: nothing when trusted, doubt when unknown, change when an impostor's."""
    if trust is None:
        what = f"Signed by {who} {chain.fingerprint}; whose key that is was not checked (no trust file)."
        return (Reason("signer-not-checked", where, what, Weight.CANNOT_TELL),)
    standing = trust.judge(chain)
    if standing == "trusted":
        return ()
    if standing == "same-name":
        what = f"Signed by {who} {chain.fingerprint} under an impostor of the trusted authority, {chain.root_name}."
        return (Reason("signer-same-name", where, what, Weight.CHANGED),)
    what = f"Signed by {who} {chain.fingerprint} under {chain.root_name}, which is not in the trust file."
    return (Reason("signer-unknown", where, what, Weight.CANNOT_TELL),)
