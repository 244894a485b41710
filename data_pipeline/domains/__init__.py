"""What is particular to a domain, as a folder: prompts, issue codes, wordings, cues. The code knows none."""

from data_pipeline.domains.domain import Domain
from data_pipeline.domains.load_domain import BUILT_IN, load_domain

__all__ = ["BUILT_IN", "Domain", "load_domain"]
