# Every RUN line writes only below WORKDIR and needs no privilege: tests/workshop runs them, and CMD,
# as an unprivileged user in an empty folder. Plain syntax, so that older builders can read it.
FROM python:3.13-slim

WORKDIR /lab

# HOME: a numeric user has none, and the root may be read-only; what libraries cache goes to /tmp.
# Address and port are variables, not flags in CMD: flags win, and nothing could override them.
ENV PATH=/lab/.venv/bin:$PATH \
    HOME=/tmp \
    XDG_CACHE_HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OPENBLAS_NUM_THREADS=1 \
    OMP_NUM_THREADS=1 \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501

COPY requirements.txt constraints.txt ./
RUN python -m venv .venv
RUN python -m pip install --no-cache-dir --no-input --disable-pip-version-check -r requirements.txt

COPY .streamlit .streamlit
COPY rnn_core rnn_core
COPY app app
# Compiled now, because a read-only root cannot keep what the first start compiles.
RUN python -m compileall -q rnn_core app

USER 10001:10001
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['STREAMLIT_SERVER_PORT'] + '/_stcore/health', timeout=2)"]
CMD ["python", "-m", "streamlit", "run", "app/main.py"]
