"""What each rank is sent of a tensor, without ranks: the collectives are pretended."""

import pytest
import torch
from torch import distributed as dist

from psyche_rl.learner.spreading import Spreading


@pytest.mark.parametrize(("rows", "ranks"), [(8, 2), (7, 2), (5, 4), (2, 4), (1, 3)])
def test_each_rank_is_dealt_the_rows_that_torch_would_chunk_to_it(monkeypatch, rows, ranks):
    whole = torch.arange(rows * 3, dtype=torch.float32).reshape(rows, 3)
    sent = []
    monkeypatch.setattr(dist, "scatter", lambda mine, parts, group, group_src: sent.extend(parts or [mine]))
    spreading = Spreading(None, torch.device("cpu"))
    monkeypatch.setattr(spreading, "_ranks", ranks)
    spreading._scatter(whole.shape, whole, torch.float32)
    assert len(sent) == ranks
    shards = [*whole.chunk(ranks), *[whole[:0]] * ranks][:ranks]
    for part, shard in zip(sent, shards, strict=True):
        got = part.view(torch.float32).view(-1, 3)
        assert len(got) == -(-rows // ranks)
        assert torch.equal(got[: len(shard)], shard)
        assert not got[len(shard) :].any()
    sent.clear()
    mine = spreading._scatter(whole.shape, None, torch.bfloat16)
    assert (tuple(mine.shape), mine.dtype) == ((-(-rows // ranks), 3), torch.bfloat16)
