# The studio with the embedded model, on a CPU, or on a GPU with docker run --gpus all.
#     docker build -t adjointdeis-studio . && docker run --rm -p 7860:7860 adjointdeis-studio
# Neither the build nor the container needs a secret.
FROM python:3.11-slim

# without a GPU: --build-arg TORCH_INDEX=(the index of CPU builds on PyTorch's installation page) gives a smaller image
ARG TORCH_INDEX=

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_ANALYTICS_ENABLED=False \
    HF_HUB_DISABLE_TELEMETRY=1

# Spaces run containers as user 1000, who can write to the home folder only
RUN useradd --create-home --uid 1000 studio
WORKDIR /home/studio/app

# packages before code, so that a change of the code does not install them again
COPY requirements.txt ./
RUN pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "torch>=2.8" "torchvision>=0.23" \
    && pip install --requirement requirements.txt

COPY --chown=studio:studio . .
USER studio
# the renderer of clay faces is compiled once, here
RUN python -c "from studio.images.clay import compile_renderer; compile_renderer()"
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/config', timeout=4)"]
# python is process 1, so that `docker stop` ends it and it deletes the session files
CMD ["python", "app.py", "--public", "--port", "7860", "--no-browser"]
