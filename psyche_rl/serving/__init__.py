"""What every server of ours keeps to: where it listens, who may call it, and how much a call may take."""

from psyche_rl.serving.address import ANY_FREE_PORT, Address, checked_token, is_loopback, url_of
from psyche_rl.serving.limits import RequestLimits

__all__ = ["ANY_FREE_PORT", "Address", "RequestLimits", "checked_token", "is_loopback", "url_of"]
