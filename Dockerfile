# The studio as a Hugging Face Space (Docker), with or without a GPU: PyPI's torch brings its own CUDA libraries, so a
# plain Python image is enough; the Space mounts the driver. Runs as user 1000, as Spaces do.
#   docker build -t atelier . && docker run --rm -p 7860:7860 -v atelier-home:/home/user/atelier --gpus all atelier
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 user \
    && install --directory --owner=user --group=user /home/user/app /home/user/atelier
USER user
WORKDIR /home/user/app

# What runs and uploads leave goes to /data where the Space has that disk, else below HOME; see studio/home.py.
ENV HOME=/home/user \
    PATH=/home/user/.local/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    STUDIO_HOST=0.0.0.0 \
    STUDIO_PORT=7860 \
    GRADIO_ANALYTICS_ENABLED=False \
    HF_HUB_DISABLE_TELEMETRY=1

# The requirements first: their layer is kept while only the studio's own files change.
COPY --chown=user requirements.txt .
RUN pip install --user --no-cache-dir -r requirements.txt

COPY --chown=user . .

EXPOSE 7860
CMD ["python", "app.py"]
