# GPU image: every stage. Not built here: no GPU and no Docker were at hand.
#   docker build -f launch/clusters/docker/gpu.Dockerfile -t psyche-rl:gpu .
FROM nvidia/cuda:12.9.1-cudnn-devel-ubuntu22.04

# Ray's head wants a shell's tools; torch and vLLM bring their own libraries.
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential git make procps python3.11 python3.11-venv python3.11-dev \
 && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 ray
WORKDIR /opt/psyche-rl
RUN chown ray:ray /opt/psyche-rl
USER ray

# What is locked changes rarely, so it has a layer of its own.
COPY --chown=ray:ray pyproject.toml README.md LICENSE Makefile ./
COPY --chown=ray:ray requirements requirements
COPY --chown=ray:ray scripts scripts
COPY --chown=ray:ray rewards rewards
COPY --chown=ray:ray psyche_rl psyche_rl
COPY --chown=ray:ray actors actors
COPY --chown=ray:ray data_pipeline data_pipeline
COPY --chown=ray:ray launch launch
RUN make setup EXTRA=gpu PYTHON=python3.11

ENV PATH=/opt/psyche-rl/.venv/bin:$PATH RAY_USAGE_STATS_ENABLED=0 VLLM_NO_USAGE_STATS=1
CMD ["psyche-rl", "--help"]
